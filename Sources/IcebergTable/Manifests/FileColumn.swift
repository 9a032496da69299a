// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import WireFormat

/// A column of a metadata file, from which its Avro schema and its Iceberg schema are made.
struct FileColumn: Sendable {
    let id: Int
    let name: String
    let type: FileColumnType
    let isRequired: Bool
    let doc: String?

    init(
        _ id: Int, _ name: String, _ type: FileColumnType, isRequired: Bool = true,
        _ doc: String? = nil
    ) {
        self.id = id
        self.name = name
        self.type = type
        self.isRequired = isRequired
        self.doc = doc
    }
}

/// What a column holds.
indirect enum FileColumnType: Sendable {
    case primitive(PrimitiveType)
    case record(name: String, [FileColumn])
    case list(elementID: Int, PrimitiveType)
    case records(elementID: Int, name: String, [FileColumn])
    case map(keyID: Int, key: PrimitiveType, valueID: Int, value: PrimitiveType)
}

/// Makes the Avro schema of a file's columns.
///
/// Iceberg spec, Appendix A: Avro.
struct AvroSchemaText {
    /// Names of fixed types that are defined already: later uses only name them.
    private var defined: Set<String> = []

    static func record(name: String, _ columns: [FileColumn]) -> JSONValue {
        var writer = AvroSchemaText()
        return writer.record(name, columns)
    }

    private mutating func record(_ name: String, _ columns: [FileColumn]) -> JSONValue {
        var fields: [JSONValue] = []
        for column in columns { fields.append(field(column)) }
        return ["type": "record", "name": .string(name), "fields": .array(fields)]
    }

    private mutating func field(_ column: FileColumn) -> JSONValue {
        var field = JSONObject()
        let name = AvroFieldName.compatible(column.name)
        field["name"] = .string(name)
        let type = type(of: column.type)
        // Java has no union of null and null.
        field["type"] = column.isRequired || type == "null" ? type : ["null", type]
        if let doc = column.doc { field["doc"] = .string(doc) }
        if !column.isRequired { field["default"] = .null }
        field["field-id"] = .integer(column.id)
        if name != column.name { field["iceberg-field-name"] = .string(column.name) }
        return .object(field)
    }

    private mutating func type(of type: FileColumnType) -> JSONValue {
        switch type {
        case .primitive(let primitive): return self.type(of: primitive)
        case .record(let name, let columns): return record(name, columns)
        case .list(let id, let element):
            return [
                "type": "array", "items": self.type(of: element), "element-id": .integer(id),
            ]
        case .records(let id, let name, let columns):
            return ["type": "array", "items": record(name, columns), "element-id": .integer(id)]
        case .map(let keyID, let key, let valueID, let value):
            // Avro's maps have text for keys.
            let pair = [
                FileColumn(keyID, "key", .primitive(key)),
                FileColumn(valueID, "value", .primitive(value)),
            ]
            return [
                "type": "array", "items": record("k\(keyID)_v\(valueID)", pair),
                "logicalType": "map",
            ]
        }
    }

    private mutating func type(of type: PrimitiveType) -> JSONValue {
        func logical(_ type: JSONValue, _ name: String, isUTC: Bool? = nil) -> JSONValue {
            var object = JSONObject([
                .init(key: "type", value: type), .init(key: "logicalType", value: .string(name)),
            ])
            if let isUTC { object["adjust-to-utc"] = .bool(isUTC) }
            return .object(object)
        }
        switch type {
        case .boolean: return "boolean"
        case .int: return "int"
        case .long: return "long"
        case .float: return "float"
        case .double: return "double"
        case .date: return logical("int", "date")
        case .time: return logical("long", "time-micros")
        case .timestamp: return logical("long", "timestamp-micros", isUTC: false)
        case .timestamptz: return logical("long", "timestamp-micros", isUTC: true)
        case .timestampNanoseconds: return logical("long", "timestamp-nanos", isUTC: false)
        case .timestamptzNanoseconds: return logical("long", "timestamp-nanos", isUTC: true)
        case .string: return "string"
        case .binary, .geometry, .geography: return "bytes"
        case .unknown: return "null"
        case .uuid: return fixed("uuid_fixed", 16, [("logicalType", "uuid")])
        case .fixed(let length): return fixed("fixed_\(length)", length)
        case .decimal(let precision, let scale):
            return fixed(
                "decimal_\(precision)_\(scale)", DecimalWidth.bytes(precision: precision),
                [
                    ("logicalType", "decimal"), ("precision", .integer(precision)),
                    ("scale", .integer(scale)),
                ])
        }
    }

