// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import Testing

/// What schemas are read, and how a projection finds its fields in them.
@Suite struct AvroSchemaTests {
    private func schema(_ text: String) throws -> AvroSchema {
        try AvroSchema(parsing: Array(text.utf8))
    }

    /// Records whose fields are as given.
    private static let invalidFields = [
        "1", #"{"name":"f"}"#, #"{"type":"long"}"#,
        #"{"name":"f","type":"long","field-id":"1"}"#,
        #"{"name":"f","type":"long","field-id":2147483648}"#,
        #"{"name":"f","type":"long"},{"name":"f","type":"int"}"#,
    ].map { #"{"type":"record","name":"r","fields":[\#($0)]}"# }

    @Test(
        arguments: invalidFields + [
            "", "{", "12", "null", "{}", "[]", #""unknown""#, #"{"type":"array"}"#,
            #"{"type":"map"}"#, #"{"type":"record","name":"r"}"#,
            #"{"type":"record","fields":[]}"#, #"{"type":"record","name":"","fields":[]}"#,
            #"{"type":"fixed","name":"x"}"#, #"{"type":"fixed","name":"x","size":-1}"#,
            #"{"type":"fixed","name":"x","size":2147483648}"#, #"{"type":"enum","name":"x"}"#,
            #"{"type":"enum","name":"x","symbols":[]}"#,
            #"{"type":"enum","name":"x","symbols":[1]}"#, #"["null",["null","long"]]"#,
            #"[{"type":"fixed","name":"x","size":1},{"type":"fixed","name":"x","size":2}]"#,
            #"["x",{"type":"fixed","name":"x","size":1}]"#,
        ])
    func `an invalid schema is refused`(text: String) {
        #expect(throws: AvroError.self) { try schema(text) }
    }

    @Test func `a schema may nest as deeply as JSON may`() throws {
        let depth = 200
        let text =
            String(repeating: #"{"type":"array","items":"#, count: depth) + #""long""#
            + String(repeating: "}", count: depth)
        #expect(throws: Never.self) { try schema(text) }
        let deeper =
            String(repeating: #"{"type":"array","items":"#, count: 300) + #""long""#
            + String(repeating: "}", count: 300)
        #expect(throws: AvroError.self) { try schema(deeper) }
    }

    @Test func `names are found in their namespace, and in none`() throws {
        let text = #"""
            {"type":"record","name":"a.b.r","fields":[
                {"name":"x","type":{"type":"fixed","name":"x","size":1}},
                {"name":"y","type":{"type":"fixed","name":"y","namespace":"c","size":2}},
                {"name":"z","type":"x"},{"name":"u","type":"a.b.x"},{"name":"v","type":"c.y"},
                {"name":"w","type":{"type":"string","avro.java.string":"String"}}]}
            """#

        let names = try schema(text).definitions.map(\.name)

        #expect(names == ["a.b.r", "a.b.x", "c.y"])
        #expect(throws: AvroError.self) {
            try schema(#"[{"type":"fixed","name":"y","namespace":"c","size":2},"y"]"#)
        }
    }

    // MARK: Projection

    private func compile(_ projection: AvroProjection, _ text: String) throws {
        _ = try AvroProgram.compile(projection, for: schema(text))
    }

    private func wanted<Value: AvroScalar>(_: Value.Type) -> AvroProjection {
        var fields = AvroProjection()
        _ = fields.required(Value.self, id: 1, name: "f", otherNames: ["g"])
        return fields
    }

    private func record(_ fields: String) -> String {
        #"{"type":"record","name":"r","fields":[\#(fields)]}"#
    }

    @Test func `a file of anything but records is refused`() {
        for text in [#""long""#, #"{"type":"array","items":"long"}"#, #"["null","long"]"#] {
            #expect(throws: AvroError.self) { try compile(AvroProjection(), text) }
        }
    }

    @Test func `a wanted field is missed only if it is required`() throws {
        let other = record(#"{"name":"f","type":"long","field-id":2}"#)
        #expect(
            throws: AvroError.schemaMismatch(reason: "f (field id 1) is missing")
        ) { try compile(wanted(Int64.self), other) }
        var optional = AvroProjection()
        _ = optional.optional(Int64.self, id: 1, name: "f")
        try compile(optional, other)
    }

    @Test func `a field is not found by name where there are ids`() {
        let swapped = record(
            #"{"name":"f","type":"string","field-id":2},{"name":"h","type":"long","field-id":1}"#)
        #expect(throws: Never.self) { try compile(wanted(Int64.self), swapped) }
    }

    @Test func `without any ids a field is found by one of its names`() throws {
        try compile(wanted(Int64.self), record(#"{"name":"f","type":"long"}"#))
        try compile(wanted(Int64.self), record(#"{"name":"g","type":"long"}"#))
        #expect(throws: AvroError.self) {
            try compile(wanted(Int64.self), record(#"{"name":"h","type":"long"}"#))
        }
        #expect(throws: AvroError.schemaMismatch(reason: "f (field id 1) is there twice")) {
            try compile(
                wanted(Int64.self),
                record(#"{"name":"f","type":"long"},{"name":"g","type":"long"}"#))
        }
    }

    @Test func `ids on some fields alone are refused`() {
        let mixed = record(#"{"name":"f","type":"long","field-id":1},{"name":"h","type":"long"}"#)
        #expect(throws: AvroError.schemaMismatch(reason: "r.h has no field id but others do")) {
            try compile(wanted(Int64.self), mixed)
        }
        // The ids are deep inside, so that nothing else in the file has one.
        let inner =
            #"{"type":"record","name":"n","fields":[{"name":"x","type":"int","field-id":9}]}"#
        let deep = record(#"{"name":"f","type":"long"},{"name":"n","type":\#(inner)}"#)
        #expect(throws: AvroError.schemaMismatch(reason: "r.f has no field id but others do")) {
            try compile(wanted(Int64.self), deep)
        }
    }

    @Test func `an id twice in one record is refused`() {
        let twice = record(
            #"{"name":"f","type":"long","field-id":1},{"name":"h","type":"long","field-id":1}"#)
        #expect(throws: AvroError.schemaMismatch(reason: "f (field id 1) is there twice")) {
            try compile(wanted(Int64.self), twice)
        }
    }

    /// A schema for every kind of type.
    private static let types = [
        "boolean": #""boolean""#, "int": #""int""#, "long": #""long""#, "float": #""float""#,
        "double": #""double""#, "bytes": #""bytes""#, "string": #""string""#, "null": #""null""#,
        "fixed": #"{"type":"fixed","name":"x","size":4}"#,
        "array": #"{"type":"array","items":"long"}"#, "map": #"{"type":"map","values":"long"}"#,
        "enum": #"{"type":"enum","name":"e","symbols":["a"]}"#,
        "record": #"{"type":"record","name":"n","fields":[]}"#,
    ]

    private func readable(as projection: AvroProjection) -> Set<String> {
        Set(
            Self.types.filter { _, type in
                let text = record(#"{"name":"f","type":\#(type),"field-id":1}"#)
                return (try? compile(projection, text)) != nil
            }.keys)
    }

    @Test func `a type is read only as what it can be`() {
        #expect(readable(as: wanted(Bool.self)) == ["boolean"])
        #expect(readable(as: wanted(Int32.self)) == ["int", "long"])
        #expect(readable(as: wanted(Int64.self)) == ["int", "long"])
        #expect(readable(as: wanted(Double.self)) == ["float", "double"])
        #expect(readable(as: wanted(String.self)) == ["string"])
        #expect(readable(as: wanted([UInt8].self)) == ["bytes", "string", "fixed"])
        var fields = AvroProjection()
        _ = fields.record(id: 1, name: "f")
        #expect(readable(as: fields) == ["record"])
        var optional = AvroProjection()
        _ = optional.optional(Bool.self, id: 1, name: "f")
        #expect(readable(as: optional) == ["boolean", "null"])
    }

    @Test func `programs are kept up to the capacity of a cache`() async throws {
        let cache = AvroProgramCache(wanted(Int64.self))
        func header(_ name: Int) async throws -> AvroHeader {
            let text =
                #"{"type":"record","name":"r\#(name)","fields":["#
                + #"{"name":"f","type":"long","field-id":1}]}"#
            let file = AvroTestFile(schema: text)
            return try await AvroFileReader(AvroMemorySource(file.bytes)).header
        }
        let first = try cache.program(for: try await header(0))

        #expect(try cache.program(for: try await header(0)) === first)
        for name in 1..<AvroProgramCache.capacity {
            _ = try cache.program(for: try await header(name))
        }
        #expect(try cache.program(for: try await header(0)) === first)
        _ = try cache.program(for: try await header(AvroProgramCache.capacity))
        #expect(try cache.program(for: try await header(0)) !== first)
    }
}
