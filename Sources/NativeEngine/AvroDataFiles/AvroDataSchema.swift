// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import ParquetFormat
import WireFormat

/// How a value of an Avro data file is read, and which columns of Parquet get it.
indirect enum AvroDataNode: Sendable {
    /// One column's value.
    case value(AvroDataKind, column: Int)
    /// Fields one after the other.
    case record([AvroDataNode])
    /// Blocks of elements, each of so many parts: one of a list, the key and value of a map.
    case repeated([AvroDataNode], columns: Range<Int>, level: UInt8)
    /// The number of a branch, and the value if that is not the null.
    case optional(AvroDataNode, nullBranch: Int64, columns: Range<Int>)
}

/// How the values of a column are encoded in Avro.
enum AvroDataKind: Sendable {
    case boolean, int, long, float, double, bytes, text
    case fixed(Int)
}

/// The columns of an Avro data file, as a Parquet file has them.
///
/// Iceberg spec, Appendix A: Avro, and Appendix C: JSON serialization of field ids. What Avro's own
/// reader does not keep is taken from the schema's text: logical types, and the ids of elements,
/// keys and values.
struct AvroDataSchema {
    /// The fields in Parquet, in their order and with the ids that the file has.
    private(set) var fields: [ParquetField] = []
    /// How a record is read.
    private(set) var root = AvroDataNode.record([])

    /// More columns than this are none that anybody made on purpose.
    static let mostColumns = 20_000
    /// Records may nest so deeply.
    static let deepest = 60

    /// The types that have a name, as the text defines them, with the namespace around them.
    private var named: [String: (type: JSONObject, namespace: String)] = [:]
    private var columnCount = 0
    /// The types of the table's columns by field id.
    private let tableTypes: [Int32: PrimitiveType]

    private typealias Made = (field: ParquetField, node: AvroDataNode)

    /// Where a type stands.
    private struct Place {
        var path: String
        var namespace = ""
        var depth = 0
        /// The repeated fields around it.
        var repetition: UInt8 = 0

        func below(_ name: String) -> Place {
            var place = self
            place.path += path.isEmpty ? name : ".\(name)"
            place.depth += 1
            return place
        }
    }

    /// - Parameter schema: The table's schema, which decides what Avro leaves open.
    init(_ text: JSONValue, of schema: Schema) throws(Unsupported) {
        tableTypes = Self.types(of: schema)
        var place = Place(path: "")
        guard let record = try resolved(text, &place), record["type"]?.stringValue == "record"
        else {
            throw Unsupported(reason: "its records are no records")
        }
        let made = try members(of: record, place)
        fields = made.map(\.field)
        root = .record(made.map(\.node))
    }

    private static func types(of schema: Schema) -> [Int32: PrimitiveType] {
        var types: [Int32: PrimitiveType] = [:]
        var fields = schema.fields
        while let field = fields.popLast() {
            switch field.type {
            case .primitive(let type): types[Int32(truncatingIfNeeded: field.id)] = type
            case .structure(let members): fields += members
            case .list(let element): fields.append(element)
            case .map(let key, let value): fields += [key, value]
            case .variant: break
            }
        }
        return types
    }
}

// MARK: Types

extension AvroDataSchema {
    /// The attributes of a type; nil for a union.
    ///
    /// Types that have a name are noted, and found again under it.
    private mutating func resolved(
        _ json: JSONValue, _ place: inout Place
    ) throws(Unsupported) -> JSONObject? {
        guard place.depth < Self.deepest else {
            throw Unsupported(reason: "\(place.path) is nested too deeply")
        }
        switch json {
        case .string(let name):
            let full = Self.fullName(name, place.namespace)
            guard let found = named[full] ?? named[name] else {
                return JSONObject([.init(key: "type", value: json)])
            }
            place.namespace = found.namespace
            return found.type
        case .object(let object):
            guard object["type"]?.stringValue != nil else {
                // A type within a type only adds attributes.
                guard let inner = object["type"] else { return object }
                place.depth += 1
                return try resolved(inner, &place)
            }
            guard let name = object["name"]?.stringValue else {
                // Attributes beside the name of a type that is defined already.
                let type = object["type"]?.stringValue ?? ""
                let known = named[Self.fullName(type, place.namespace)] ?? named[type]
                place.namespace = known?.namespace ?? place.namespace
                return known?.type ?? object
            }
            let full = Self.fullName(
                name, object["namespace"]?.stringValue ?? place.namespace)
            place.namespace = full.lastIndex(of: ".").map { String(full[..<$0]) } ?? ""
            named[full] = (object, place.namespace)
            return object
        case .array: return nil
        case .null, .bool, .number:
            throw Unsupported(reason: "the type of \(place.path) is none")
        }
    }

