// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import Testing
import WireFormat

struct PrimitiveTypeTests {
    static let names: [(String, PrimitiveType)] = [
        ("boolean", .boolean), ("int", .int), ("long", .long), ("float", .float),
        ("double", .double), ("date", .date), ("time", .time), ("timestamp", .timestamp),
        ("timestamptz", .timestamptz), ("timestamp_ns", .timestampNanoseconds),
        ("timestamptz_ns", .timestamptzNanoseconds), ("string", .string), ("uuid", .uuid),
        ("binary", .binary), ("unknown", .unknown), ("fixed[16]", .fixed(length: 16)),
        ("decimal(9, 2)", .decimal(precision: 9, scale: 2)), ("geometry", .geometry(crs: nil)),
        ("geometry(srid:4326)", .geometry(crs: "srid:4326")),
        ("geography", .geography(crs: nil, algorithm: nil)),
        ("geography(srid:4326)", .geography(crs: "srid:4326", algorithm: nil)),
        ("geography(srid:4326, vincenty)", .geography(crs: "srid:4326", algorithm: "vincenty")),
    ]

    @Test(arguments: names)
    func `a type is read by its name and names itself so`(name: String, type: PrimitiveType) {
        #expect(PrimitiveType(name) == type)
        #expect(type.description == name)
    }

    @Test(
        arguments: [
            ("decimal(9,2)", .decimal(precision: 9, scale: 2)),
            ("decimal( 38 , 38 )", .decimal(precision: 38, scale: 38)), ("LONG", .long),
            ("Fixed[4]", .fixed(length: 4)),
        ] as [(String, PrimitiveType)])
    func `spaces and case do not matter`(name: String, type: PrimitiveType) {
        #expect(PrimitiveType(name) == type)
    }

    @Test(arguments: [
        "", "integer", "decimal", "decimal(39, 0)", "decimal(0, 0)", "decimal(9, 10)",
        "decimal(9, -1)", "decimal(9)", "decimal(9, 2, 1)", "decimal(9, 2", "fixed", "fixed[]",
        "fixed[-1]", "fixed[1, 2]", "fixed[99999999999]", "fixed(4)", "geometry()", "geography(a,)",
        "geography(a, b, c)", "timestamp_ns(3)",
    ])
    func `what is no type is none`(name: String) {
        #expect(PrimitiveType(name) == nil)
    }
}

struct SchemaTests {
    private static let nested: JSONValue = [
        "type": "struct", "schema-id": 5, "identifier-field-ids": [1],
        "fields": [
            ["id": 1, "name": "id", "required": true, "type": "long", "doc": "the key"],
            [
                "id": 2, "name": "address", "required": false,
                "type": [
                    "type": "struct",
                    "fields": [["id": 3, "name": "street", "required": false, "type": "string"]],
                ],
            ],
            [
                "id": 4, "name": "tags", "required": false,
                "type": [
                    "type": "list", "element-id": 5, "element-required": true, "element": "string",
                ],
            ],
            [
                "id": 6, "name": "counts", "required": false,
                "type": [
                    "type": "map", "key-id": 7, "key": "string", "value-id": 8,
                    "value-required": false,
                    "value": [
                        "type": "list", "element-id": 9, "element-required": false,
                        "element": "int",
                    ],
                ],
            ],
            [
                "id": 10, "name": "any", "required": false, "type": "variant",
                "initial-default": .null, "write-default": "w",
            ],
        ],
    ]