    private mutating func fixed(
        _ name: String, _ size: Int, _ attributes: [(String, JSONValue)] = []
    ) -> JSONValue {
        guard defined.insert(name).inserted else { return .string(name) }
        var object = JSONObject()
        object["type"] = "fixed"
        object["name"] = .string(name)
        object["size"] = .integer(size)
        for (key, value) in attributes { object[key] = value }
        return .object(object)
    }
}

/// Makes the Iceberg schema of a file's columns.
///
/// Iceberg spec, Appendix C: Schemas.
enum IcebergSchemaText {
    static func schema(_ columns: [FileColumn]) -> JSONValue {
        ["type": "struct", "schema-id": 0, "fields": .array(columns.map(field))]
    }

    private static func field(_ column: FileColumn) -> JSONValue {
        var field = JSONObject()
        field["id"] = .integer(column.id)
        field["name"] = .string(column.name)
        field["required"] = .bool(column.isRequired)
        field["type"] = type(column.type)
        if let doc = column.doc { field["doc"] = .string(doc) }
        return .object(field)
    }

    private static func structure(_ columns: [FileColumn]) -> JSONValue {
        ["type": "struct", "fields": .array(columns.map(field))]
    }

    private static func type(_ type: FileColumnType) -> JSONValue {
        switch type {
        case .primitive(let primitive): .string(primitive.description)
        case .record(_, let columns): structure(columns)
        case .list(let id, let element):
            [
                "type": "list", "element-id": .integer(id),
                "element": .string(element.description), "element-required": true,
            ]
        case .records(let id, _, let columns):
            [
                "type": "list", "element-id": .integer(id), "element": structure(columns),
                "element-required": true,
            ]
        case .map(let keyID, let key, let valueID, let value):
            [
                "type": "map", "key-id": .integer(keyID), "key": .string(key.description),
                "value-id": .integer(valueID), "value": .string(value.description),
                "value-required": true,
            ]
        }
    }
}

/// Names of fields as Avro allows them.
enum AvroFieldName {
    /// A name with what Avro does not allow in it spelled out, as Iceberg's writers do: a digit at
    /// the front gets a `_` before it, anything else becomes `_x` and its UTF-16 code.
    static func compatible(_ name: String) -> String {
        var result = ""
        for (index, unit) in name.utf16.enumerated() {
            let scalar = Unicode.Scalar(unit).flatMap { $0.isASCII ? Character($0) : nil }
            let isLetter = scalar.map { $0.isLetter || $0 == "_" } ?? false
            let isDigit = scalar.map { $0.isNumber } ?? false
            if let scalar, isLetter || (isDigit && index > 0) {
                result.append(scalar)
            } else if let scalar, isDigit {
                result += "_\(scalar)"
            } else {
                result += "_x" + String(unit, radix: 16, uppercase: true)
            }
        }
        return result
    }
}

/// How many bytes decimals take.
enum DecimalWidth {
    /// The fewest bytes that hold every unscaled value of a precision.
    static func bytes(precision: Int) -> Int {
        var largest: UInt128 = 0
        for _ in 0..<precision { largest = largest * 10 + 9 }
        // One bit more, for the sign.
        return (128 - largest.leadingZeroBitCount) / 8 + 1
    }

    /// A number in two's complement, widened to a number of bytes if it has fewer.
    static func widened(_ bytes: [UInt8], to count: Int) -> [UInt8] {
        let sign: UInt8 = (bytes.first ?? 0) >= 0x80 ? 0xFF : 0
        return [UInt8](repeating: sign, count: max(0, count - bytes.count)) + bytes
    }
}