    private static func fullName(_ name: String, _ namespace: String) -> String {
        name.contains(".") || namespace.isEmpty ? name : "\(namespace).\(name)"
    }

    private mutating func members(
        of record: JSONObject, _ place: Place
    ) throws(Unsupported) -> [Made] {
        let members = (record["fields"]?.arrayValue ?? []).compactMap(\.objectValue)
        guard !members.isEmpty else {
            throw Unsupported(reason: "\(place.path) is a record without fields")
        }
        var made: [Made] = []
        for member in members {
            guard let name = member["name"]?.stringValue, let type = member["type"] else {
                throw Unsupported(reason: "a field of \(place.path) has no name or type")
            }
            made.append(
                try self.field(name, id: Self.id(member["field-id"]), type, place.below(name)))
        }
        return made
    }

    private static func id(_ value: JSONValue?) -> Int32? {
        value?.intValue.flatMap { Int32(exactly: $0) }
    }

    /// A field of any type: required, or one that may be null.
    private mutating func field(
        _ name: String, id: Int32?, _ type: JSONValue, _ place: Place
    ) throws(Unsupported) -> Made {
        guard case .array(let branches) = type else {
            return try required(name, id: id, type, place)
        }
        let nulls = branches.indices.filter { branches[$0].isAvroNull }
        guard branches.count == 2, nulls.count == 1, let null = nulls.first else {
            throw Unsupported(reason: "\(place.path) is a union of more than a type and null")
        }
        let start = columnCount
        var (field, node) = try required(name, id: id, branches[1 - null], place)
        field.repetition = .optional
        node = .optional(node, nullBranch: Int64(null), columns: start..<columnCount)
        return (field, node)
    }

    private mutating func required(
        _ name: String, id: Int32?, _ json: JSONValue, _ place: Place
    ) throws(Unsupported) -> Made {
        var place = place
        guard let type = try resolved(json, &place) else {
            throw Unsupported(reason: "\(place.path) is a union within a union")
        }
        switch type["type"]?.stringValue {
        case "record":
            let made = try members(of: type, place)
            return (
                .group(name, id: id, .required, made.map(\.field)), .record(made.map(\.node))
            )
        case "array": return try list(name, id: id, type, place)
        case "map":
            let start = columnCount
            var inner = place.below("value")
            inner.repetition += 1
            let key = try required("key", id: Self.id(type["key-id"]), "string", place.below("key"))
            let value = try field(
                "value", id: Self.id(type["value-id"]), type["values"] ?? .null, inner)
            return map(name, id: id, key, value, from: start, inner)
        default: return try value(name, id: id, type, place)
        }
    }

    private mutating func list(
        _ name: String, id: Int32?, _ type: JSONObject, _ place: Place
    ) throws(Unsupported) -> Made {
        let start = columnCount
        var inner = place.below("element")
        inner.repetition += 1
        let items = type["items"] ?? .null
        guard type["logicalType"]?.stringValue == "map" else {
            let element = try field("element", id: Self.id(type["element-id"]), items, inner)
            return (
                .list(name, id: id, .required, element: element.field),
                .repeated(
                    [element.node], columns: start..<columnCount, level: inner.repetition)
            )
        }
        // A map whose keys are no texts: records of a key and a value.
        guard let record = try resolved(items, &inner), record["type"]?.stringValue == "record"
        else { throw Unsupported(reason: "the entries of the map \(place.path) are no records") }
        let parts = try members(of: record, inner)
        guard parts.count == 2, parts[0].field.name == "key", parts[1].field.name == "value",
            parts[0].field.repetition == .required
        else {
            throw Unsupported(reason: "the entries of the map \(place.path) are no keys and values")
        }
        return map(name, id: id, parts[0], parts[1], from: start, inner)
    }