    @Test func `nested fields are found by id and named in full`() throws {
        let schema = try Schema(Self.nested)

        #expect(schema.id == 5)
        #expect(schema.identifierFieldIDs == [1])
        #expect(schema.field(1)?.doc == "the key")
        #expect(schema.field(3)?.type == .primitive(.string))
        #expect(schema.field(5)?.isRequired == true)
        #expect(schema.field(7)?.isRequired == true)
        #expect(schema.field(9)?.type == .primitive(.int))
        #expect(schema.field(10)?.type == .variant)
        #expect(schema.field(10)?.initialDefault == nil)
        #expect(schema.field(10)?.writeDefault == "w")
        #expect(schema.field(11) == nil)
        #expect(
            [1, 3, 5, 7, 9, 11].map(schema.fullName(ofField:)) == [
                "id", "address.street", "tags.element", "counts.key", "counts.value.element", nil,
            ])
    }

    @Test(arguments: [
        ("fields.2.type.element-id", "fields[2].type.element-id"),
        ("fields.2.type.element-required", "fields[2].type.element-required"),
        ("fields.2.type.element", "fields[2].type.element"),
        ("fields.3.type.key-id", "fields[3].type.key-id"),
        ("fields.3.type.key", "fields[3].type.key"),
        ("fields.3.type.value.element-id", "fields[3].type.value.element-id"),
        ("fields.1.type.fields", "fields[1].type.fields"),
        ("fields.1.type.type", "fields[1].type.type"),
        ("fields.0.type", "fields[0].type"),
        ("fields.0.required", "fields[0].required"),
        ("fields", "fields"),
    ])
    func `a part that is missing is named`(removed: String, path: String) {
        let broken = Self.nested.replacing(
            removed.split(separator: ".").map(String.init), with: nil)

        #expect(throws: TableMetadataError.invalid(path: path, reason: "is missing")) {
            try Schema(broken)
        }
    }

    @Test func `an id that is used at two depths is refused`() {
        let broken = Self.nested.replacing(["fields", "3", "type", "value", "element-id"], with: 3)

        #expect(throws: TableMetadataError.self) { try Schema(broken) }
    }

    @Test func `a nested type that is not known is refused`() {
        let broken = Self.nested.replacing(["fields", "2", "type", "type"], with: "set")

        #expect(
            throws: TableMetadataError.invalid(
                path: "fields[2].type.type", reason: #"is the unknown nested type "set""#)
        ) { try Schema(broken) }
    }
}

struct TransformTests {
    @Test(
        arguments: [
            ("identity", .identity), ("bucket[16]", .bucket(count: 16)),
            ("truncate[4]", .truncate(width: 4)), ("year", .year), ("month", .month), ("day", .day),
            ("hour", .hour), ("void", .void), ("zorder[3]", .unknown("zorder[3]")),
            ("bucket[0]", .unknown("bucket[0]")), ("bucket[]", .unknown("bucket[]")),
            ("bucket[99999999999]", .unknown("bucket[99999999999]")),
            ("truncate[-1]", .unknown("truncate[-1]")),
        ] as [(String, Transform)])
    func `a transform is read and writes itself as it was`(text: String, transform: Transform) {
        #expect(Transform(text) == transform)
        #expect(transform.description == text)
    }

    @Test func `case does not matter`() {
        #expect(Transform("Bucket[8]") == .bucket(count: 8))
        #expect(Transform("DAY") == .day)
    }
}

struct PartitionSpecTests {
    @Test func `a spec of dropped fields is unpartitioned`() throws {
        let field = ExampleTable.partitionField
        let spec = try PartitionSpec([
            "spec-id": 2, "fields": [field.replacing(["transform"], with: "void")],
        ])

        #expect(spec.isUnpartitioned)
        #expect(try PartitionSpec(["spec-id": 2, "fields": [field]]).isUnpartitioned == false)
    }

    @Test func `a transform of several columns names them all`() throws {
        let spec = try PartitionSpec([
            "spec-id": 2,
            "fields": [
                ["name": "b", "transform": "bucket[2]", "source-ids": [1, 2], "field-id": 1000]
            ],
        ])

        #expect(spec.fields[0].sourceIDs == [1, 2])
    }

    @Test(arguments: [nil, [], ["1"]] as [JSONValue?])
    func `a field without a source is refused`(sources: JSONValue?) {
        let field = ExampleTable.partitionField.replacing(["source-id"], with: nil)
            .replacing(["source-ids"], with: sources)

        #expect(throws: TableMetadataError.self) {
            try PartitionSpec(["spec-id": 2, "fields": [field]])
        }
    }
}

struct SortOrderTests {
    private static let order: JSONValue = [
        "order-id": 3,
        "fields": [
            [
                "transform": "bucket[4]", "source-id": 3, "direction": "desc",
                "null-order": "nulls-last",
            ]
        ],
    ]

