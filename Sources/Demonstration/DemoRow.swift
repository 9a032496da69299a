// SPDX-License-Identifier: Apache-2.0

import ParquetFormat
import WireFormat

/// A row of a demonstration's table: made of its number alone, the same in every run.
struct DemoRow {
    /// The columns: id, name, type, and whether each row has a value.
    static let columns: [(id: Int, name: String, type: String, isRequired: Bool)] = [
        (1, "id", "long", true), (2, "kind", "string", false), (3, "amount", "double", false),
        (4, "at", "timestamptz", true), (5, "is_open", "boolean", true),
    ]
    /// The field by whose day tables are partitioned.
    static let timeID = 4

    private static let kinds = ["click", "view", "order", "return", "visit", "sign-in", "search"]
    /// Monday, 1 January 2024, in days since the epoch.
    static let firstDay: Int64 = 19_723
    private static let secondsOfDay: Int64 = 86_400

    let id: Int64
    let day: Int64

    private var kind: String? {
        id % 11 == 0 ? nil : Self.kinds[Int(id % Int64(Self.kinds.count))]
    }
    private var amount: Double? { id % 13 == 0 ? nil : Double(id * 37 % 100_000) / 100 }
    private var microseconds: Int64 {
        ((Self.firstDay + day) * Self.secondsOfDay + id * 61 % Self.secondsOfDay) * 1_000_000
    }
    private var isOpen: Bool { id % 3 == 0 }

    /// The digest of the row's values.
    var digest: Digest128 {
        var row = RowDigest()
        row.absorb(.integer(id), of: 1)
        row.absorb(kind.map { .text(ArraySlice($0.utf8)) } ?? .null, of: 2)
        row.absorb(amount.map { .number($0) } ?? .null, of: 3)
        row.absorb(.integer(microseconds), of: Self.timeID)
        row.absorb(.truth(isOpen), of: 5)
        return row.digest
    }

    /// Rows as Parquet's writer takes them, column by column.
    static func batches(_ rows: [DemoRow]) -> [ColumnBatch] {
        func levels(_ isThere: (DemoRow) -> Bool) -> [UInt8] { rows.map { isThere($0) ? 1 : 0 } }
        return [
            ColumnBatch(.int64(rows.map(\.id))),
            ColumnBatch(
                .byteArray(ByteArrays(rows.compactMap { $0.kind.map { Array($0.utf8) } })),
                definitionLevels: levels { $0.kind != nil }),
            ColumnBatch(
                .double(rows.compactMap(\.amount)), definitionLevels: levels { $0.amount != nil }),
            ColumnBatch(.int64(rows.map(\.microseconds))),
            ColumnBatch(.boolean(rows.map(\.isOpen))),
        ]
    }
}
