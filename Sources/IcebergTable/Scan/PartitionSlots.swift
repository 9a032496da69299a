// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergSpec

/// How the partition tuples of a file's records are read.
///
/// The types come from the file, not from the table's schema: a column may have been promoted or
/// dropped since, and the tuples stay as they were written.
struct PartitionSlots: Sendable {
    private enum Slot {
        case none
        case boolean(AvroOptional<Bool>)
        case integer(AvroOptional<Int64>)
        case floatingPoint(AvroOptional<Double>)
        case bytes(AvroOptional<[UInt8]>)
        case decimal(AvroOptional<[UInt8]>)
    }

    private let slots: [Slot]

    /// Those of a spec without fields.
    static let unpartitioned = PartitionSlots(slots: [])

    private init(slots: [Slot]) { self.slots = slots }

    /// Adds the fields of a spec to a projection.
    ///
    /// - Parameter written: the fields of the file's partition record.
    /// - Parameter decimals: the spec's fields that hold decimals, by field id.
    /// - Throws: what is wrong, in words: a field that is not there, or of a type that no partition
    ///   value has.
    init(
        _ spec: PartitionSpec, written: [AvroField], decimals: Set<Int>,
        in record: AvroRecord, of projection: inout AvroProjection
    ) throws(PartitionFieldFault) {
        let usesIDs = written.contains { $0.id != nil }
        var slots: [Slot] = []
        for field in spec.fields {
            let match = written.first {
                usesIDs ? $0.id.map { Int($0) } == field.id : $0.name == field.name
            }
            guard let match else {
                guard field.transform == .void else { throw .missing(field.name) }
                slots.append(.none)
                continue
            }
            let id = Int32(truncatingIfNeeded: field.id)
            let name = match.name
            switch Self.kind(of: match.type) {
            case .boolean:
                slots.append(
                    .boolean(projection.optional(Bool.self, id: id, name: name, in: record)))
            case .long, .int:
                slots.append(
                    .integer(projection.optional(Int64.self, id: id, name: name, in: record)))
            case .double:
                slots.append(
                    .floatingPoint(
                        projection.optional(Double.self, id: id, name: name, in: record)))
            case .bytes, .string:
                let slot = projection.optional([UInt8].self, id: id, name: name, in: record)
                slots.append(decimals.contains(field.id) ? .decimal(slot) : .bytes(slot))
            case nil:
                guard Self.isNull(match.type) else { throw .unknownType(field.name) }
                slots.append(.none)
            }
        }
        self.slots = slots
    }

    /// The tuple of a record.
    func tuple(_ row: borrowing AvroRow) -> PartitionTuple {
        guard !slots.isEmpty else { return .empty }
        var values: [PartitionKeyValue?] = []
        values.reserveCapacity(slots.count)
        for slot in slots {
            switch slot {
            case .none: values.append(nil)
            case .boolean(let slot): values.append(row.value(slot).map { .boolean($0) })
            case .integer(let slot): values.append(row.value(slot).map { .integer($0) })
            case .floatingPoint(let slot):
                values.append(row.value(slot).map { .floatingPoint($0) })
            case .bytes(let slot): values.append(row.value(slot).map { .bytes($0) })
            case .decimal(let slot): values.append(row.value(slot).map { .decimal($0) })
            }
        }
        return PartitionTuple(values)
    }

    /// How a type is read; nil for null alone and for what no partition value is.
    private static func kind(of type: AvroType) -> AvroScalarKind? {
        switch type {
        case .boolean: .boolean
        case .int, .long: .long
        case .float, .double: .double
        case .bytes, .string: .bytes
        // Only fixed values have a name here; a projection refuses what is not one.
        case .named: .bytes
        case .union(let branches):
            branches.lazy.filter { $0 != .null }.compactMap { kind(of: $0) }.first
        case .null, .array, .map: nil
        }
    }

    private static func isNull(_ type: AvroType) -> Bool {
        switch type {
        case .null: true
        case .union(let branches): branches.allSatisfy { $0 == .null }
        case .boolean, .int, .long, .float, .double, .bytes, .string, .array, .map, .named: false
        }
    }
}

/// Why a file's partition tuples cannot be read.
enum PartitionFieldFault: Error, Hashable, Sendable {
    /// The file has no such field.
    case missing(String)
    /// The field has a type that no partition value has.
    case unknownType(String)

    var reason: String {
        switch self {
        case .missing(let name): "its partition tuples have no field \(name)"
        case .unknownType(let name): "its partition field \(name) has no type of a single value"
        }
    }
}

extension AvroSchema {
    /// The fields of the partition record in the schema of a manifest; nil if there is none.
    var partitionFields: [AvroField]? {
        guard let entry = fields(of: root),
            let file = entry.first(where: { $0.id == 2 || $0.id == nil && $0.name == "data_file" }),
            let fileFields = fields(of: file.type),
            let partition = fileFields.first(where: {
                $0.id == 102 || $0.id == nil && $0.name == "partition"
            })
        else { return nil }
        return fields(of: partition.type)
    }

    private func fields(of type: AvroType) -> [AvroField]? {
        guard case .named(let index) = type, definitions.indices.contains(index),
            case .record(let fields) = definitions[index].kind
        else { return nil }
        return fields
    }
}
