// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import ParquetFormat
import Testing
import WireFormat

@testable import NativeEngine

/// How columns and their defaults are spelled in new files.
@Suite struct FileSchemaTests {
    /// Iceberg's own writers keep letters and digits of every script.
    @Test(arguments: [
        ("plain", "plain"), ("a_1", "a_1"), ("1a", "_1a"), ("a-b", "a_x2Db"), ("a b", "a_x20b"),
        ("é", "é"), ("naïve", "naïve"), ("Ω-x", "Ω_x2Dx"), ("数量", "数量"), ("a٣", "a٣"),
        ("٣a", "_٣a"), ("😀", "_xD83D_xDE00"), ("", ""),
    ])
    func `names are those of Iceberg's writers`(name: String, spelled: String) {
        #expect(FileSchema.compatibleName(name) == spelled)
    }

    @Test(
        arguments: [
            ("2017-11-16T22:31:08.000001001", 1_510_871_468_000_001_001),
            ("2017-11-16T22:31:08.5", 1_510_871_468_500_000_000),
            ("2017-11-16T22:31:08", 1_510_871_468_000_000_000),
            ("1969-12-31T23:59:59.999999999", -1), ("2017-11-16T22:31:08.0000010011", nil),
            ("2500-01-01T00:00:00", nil), ("soon", nil),
        ] as [(String, Int64?)])
    func `defaults of nanoseconds are read to the last digit`(text: String, count: Int64?) throws {
        let types: [(PrimitiveType, String)] = [
            (.timestampNanoseconds, ""), (.timestamptzNanoseconds, "+00:00"),
        ]
        for (type, zone) in types {
            let field = ParquetField.values(
                "n", id: 1, .optional, .int64,
                logicalType: .timestamp(.nanoseconds, isAdjustedToUTC: !zone.isEmpty))
            let column = try #require(try ParquetSchema([field]).columns.first)
            let bytes = PlainValue.bytes(ofDefault: .string(text + zone), type, for: column)
            #expect(bytes == count.map { PlainValue.littleEndian($0) })
        }
    }
}
