// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import ParquetFormat
import WireFormat

/// Rows with structs, lists and maps in Avro, and what Parquet has of them by its own rules.
enum NestedAvro {
    /// The table's columns.
    static let columns: [JSONValue] = [
        [
            "id": 3, "name": "tags", "required": false,
            "type": [
                "type": "list", "element-id": 4, "element-required": false, "element": "string",
            ],
        ],
        [
            "id": 5, "name": "pairs", "required": false,
            "type": [
                "type": "list", "element-id": 6, "element-required": true,
                "element": [
                    "type": "struct",
                    "fields": [
                        ["id": 7, "name": "a", "required": true, "type": "int"],
                        ["id": 8, "name": "b", "required": false, "type": "double"],
                    ],
                ],
            ],
        ],
        [
            "id": 9, "name": "named", "required": false,
            "type": [
                "type": "map", "key-id": 10, "key": "string", "value-id": 11,
                "value-required": false,
                "value": [
                    "type": "list", "element-id": 12, "element-required": true, "element": "long",
                ],
            ],
        ],
        [
            "id": 13, "name": "numbered", "required": true,
            "type": [
                "type": "map", "key-id": 14, "key": "int", "value-id": 15,
                "value-required": true, "value": "boolean",
            ],
        ],
    ]

    private static func optional(_ type: JSONValue) -> JSONValue { ["null", type] }

    /// The same columns in Avro.
    static let fields: [JSONValue] = [
        [
            "name": "tags", "field-id": 3,
            "type": optional([
                "type": "array", "element-id": 4, "items": optional("string"),
            ]),
        ],
        [
            "name": "pairs", "field-id": 5,
            "type": optional([
                "type": "array", "element-id": 6,
                "items": [
                    "type": "record", "name": "r6", "namespace": "x",
                    "fields": [
                        ["name": "a", "type": "int", "field-id": 7],
                        ["name": "b", "type": ["double", "null"], "field-id": 8],
                    ],
                ],
            ]),
        ],
        [
            "name": "named", "field-id": 9,
            "type": optional([
                "type": "map", "key-id": 10, "value-id": 11,
                "values": optional(["type": "array", "element-id": 12, "items": "long"]),
            ]),
        ],
        [
            "name": "numbered", "field-id": 13,
            "type": [
                "type": "array", "logicalType": "map",
                "items": [
                    "type": "record", "name": "k14_v15",
                    "fields": [
                        ["name": "key", "type": "int", "field-id": 14],
                        ["name": "value", "type": "boolean", "field-id": 15],
                    ],
                ],
            ],
        ],
    ]

    /// Each row: what is there, what is empty, what is null.
    static let rows: [@Sendable (inout AvroEncoder) -> Void] = [
        { encoder in
            // tags: "x", null, "y" in two blocks, one of which says how long it is.
            encoder.long(1)
            encoder.long(-2)
            encoder.long(4)
            encoder.long(1)
            encoder.string("x")
            encoder.long(0)
            encoder.long(1)
            encoder.long(1)
            encoder.string("y")
            encoder.long(0)
            // pairs: (1, 0.5), (2, null).
            encoder.long(1)
            encoder.long(2)
            encoder.long(1)
            encoder.long(0)
            encoder.double(0.5)
            encoder.long(2)
            encoder.long(1)
            encoder.long(0)
            // named: "k" has 7 and 8, "l" nothing, "m" an empty list.
            encoder.long(1)
            encoder.long(3)
            encoder.string("k")
            encoder.long(1)
            encoder.long(2)
            encoder.long(7)
            encoder.long(8)
            encoder.long(0)
            encoder.string("l")
            encoder.long(0)
            encoder.string("m")
            encoder.long(1)
            encoder.long(0)
            encoder.long(0)
            // numbered: 5 is true.
            encoder.long(1)
            encoder.long(5)
            encoder.boolean(true)
            encoder.long(0)
        },
        { encoder in
            for _ in 0..<3 { encoder.long(0) }
            encoder.long(0)
        },
        { encoder in
            for _ in 0..<3 {
                encoder.long(1)
                encoder.long(0)
            }
            encoder.long(0)
        },
    ]

    /// What the columns are in Parquet, by field id.
    static let expected: [(Int32, ColumnBatch)] = [
        (
            4,
            ColumnBatch(
                .byteArray(ByteArrays([Array("x".utf8), Array("y".utf8)])),
                definitionLevels: [3, 2, 3, 0, 1], repetitionLevels: [0, 1, 1, 0, 0])
        ),
        (
            7,
            ColumnBatch(
                .int32([1, 2]), definitionLevels: [2, 2, 0, 1], repetitionLevels: [0, 1, 0, 0])
        ),
        (
            8,
            ColumnBatch(
                .double([0.5]), definitionLevels: [3, 2, 0, 1], repetitionLevels: [0, 1, 0, 0])
        ),
        (
            10,
            ColumnBatch(
                .byteArray(ByteArrays(["k", "l", "m"].map { Array($0.utf8) })),
                definitionLevels: [2, 2, 2, 0, 1], repetitionLevels: [0, 1, 1, 0, 0])
        ),
        (
            12,
            ColumnBatch(
                .int64([7, 8]), definitionLevels: [4, 4, 2, 3, 0, 1],
                repetitionLevels: [0, 2, 1, 1, 0, 0])
        ),
        (
            14,
            ColumnBatch(
                .int32([5]), definitionLevels: [1, 0, 0], repetitionLevels: [0, 0, 0])
        ),
        (
            15,
            ColumnBatch(
                .boolean([true]), definitionLevels: [1, 0, 0], repetitionLevels: [0, 0, 0])
        ),
    ]
}
