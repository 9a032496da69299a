// SPDX-License-Identifier: Apache-2.0

import WireFormat

extension AvroSchema {
    /// Reads a schema from its JSON.
    ///
    /// Avro specification 1.11, Schema Declaration.
    ///
    /// Nesting is bounded by ``JSONValue/maximumDepth``.
    ///
    /// - Throws: ``AvroError/invalidSchema(reason:)``.
    public init(parsing text: [UInt8]) throws(AvroError) {
        let json: JSONValue
        do { json = try JSONValue(parsing: text) } catch {
            throw .invalidSchema(reason: error.description)
        }
        var parser = AvroSchemaParser()
        root = try parser.type(json, namespace: "")
        definitions = try parser.finished()
    }
}

/// Collects named types while it walks the JSON.
private struct AvroSchemaParser {
    /// A definition is nil while its fields are read, so that they may refer to it.
    private var definitions: [AvroDefinition?] = []
    private var indices: [String: Int] = [:]

    func finished() throws(AvroError) -> [AvroDefinition] {
        let complete = definitions.compactMap(\.self)
        precondition(
            complete.count == definitions.count, "every definition is completed once begun")
        return complete
    }

    mutating func type(_ json: JSONValue, namespace: String) throws(AvroError) -> AvroType {
        switch json {
        case .string(let name): return try simple(name, namespace: namespace)
        case .array(let branches): return try union(branches, namespace: namespace)
        case .object(let object): return try complex(object, namespace: namespace)
        case .null, .bool, .number:
            throw .invalidSchema(reason: "a type is \(json.kindName)")
        }
    }

    private func simple(_ name: String, namespace: String) throws(AvroError) -> AvroType {
        switch name {
        case "null": return .null
        case "boolean": return .boolean
        case "int": return .int
        case "long": return .long
        case "float": return .float
        case "double": return .double
        case "bytes": return .bytes
        case "string": return .string
        default:
            let full = fullName(name, namespace: namespace)
            guard let index = indices[full] ?? indices[name] else {
                throw .invalidSchema(reason: "the type \(name) is not defined before it is used")
            }
            return .named(index)
        }
    }

    private mutating func union(
        _ branches: [JSONValue], namespace: String
    ) throws(AvroError) -> AvroType {
        var types: [AvroType] = []
        for branch in branches {
            guard branch.arrayValue == nil else {
                throw .invalidSchema(reason: "a union is directly within a union")
            }
            types.append(try type(branch, namespace: namespace))
        }
        guard !types.isEmpty else { throw .invalidSchema(reason: "a union has no branches") }
        return .union(types)
    }

    private mutating func complex(
        _ object: JSONObject, namespace: String
    ) throws(AvroError) -> AvroType {
        guard let tag = object["type"] else {
            throw .invalidSchema(reason: "a type has no attribute \"type\"")
        }
        // `{"type": {"type": "long"}}` is the inner type with attributes added.
        guard let name = tag.stringValue else { return try type(tag, namespace: namespace) }
        switch name {
        case "array": return .array(try part("items", of: object, namespace: namespace))
        case "map": return .map(try part("values", of: object, namespace: namespace))
        case "record", "error": return try record(object, namespace: namespace)
        case "enum":
            let symbols = try symbols(object)
            return try define(object, namespace: namespace, as: .enumeration(symbols), size: nil)
        case "fixed":
            let size = try size(object)
            return try define(object, namespace: namespace, as: .fixed(size), size: size)
        default: return try simple(name, namespace: namespace)
        }
    }

    private mutating func part(
        _ key: String, of object: JSONObject, namespace: String
    ) throws(AvroError) -> AvroType {
        guard let json = object[key] else {
            throw .invalidSchema(reason: "a collection has no attribute \"\(key)\"")
        }
        return try type(json, namespace: namespace)
    }

    private func symbols(_ object: JSONObject) throws(AvroError) -> [String] {
        let symbols = object["symbols"]?.arrayValue?.map(\.stringValue) ?? []
        guard !symbols.isEmpty, !symbols.contains(nil) else {
            throw .invalidSchema(reason: "an enum has no list of symbols")
        }
        return symbols.compactMap(\.self)
    }

    private func size(_ object: JSONObject) throws(AvroError) -> Int {
        guard let size = object["size"]?.intValue, (0...Int(Int32.max)).contains(size) else {
            throw .invalidSchema(reason: "a fixed has no size between 0 and \(Int32.max)")
        }
        return size
    }

    private mutating func record(
        _ object: JSONObject, namespace: String
    ) throws(AvroError) -> AvroType {
        let (index, name) = try begin(object, namespace: namespace)
        guard let members = object["fields"]?.arrayValue else {
            throw .invalidSchema(reason: "the record \(name) has no list of fields")
        }
        let inner = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? ""
        var fields: [AvroField] = []
        for member in members {
            fields.append(try field(member, of: name, namespace: inner))
        }
        guard Set(fields.map(\.name)).count == fields.count else {
            throw .invalidSchema(reason: "two fields of the record \(name) have one name")
        }
        definitions[index] = AvroDefinition(
            name: name, kind: .record(fields), size: size(of: fields))
        return .named(index)
    }

    private mutating func field(
        _ json: JSONValue, of record: String, namespace: String
    ) throws(AvroError) -> AvroField {
        guard let object = json.objectValue, let name = object["name"]?.stringValue,
            let typeJSON = object["type"]
        else { throw .invalidSchema(reason: "a field of \(record) lacks its name or type") }
        var id: Int32?
        if let idJSON = object["field-id"] {
            guard let number = idJSON.intValue.flatMap({ Int32(exactly: $0) }) else {
                throw .invalidSchema(reason: "the field-id of \(record).\(name) is not an int")
            }
            id = number
        }
        return AvroField(name: name, id: id, type: try type(typeJSON, namespace: namespace))
    }

    private mutating func define(
        _ object: JSONObject, namespace: String, as kind: AvroDefinition.Kind, size: Int?
    ) throws(AvroError) -> AvroType {
        let (index, name) = try begin(object, namespace: namespace)
        definitions[index] = AvroDefinition(name: name, kind: kind, size: size)
        return .named(index)
    }

    /// What fields take together; nil if one of them varies, or is of a type that is not complete
    /// and so contains itself.
    private func size(of fields: [AvroField]) -> Int? {
        var total = 0
        for field in fields {
            guard let size = field.type.size(definition: { definitions[$0]?.size }) else {
                return nil
            }
            let (sum, overflow) = total.addingReportingOverflow(size)
            guard !overflow else { return nil }
            total = sum
        }
        return total
    }

    /// Registers the name before the definition is complete, for types that contain themselves.
    private mutating func begin(
        _ object: JSONObject, namespace: String
    ) throws(AvroError) -> (index: Int, name: String) {
        guard let short = object["name"]?.stringValue, !short.isEmpty else {
            throw .invalidSchema(reason: "a named type has no name")
        }
        let name = fullName(short, namespace: object["namespace"]?.stringValue ?? namespace)
        guard indices[name] == nil else {
            throw .invalidSchema(reason: "the type \(name) is defined twice")
        }
        indices[name] = definitions.count
        definitions.append(nil)
        return (definitions.count - 1, name)
    }

    private func fullName(_ name: String, namespace: String) -> String {
        name.contains(".") || namespace.isEmpty ? name : "\(namespace).\(name)"
    }
}
