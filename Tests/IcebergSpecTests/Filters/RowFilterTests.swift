// SPDX-License-Identifier: Apache-2.0

import Testing
import WireFormat

@testable import IcebergSpec

struct RowFilterTests {
    private static let columns: [JSONValue] = [
        ["id": 1, "name": "id", "required": true, "type": "long"],
        ["id": 2, "name": "Name", "required": false, "type": "string"],
        ["id": 3, "name": "twin", "required": false, "type": "int"],
        ["id": 4, "name": "TWIN", "required": false, "type": "int"],
        ["id": 5, "name": "a.b", "required": false, "type": "float"],
        [
            "id": 6, "name": "place", "required": false,
            "type": [
                "type": "struct",
                "fields": [["id": 7, "name": "City", "required": false, "type": "string"]],
            ],
        ],
        [
            "id": 8, "name": "tags", "required": false,
            "type": [
                "type": "list", "element-id": 9, "element": "string", "element-required": false,
            ],
        ],
        ["id": 10, "name": "day", "required": false, "type": "date"],
        ["id": 11, "name": "at", "required": false, "type": "timestamp"],
        ["id": 12, "name": "moment", "required": false, "type": "timestamptz"],
        ["id": 13, "name": "fine", "required": false, "type": "timestamptz_ns"],
        ["id": 14, "name": "clock", "required": false, "type": "time"],
        ["id": 15, "name": "key", "required": false, "type": "uuid"],
        ["id": 16, "name": "raw", "required": false, "type": "binary"],
        ["id": 17, "name": "price", "required": false, "type": "decimal(9, 2)"],
        ["id": 18, "name": "flag", "required": false, "type": "boolean"],
    ]

    private func metadata() throws -> TableMetadata {
        try ExampleTable.metadata { document in
            document["schemas"] = [
                ["type": "struct", "schema-id": 0, "fields": .array(Self.columns)]
            ]
            document["current-schema-id"] = 0
        }
    }

    private func filter(_ text: String) throws -> RowFilter {
        try RowFilter(Condition(parsing: text), metadata: metadata())
    }

    private func question(_ text: String) throws -> ColumnQuestion? {
        try filter(text).tests.first?.question
    }

    private func below(_ value: OrderedValue) -> ColumnQuestion {
        .within(ValueRanges(ValueRange(upper: .init(value, isIncluded: false))), orNaN: false)
    }

    @Test(arguments: [
        ("id = 1", 1), ("name = 'x'", 2), ("twin = 1", 3), ("TWIN = 1", 4), ("`a.b` = 1", 5),
        ("place.city = 'x'", 7), ("PLACE.`City` IS NULL", 7), ("tags IS NOT NULL", 8),
        ("place IS NULL", 6),
    ])
    func `columns are found by name, and kept by id`(text: String, id: Int) throws {
        #expect(try filter(text).tests.map(\.fieldID) == [id])
    }

    @Test(arguments: [
        ("prise = 1", "names the column prise, which the table does not have; did you mean price?"),
        ("Twin = 1", "which may be twin or TWIN; write it in its own letters"),
        ("a.b = 1", "names the column a.b, which the table does not have"),
        ("tags.element = 'x'", "names element in the column tags, which is no struct"),
        ("place.street = 'x'", "names the column place.street"),
        ("place = 'x'", "holds no single values; only IS NULL and IS NOT NULL"),
        ("id = 'x'", "of type long with something else; write a number"),
        ("id = '1.5'", "write a number"), ("id = TRUE", "write a number"),
        ("id IN (1, 'x')", "write a number"),
        ("Name = 1", "write text in single quotes, at character 8"),
        ("flag = 1", "write TRUE or FALSE"), ("id", "write a number"),
        ("isnan(id)", "asks for NaN in the column id of type long, which has none"),
        ("id LIKE '1%'", "asks with LIKE for the column id of type long, which is no text"),
        ("day = '2026-02-30'", "write a date such as DATE '2026-01-31'"),
        ("day = TIMESTAMP '2026-01-31 10:00:00'", "write a date such as"),
        ("at = '2026-01-31 10:00:00+02:00'", "leave the offset out"),
        ("moment = TIMESTAMP_NTZ '2026-01-31 10:00:00Z'", "leave the offset out"),
        ("at = '2026-01-31 10:00:00.1234567'", "leave out digits behind the sixth"),
        ("at = 5", "write a time such as TIMESTAMP"), ("clock = '25:00:00'", "write a time such"),
        ("key = 'x'", "write a UUID such as"), ("raw = 'x'", "write bytes such as X'1F2E'"),
    ])
    func `what does not fit the table is refused, with what to write`(
        text: String, message: String
    ) throws {
        let error = try #require(throws: ConditionError.self) { try filter(text) }

        #expect(error.description.contains(message))
    }

