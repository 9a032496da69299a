// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergSpec

/// All fields of an entry, the partition tuple and the metrics among them.
struct CompleteEntryFields: Sendable {
    let projection: AvroProjection
    private let entryFields: ManifestEntryFields
    private let partition: [PartitionSlot]
    private let metrics: ColumnMetricsFields

    init(partition types: [PartitionFieldType]) {
        entryFields = ManifestEntryFields()
        var fields = entryFields.projection
        let file = entryFields.dataFileRecord
        if types.contains(where: { $0.type != .unknown }) {
            let tuple = fields.record(id: 102, name: "partition", in: file)
            partition = types.map { PartitionSlot($0, in: tuple, of: &fields) }
        } else {
            partition = types.map { _ in .nothing }
        }
        metrics = ColumnMetricsFields(in: file, of: &fields)
        projection = fields
    }

    /// The entry as the manifest has it, before inheritance.
    func entry(
        _ row: borrowing AvroRow, in manifest: ManifestContent
    ) throws(AvroError) -> CompleteEntry {
        var values: [PartitionValue?] = []
        for slot in partition { values.append(try slot.value(in: row)) }
        return CompleteEntry(
            entry: try entryFields.entry(row, in: manifest), partition: values,
            metrics: try metrics.metrics(row))
    }
}

/// Where a row keeps one value of the partition tuple.
private enum PartitionSlot: Sendable {
    case boolean(AvroOptional<Bool>)
    case int(AvroOptional<Int32>)
    case long(AvroOptional<Int64>)
    case float(AvroOptional<Double>)
    case double(AvroOptional<Double>)
    case string(AvroOptional<String>)
    case bytes(AvroOptional<[UInt8]>, length: Int?)
    case decimal(AvroOptional<[UInt8]>)
    /// Always null.
    case nothing

    init(_ field: PartitionFieldType, in tuple: AvroRecord, of fields: inout AvroProjection) {
        let id = Int32(truncatingIfNeeded: field.id)
        let name = AvroFieldName.compatible(field.name)
        func slot<Value: AvroScalar>(_ type: Value.Type) -> AvroOptional<Value> {
            fields.optional(type, id: id, name: name, in: tuple)
        }
        switch field.type {
        case .boolean: self = .boolean(slot(Bool.self))
        case .int, .date: self = .int(slot(Int32.self))
        case .long, .time, .timestamp, .timestamptz, .timestampNanoseconds,
            .timestamptzNanoseconds:
            self = .long(slot(Int64.self))
        case .float: self = .float(slot(Double.self))
        case .double: self = .double(slot(Double.self))
        case .string: self = .string(slot(String.self))
        case .decimal: self = .decimal(slot([UInt8].self))
        case .uuid: self = .bytes(slot([UInt8].self), length: 16)
        case .fixed(let length): self = .bytes(slot([UInt8].self), length: length)
        case .binary, .geometry, .geography: self = .bytes(slot([UInt8].self), length: nil)
        case .unknown: self = .nothing
        }
    }

    func value(in row: borrowing AvroRow) throws(AvroError) -> PartitionValue? {
        switch self {
        case .boolean(let slot): return row.value(slot).map { .boolean($0) }
        case .int(let slot): return row.value(slot).map { .int($0) }
        case .long(let slot): return row.value(slot).map { .long($0) }
        case .float(let slot): return row.value(slot).map { .float(Float($0)) }
        case .double(let slot): return row.value(slot).map { .double($0) }
        case .string(let slot): return try row.value(slot).map { .string($0) }
        case .bytes(let slot, let length):
            guard let bytes = row.value(slot) else { return nil }
            guard length == nil || length == bytes.count else {
                throw row.refusal(slot, "has \(bytes.count) bytes, not \(length ?? 0)")
            }
            return .bytes(bytes)
        case .decimal(let slot): return row.value(slot).map { .decimal(unscaled: $0) }
        case .nothing: return nil
        }
    }
}

/// The metrics of a file's columns.
private struct ColumnMetricsFields: Sendable {
    private let columnSizes: ColumnFactList<Int64>
    private let valueCounts: ColumnFactList<Int64>
    private let nullValueCounts: ColumnFactList<Int64>
    private let nanValueCounts: ColumnFactList<Int64>
    private let lowerBounds: ColumnFactList<[UInt8]>
    private let upperBounds: ColumnFactList<[UInt8]>

    init(in file: AvroRecord, of fields: inout AvroProjection) {
        func list<Value: AvroScalar>(_ column: ManifestMetricsColumn) -> ColumnFactList<Value> {
            ColumnFactList(column, in: file, of: &fields)
        }
        columnSizes = list(.columnSizes)
        valueCounts = list(.valueCounts)
        nullValueCounts = list(.nullValueCounts)
        nanValueCounts = list(.nanValueCounts)
        lowerBounds = list(.lowerBounds)
        upperBounds = list(.upperBounds)
    }

    func metrics(_ row: borrowing AvroRow) throws(AvroError) -> ColumnMetrics {
        var metrics = ColumnMetrics()
        metrics.columnSizes = try columnSizes.facts(row) { $0.value($1) }
        metrics.valueCounts = try valueCounts.facts(row) { $0.value($1) }
        metrics.nullValueCounts = try nullValueCounts.facts(row) { $0.value($1) }
        metrics.nanValueCounts = try nanValueCounts.facts(row) { $0.value($1) }
        metrics.lowerBounds = try lowerBounds.facts(row) { $0.value($1) }
        metrics.upperBounds = try upperBounds.facts(row) { $0.value($1) }
        return metrics
    }
}

/// Where a row keeps one map of column ids to facts.
struct ColumnFactList<Value: AvroScalar & Hashable & Sendable>: Sendable {
    private let list: AvroList
    private let key: AvroRequired<Int32>
    private let value: AvroRequired<Value>

    init(_ column: ManifestMetricsColumn, in file: AvroRecord, of fields: inout AvroProjection) {
        var pair = AvroProjection()
        key = pair.required(Int32.self, id: Int32(column.keyID), name: "key")
        value = pair.required(Value.self, id: Int32(column.valueID), name: "value")
        list = fields.list(id: Int32(column.id), name: column.name, of: pair, in: file)
    }

    func facts(
        _ row: borrowing AvroRow, _ read: (borrowing AvroRow, AvroRequired<Value>) -> Value
    ) throws(AvroError) -> [ColumnFact<Value>]? {
        guard row.isPresent(list) else { return nil }
        var facts: [ColumnFact<Value>] = []
        try row.forEach(list) { (element) throws(AvroError) in
            facts.append(ColumnFact(id: element.value(key), value: read(element, value)))
        }
        return facts
    }
}
