// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergSpec
import WireFormat

/// A value of a delete file in Avro, as the table's type has it.
enum AvroKeyValue: Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case number(Double)
    case bytes([UInt8])
    /// An unscaled decimal in two's complement, the highest byte first.
    case decimal([UInt8])
}

/// Where a row of a delete file in Avro keeps the columns of the key.
struct AvroKeyPlan {
    let program: AvroProgram
    let slots: [AvroKeySlot]

    init<Source: AvroByteSource>(
        _ reader: AvroFileReader<Source>, _ columns: EqualityColumns
    ) throws(AvroError) {
        var types = AvroTypes()
        let root: JSONValue
        do throws(JSONSyntaxError) {
            root = try JSONValue(parsing: reader.header.schemaText)
        } catch {
            throw .invalidSchema(reason: "\(error)")
        }
        types.collect(root)
        var projection = AvroProjection()
        var records: [Int32: AvroRecord] = [:]
        var slots: [AvroKeySlot] = []
        for column in columns.columns {
            guard let type = types.type(of: column, in: root) else {
                throw .schemaMismatch(reason: "it lacks the column \(column.name)")
            }
            var parent: AvroRecord?
            for (id, name) in zip(column.parents, column.path) {
                let record = records[id] ?? projection.record(id: id, name: name, in: parent)
                records[id] = record
                parent = record
            }
            slots.append(try AvroKeySlot(type, column, in: parent, of: &projection))
        }
        self.slots = slots
        program = try AvroProgram.compile(projection, for: try reader.schema())
    }
}

/// Where a row keeps one column of the key.
enum AvroKeySlot {
    case boolean(AvroOptional<Bool>)
    case integer(AvroOptional<Int64>)
    case number(AvroOptional<Double>)
    case bytes(AvroOptional<[UInt8]>)
    case decimal(AvroOptional<[UInt8]>)

    /// - Throws: ``AvroError/schemaMismatch(reason:)`` unless the type is one that the table's type
    ///   was promoted from, or itself.
    init(
        _ found: AvroTypes.Found, _ column: EqualityColumn, in record: AvroRecord?,
        of projection: inout AvroProjection
    ) throws(AvroError) {
        let name = column.path.last ?? ""
        func slot<Value: AvroScalar>(_: Value.Type) -> AvroOptional<Value> {
            projection.optional(Value.self, id: column.id, name: name, in: record)
        }
        switch (column.type, found.type, found.meaning) {
        case (.boolean, "boolean", nil): self = .boolean(slot(Bool.self))
        case (.int, "int", nil), (.long, "int", nil), (.long, "long", nil),
            (.date, "int", "date"), (.time, "long", "time-micros"),
            (.timestamp, "long", "timestamp-micros"), (.timestamptz, "long", "timestamp-micros"),
            (.timestampNanoseconds, "long", "timestamp-nanos"),
            (.timestamptzNanoseconds, "long", "timestamp-nanos"):
            self = .integer(slot(Int64.self))
        case (.float, "float", nil), (.double, "float", nil), (.double, "double", nil):
            self = .number(slot(Double.self))
        case (.string, "string", nil), (.binary, "bytes", nil): self = .bytes(slot([UInt8].self))
        case (.uuid, "fixed", nil), (.uuid, "fixed", "uuid"):
            guard found.size == 16 else { throw Self.misfit(found, column) }
            self = .bytes(slot([UInt8].self))
        case (.fixed(let length), "fixed", nil):
            guard found.size == length else { throw Self.misfit(found, column) }
            self = .bytes(slot([UInt8].self))
        case (.decimal(let precision, let scale), "fixed", "decimal"),
            (.decimal(let precision, let scale), "bytes", "decimal"):
            guard found.scale == scale, found.precision.map({ $0 <= precision }) == true else {
                throw Self.misfit(found, column)
            }
            self = .decimal(slot([UInt8].self))
        default: throw Self.misfit(found, column)
        }
    }

    private static func misfit(_ found: AvroTypes.Found, _ column: EqualityColumn) -> AvroError {
        let meaning = found.meaning.map { " (\($0))" } ?? ""
        return .schemaMismatch(
            reason: "its column \(column.name) is \(found.type)\(meaning), which is no "
                + "\(column.type)")
    }

    func value(in row: borrowing AvroRow) -> AvroKeyValue {
        switch self {
        case .boolean(let slot): row.value(slot).map { .boolean($0) } ?? .null
        case .integer(let slot): row.value(slot).map { .integer($0) } ?? .null
        case .number(let slot): row.value(slot).map { .number($0) } ?? .null
        case .bytes(let slot): row.value(slot).map { .bytes($0) } ?? .null
        case .decimal(let slot): row.value(slot).map { .decimal($0) } ?? .null
        }
    }
}

/// The types in a file's schema with what they mean, which the reader of Avro does not keep.
struct AvroTypes {
    /// What a column is.
    struct Found {
        let type: String
        var meaning: String?
        var size: Int?
        var precision: Int?
        var scale: Int?
    }

    /// Types that a schema defines once and may name again.
    private var named: [String: JSONObject] = [:]

    /// Takes note of every type that has a name.
    mutating func collect(_ type: JSONValue) {
        switch type {
        case .array(let branches): for branch in branches { collect(branch) }
        case .object(let object):
            if let name = object["name"]?.stringValue, object["type"]?.stringValue != nil {
                named[name] = object
            }
            for field in object["fields"]?.arrayValue ?? [] {
                if let type = field.objectValue?["type"] { collect(type) }
            }
            for member in ["items", "values", "type"] {
                if let type = object[member], type.stringValue == nil { collect(type) }
            }
        case .null, .bool, .number, .string: break
        }
    }

    /// What a column is; nil if the file does not have it by its id.
    func type(of column: EqualityColumn, in root: JSONValue) -> Found? {
        var type = root
        for id in column.parents + [column.id] {
            guard let record = object(type), let fields = record["fields"]?.arrayValue,
                let field = fields.compactMap(\.objectValue).first(where: {
                    $0["field-id"]?.int64Value == Int64(id)
                }), let next = field["type"]
            else { return nil }
            type = next
        }
        return found(type)
    }

    /// A type that is none of Avro's own names, without the null that it may be instead.
    private func object(_ type: JSONValue) -> JSONObject? {
        switch withoutNull(type) {
        case .object(let object): object
        case .string(let name): named[name]
        case .null, .bool, .number, .array, nil: nil
        }
    }

    private func withoutNull(_ type: JSONValue) -> JSONValue? {
        guard case .array(let branches) = type else { return type }
        let values = branches.filter { $0.stringValue != "null" }
        return values.count == 1 ? values.first : nil
    }

    private func found(_ type: JSONValue) -> Found? {
        if let object = object(type) {
            guard let name = object["type"]?.stringValue else {
                return object["type"].flatMap { found($0) }
            }
            return Found(
                type: name, meaning: object["logicalType"]?.stringValue,
                size: object["size"]?.intValue, precision: object["precision"]?.intValue,
                scale: object["scale"]?.intValue ?? 0)
        }
        return withoutNull(type)?.stringValue.map { Found(type: $0) }
    }
}