    @Test(
        arguments: [
            ("at < '2026-01-31 10:00:00.5'", 1_769_853_600_500_000),
            ("at < DATE '2026-01-31'", 1_769_817_600_000_000),
            ("moment < '2026-01-31 10:00:00+02:00'", 1_769_846_400_000_000),
            ("moment < TIMESTAMP '2026-01-31 10:00:00'", 1_769_853_600_000_000),
            ("fine < '2026-01-31 10:00:00.1234567'", 1_769_853_600_123_456_700),
            ("fine < '1969-12-31 23:59:59.999999999'", -1),
            ("day < '1969-12-31'", -1), ("clock < '00:00:01.5'", 1_500_000),
            ("price < 1.5", 150), ("price < 1e2", 10_000), ("id < '12'", 12),
        ] as [(String, Int64)])
    func `literals become values of the column's type`(text: String, value: Int64) throws {
        #expect(try question(text) == below(.integer(Int128(value))))
    }

    @Test func `numbers between values of the type, and beyond them, are compared exactly`()
        throws
    {
        func within(_ lower: Int128?, _ upper: Int128?) -> ColumnQuestion {
            .within(
                ValueRanges(
                    ValueRange(
                        lower: lower.map { .init(.integer($0)) },
                        upper: upper.map { .init(.integer($0)) })), orNaN: false)
        }

        #expect(try question("id < 1.5") == within(nil, 1))
        #expect(try question("id >= -1.5") == within(-1, nil))
        #expect(try question("price > 0.005") == within(1, nil))
        #expect(try question("id = 1.5") == .nothing)
        #expect(try question("NOT id = 1.5") == .outside(ValueRanges([])), "nulls may match")
        #expect(try question("NOT id <=> 1e300") == .outside(ValueRanges([])))
        #expect(try question("id < 1e300") == .isNotNull)
        #expect(try question("id > 1e300") == .nothing)
        #expect(try question("id > -1e300") == .isNotNull)
        #expect(try question("id = 1e-300") == .nothing)
    }

    @Test func `a negation goes down to the tests`() throws {
        let filter = try filter("NOT (id = 1 AND (flag OR NOT Name IS NULL))")

        #expect(filter.root == .any([.test(0), .all([.test(1), .test(2)])]))
        #expect(filter.tests[0].question == .outside(ValueRanges(ValueRange(point: .integer(1)))))
        #expect(filter.tests[2].question == .isNull)
    }

    @Test func `a narrow number is compared in both ways in which engines do`() throws {
        let narrow = OrderedValue.number(Double(Float(0.1)))

        #expect(
            try question("`a.b` = 0.1")
                == .within(
                    ValueRanges(ValueRange(lower: .init(.number(0.1)), upper: .init(narrow))),
                    orNaN: false))
        #expect(try question("`a.b` != 0.1") == .outside(ValueRanges([])))
        #expect(try question("`a.b` = 'NaN'") == .isNaN)
    }

    @Test func `the least int is found in partitions that were written before it became a long`()
        throws
    {
        let asked = try #require(try question("id = -2147483648"))
        let expected: [ValueRange] = [
            ValueRange(point: .integer(-2_147_483_650)),
            ValueRange(
                lower: .init(.integer(2_147_483_638)), upper: .init(.integer(2_147_483_647))),
        ]

        #expect(
            asked.projected(through: .truncate(width: 10), .long)
                == .within(ValueRanges(expected), orNaN: false))
        let other = try #require(try question("id = -2147483638"))
        #expect(
            other.projected(through: .truncate(width: 10), .long)
                == .within(
                    ValueRanges(ValueRange(point: .integer(-2_147_483_640))), orNaN: false))
    }

    @Test func `partitions by a column that was a date decide nothing`() throws {
        let metadata = try ExampleTable.metadata { document in
            func schema(_ id: Int, _ type: String) -> JSONValue {
                [
                    "type": "struct", "schema-id": .integer(id),
                    "fields": [
                        ["id": 1, "name": "x", "required": true, "type": .string(type)]
                    ],
                ]
            }
            document["schemas"] = [schema(0, "date"), schema(1, "timestamp")]
        }
        let spec = try #require(metadata.partitionSpec(1))
        let filter = try RowFilter(Condition(parsing: "x > '2026-01-01'"), metadata: metadata)

        let ready = SpecFilter(filter, spec)

        let day = ValueEvidence(only: .integer(20_000))
        #expect(ready.mayPass(partition: [day]) { _ in nil })
        #expect(OrderedValue(bound: [1, 0, 0, 0], of: .timestamp) == nil)
    }
}
