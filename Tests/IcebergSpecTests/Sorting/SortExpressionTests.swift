// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import WireFormat

@testable import IcebergSpec

struct SortExpressionTests {
    private func problem(_ text: String) throws -> String? {
        let table = try Self.table(order: [])
        do throws(ConditionError) {
            _ = try RowOrder(SortExpression(parsing: text), metadata: table, specID: 1)
            return nil
        } catch {
            return error.description
        }
    }

    /// A table with a column of some types, partitioned by `region`.
    static func table(order: [JSONValue]) throws(TableMetadataError) -> TableMetadata {
        let columns = [
            "long", "string", "double", "timestamp", "decimal(9,2)", "date",
            "binary",
        ]
        let names = ["id", "region", "ratio", "at", "price", "day", "raw"]
        var fields: [JSONValue] = zip(names, columns).enumerated().map { index, column in
            [
                "id": .integer(index + 1), "name": .string(column.0), "required": false,
                "type": .string(column.1),
            ]
        }
        fields.append([
            "id": 8, "name": "place", "required": false,
            "type": [
                "type": "struct",
                "fields": [["id": 9, "name": "City", "required": false, "type": "string"]],
            ],
        ])
        return try TableMetadata([
            "format-version": 2, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1",
            "location": "/t", "last-sequence-number": 0, "last-updated-ms": 0,
            "last-column-id": 9,
            "schemas": [["type": "struct", "schema-id": 0, "fields": .array(fields)]],
            "current-schema-id": 0,
            "partition-specs": [
                [
                    "spec-id": 1,
                    "fields": [
                        [
                            "name": "region", "field-id": 1000, "source-id": 2,
                            "transform": "identity",
                        ]
                    ],
                ]
            ],
            "default-spec-id": 1, "last-partition-id": 1000,
            "sort-orders": .array(
                [["order-id": 0, "fields": []]]
                    + (order.isEmpty ? [] : [["order-id": 3, "fields": .array(order)]])),
            "default-sort-order-id": .integer(order.isEmpty ? 0 : 3), "properties": [:],
            "current-snapshot-id": -1, "snapshots": [],
        ])
    }

    @Test(arguments: [
        ("id", "id ASC NULLS FIRST"), ("id desc", "id DESC NULLS LAST"),
        ("ID ASC nulls last, ratio", "id ASC NULLS LAST, ratio ASC NULLS FIRST"),
        ("(id, `region` DESC NULLS FIRST)", "id ASC NULLS FIRST, region DESC NULLS FIRST"),
        ("place.city", "place.City ASC NULLS FIRST"),
        ("bucket(4, id)", "bucket(4, id) ASC NULLS FIRST"),
        ("bucket(id, 4) DESC", "bucket(4, id) DESC NULLS LAST"),
        ("truncate(10, region)", "truncate(10, region) ASC NULLS FIRST"),
        ("days(at), hours(at)", "days(at) ASC NULLS FIRST, hours(at) ASC NULLS FIRST"),
        ("date(at)", "days(at) ASC NULLS FIRST"), ("identity(id)", "id ASC NULLS FIRST"),
        ("year(day), month(day)", "years(day) ASC NULLS FIRST, months(day) ASC NULLS FIRST"),
        ("zorder(id, ratio)", "zorder(id, ratio)"),
        ("zorder(id), zorder(raw)", "zorder(id, raw)"),
        ("ZORDER(region, id)", "zorder(id)"),
    ])
    func `what Iceberg's procedure takes is understood`(text: String, meaning: String) throws {
        let table = try Self.table(order: [])
        let order = try RowOrder(SortExpression(parsing: text), metadata: table, specID: 1)
        #expect(order.text(table.schema(0)) == meaning)
    }

    @Test(arguments: [
        ("", "has the end where the name of a column should be"),
        ("id,", "has the end where the name of a column should be"),
        ("id ratio", "has \"ratio\" where a comma or the end should be, at character 4"),
        ("id NULLS", "has the end where FIRST or LAST should be"),
        ("(id", "has the end where \")\" should be"),
        ("id, id DESC", "names id twice"), ("zorder(id, ID)", "names ID twice"),
        ("zorder()", "has \")\" where the name of a column should be"),
        ("id, zorder(ratio)", "mixes zorder with columns"),
        ("bucket(id)", "calls bucket without a single number, as in bucket(16, column)"),
        ("bucket(0, id)", "where a whole number from 1 to"),
        ("days(at, 3)", "gives days a number"), ("days(at, id)", "gives days 2 columns"),
        ("upper(region)", "calls upper, which is no transform"),
        ("other", "names the column other, which the table does not have"),
        ("place", "names the column place, whose values have no order"),
        ("place.street", "names the column place.street, which the table does not have"),
        ("id.x", "which is no struct"),
        ("days(id)", "sorts the column id of type long by day, which is not defined"),
        ("truncate(3, ratio)", "sorts the column ratio of type double by truncate[3]"),
        ("zorder(price)", "names the column price, which is of a type that zorder does not take"),
        ("zorder(region)", "names in zorder only columns that the table is partitioned by"),
        ("1", "has \"1\" where the name of a column should be"),
    ])
    func `what is wrong is said, with where it is`(text: String, reason: String) throws {
        let found = try problem(text)
        #expect(found?.contains(reason) == true, "\(found ?? "nothing")")
    }

    private static let own: [JSONValue] = [
        ["transform": "identity", "source-id": 1, "direction": "desc", "null-order": "nulls-last"]
    ]

    @Test func `files are marked with a sort order of the table that is the same`() throws {
        let table = try Self.table(order: Self.own)
        func id(_ text: String) throws -> Int {
            try RowOrder(SortExpression(parsing: text), metadata: table, specID: 1)
                .sortOrderID(in: table)
        }
        let own = try #require(try RowOrder(tableOrderOf: table))
        #expect(own.sortOrderID(in: table) == 3)
        #expect(try id("id DESC NULLS LAST") == 3)
        #expect(try id("id DESC NULLS FIRST") == 0)
        #expect(try id("id DESC, ratio") == 0)
        #expect(try id("zorder(id)") == 0)
        #expect(try RowOrder(tableOrderOf: Self.table(order: [])) == nil)
    }

    @Test(
        arguments: [
            ["transform": "later[3]", "source-id": 1], ["transform": "identity", "source-id": 77],
            ["transform": "identity", "source-ids": [1, 2]],
        ] as [[String: JSONValue]])
    func `a table's own order that nobody can follow is refused`(
        field: [String: JSONValue]
    ) throws {
        var field = field
        (field["direction"], field["null-order"]) = ("asc", "nulls-first")
        let json = JSONObject(field.sorted { $0.key < $1.key }.map { .init(key: $0, value: $1) })
        let table = try Self.table(order: [.object(json)])
        #expect(throws: ConditionError.self) { try RowOrder(tableOrderOf: table) }
    }
}