    @Test func `a sort order is read`() throws {
        let order = try SortOrder(Self.order)

        #expect(order.id == 3)
        #expect(order.fields[0].transform == .bucket(count: 4))
        #expect(order.fields[0].direction == .descending)
        #expect(order.fields[0].nullOrder == .last)
        #expect(!order.isUnsorted)
    }

    @Test(arguments: [("direction", "down"), ("null-order", "first")])
    func `an unknown word is refused`(member: String, word: String) {
        let broken = Self.order.replacing(["fields", "0", member], with: .string(word))

        #expect(throws: TableMetadataError.self) { try SortOrder(broken) }
    }
}

struct NameMappingTests {
    private static let text = """
        [{"field-id": 1, "names": ["id", "record_id"]},
         {"names": ["ignored"]},
         {"field-id": 2, "names": ["address"], "fields": [{"field-id": 3, "names": ["street"]}]}]
        """

    @Test func `a column is found by any of its names`() throws {
        let metadata = try ExampleTable.metadata {
            $0["properties"] = [NameMapping.property: .string(Self.text)]
        }
        let mapping = try #require(try metadata.nameMapping())

        #expect(mapping.fieldID(of: ["id"]) == 1)
        #expect(mapping.fieldID(of: ["record_id"]) == 1)
        #expect(mapping.fieldID(of: ["address", "street"]) == 3)
        #expect(mapping.fieldID(of: ["street"]) == nil)
        #expect(mapping.fieldID(of: ["ignored"]) == nil)
        #expect(mapping.fieldID(of: []) == nil)
    }

    @Test func `a table without one has none`() throws {
        #expect(try ExampleTable.metadata().nameMapping() == nil)
    }

    @Test(arguments: [
        ("{}", "", "must be an array, not an object"), ("[", "", "is invalid JSON"),
        ("[{}]", "[0].names", "is missing"),
        (#"[{"names": [1]}]"#, "[0].names[0]", "must be a string"),
        (#"[{"names": ["a"]}, {"names": ["a"]}]"#, "[1].names", "which another field has"),
        (#"[{"names": [], "fields": {}}]"#, "[0].fields", "must be an array"),
    ])
    func `a fault is refused and its place is named`(
        text: String, path: String, reason: String
    ) {
        let error = #expect(throws: TableMetadataError.self) { try NameMapping(parsing: text) }

        guard case .invalid(let found, let why) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(found == "properties.schema.name-mapping.default\(path)")
        #expect(why.contains(reason))
    }
}

struct TablePropertiesTests {
    private let properties: TableProperties = [
        "int": "-42", "max": "9223372036854775808", "double": "0.75", "yes": "True", "no": "false",
        "word": "many", "space": " 1", "infinite": "inf",
    ]

    @Test func `values are read by type`() throws {
        #expect(try properties.int64("int") == -42)
        #expect(try properties.double("double") == 0.75)
        #expect(try properties.double("int") == -42)
        #expect(try properties.bool("yes") == true)
        #expect(try properties.bool("no") == false)
    }

    @Test func `an absent property is nil of every type`() throws {
        #expect(try properties.int64("absent") == nil)
        #expect(try properties.double("absent") == nil)
        #expect(try properties.bool("absent") == nil)
    }

    @Test(arguments: ["max", "double", "word", "space"])
    func `what is no integer says so`(key: String) {
        let error = #expect(throws: UnreadableProperty.self) { try properties.int64(key) }

        #expect(error?.key == key)
        #expect(error?.expected == "an integer")
    }

    @Test func `what is no number or truth value says so`() {
        #expect(throws: UnreadableProperty.self) { try properties.double("infinite") }
        #expect(throws: UnreadableProperty.self) { try properties.double("word") }
        #expect(throws: UnreadableProperty.self) { try properties.bool("int") }
    }

    @Test func `of two entries with one key the later counts`() {
        let properties: TableProperties = ["a": "1", "b": "2", "a": "3"]

        #expect(properties == ["a": "3", "b": "2"])
        #expect(properties.keys == ["a", "b"])
    }
}