    private func map(
        _ name: String, id: Int32?, _ key: Made, _ value: Made, from start: Int, _ inner: Place
    ) -> Made {
        (
            .map(name, id: id, .required, key: key.field, value: value.field),
            .repeated(
                [key.node, value.node], columns: start..<columnCount, level: inner.repetition)
        )
    }
}

// MARK: Values

extension AvroDataSchema {
    private typealias Stored = (
        kind: AvroDataKind, type: PhysicalType, length: Int32, meaning: LogicalType?
    )

    private mutating func value(
        _ name: String, id: Int32?, _ type: JSONObject, _ place: Place
    ) throws(Unsupported) -> Made {
        guard columnCount < Self.mostColumns else {
            throw Unsupported(reason: "it has more than \(Self.mostColumns) columns")
        }
        guard let stored = stored(type, tableType: id.flatMap { tableTypes[$0] }) else {
            throw Unsupported(
                reason: "\(place.path) is of the Avro type \(type["type"]?.stringValue ?? "?")"
                    + (type["logicalType"]?.stringValue.map { " (\($0))" } ?? "")
                    + ", of which nothing can be made")
        }
        defer { columnCount += 1 }
        return (
            .values(
                name, id: id, .required, stored.type, length: stored.length,
                logicalType: stored.meaning), .value(stored.kind, column: columnCount)
        )
    }

    private func stored(_ type: JSONObject, tableType: PrimitiveType?) -> Stored? {
        let meaning = type["logicalType"]?.stringValue
        switch type["type"]?.stringValue {
        case "boolean": return (.boolean, .boolean, 0, nil)
        case "int": return (.int, .int32, 0, meaning == "date" ? .date : nil)
        case "long": return (.long, .int64, 0, Self.time(meaning, type, tableType))
        case "float": return (.float, .float, 0, nil)
        case "double": return (.double, .double, 0, nil)
        case "string": return (.text, .byteArray, 0, .string)
        case "bytes":
            guard meaning == "decimal" else { return (.bytes, .byteArray, 0, nil) }
            return Self.decimal(type).map { (.bytes, .byteArray, 0, $0) }
        case "fixed":
            guard let size = type["size"]?.intValue, size > 0, let length = Int32(exactly: size)
            else { return nil }
            let kind = AvroDataKind.fixed(size)
            switch meaning {
            case "decimal":
                return Self.decimal(type).map { (kind, .fixedLengthByteArray, length, $0) }
            case "uuid" where size == 16: return (kind, .fixedLengthByteArray, length, .uuid)
            default: return (kind, .fixedLengthByteArray, length, nil)
            }
        default: return nil
        }
    }

    private static func decimal(_ type: JSONObject) -> LogicalType? {
        guard let precision = type["precision"]?.intValue, (1...38).contains(precision) else {
            return nil
        }
        let scale = type["scale"]?.intValue ?? 0
        guard (0...precision).contains(scale) else { return nil }
        return .decimal(precision: Int32(precision), scale: Int32(scale))
    }

    /// What a long means that is a time; nil for a number.
    private static func time(
        _ meaning: String?, _ type: JSONObject, _ tableType: PrimitiveType?
    ) -> LogicalType? {
        // Not every writer says whether a time is one of UTC, and the bytes are the same.
        let isUTC =
            type["adjust-to-utc"]?.boolValue
            ?? (tableType == .timestamptz || tableType == .timestamptzNanoseconds)
        switch meaning {
        case "time-micros": return .time(.microseconds, isAdjustedToUTC: false)
        case "timestamp-millis": return .timestamp(.milliseconds, isAdjustedToUTC: isUTC)
        case "timestamp-micros": return .timestamp(.microseconds, isAdjustedToUTC: isUTC)
        case "timestamp-nanos": return .timestamp(.nanoseconds, isAdjustedToUTC: isUTC)
        case "local-timestamp-millis": return .timestamp(.milliseconds, isAdjustedToUTC: false)
        case "local-timestamp-micros": return .timestamp(.microseconds, isAdjustedToUTC: false)
        case "local-timestamp-nanos": return .timestamp(.nanoseconds, isAdjustedToUTC: false)
        default: return nil
        }
    }
}

extension JSONValue {
    /// Whether it is Avro's type of nulls.
    fileprivate var isAvroNull: Bool {
        stringValue == "null" || objectValue?["type"]?.stringValue == "null"
    }
}
