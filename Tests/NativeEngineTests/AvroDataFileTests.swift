// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import ParquetFormat
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// Data files in Avro, which become Parquet.
@Suite struct AvroDataFileTests {
    private static let all: JSONValue = ["rewrite-all": true]

    @Test(arguments: 0..<Schedules.count)
    func `rows of both formats stay what they are, under deletes of every kind`(
        seed: Int
    ) async throws {
        var random = SeededGenerator(seed: UInt64(seed) + 3000)
        let keyed = try await KeyedTable.random(
            seed % 2 == 0 ? .v2 : .v3, partitioned: seed % 4 != 0,
            formats: seed % 3 == 0 ? [.avro] : [.avro, .parquet], &random)
        let before = try await keyed.rows()
        if seed % 4 >= 2 {
            // Equality deletes find their rows in Avro, too.
            try await keyed.convert()
            #expect(try await keyed.rows() == before)
            #expect(try await keyed.deleteCounts()[.equalityDeletes] == nil)
        }

        let report = try await keyed.table.compact(Self.all)

        #expect(report.metrics["refused_groups_count"] == 0, "\(report.message)")
        #expect(try await keyed.rows() == before)
        let formats = Set(
            try await keyed.table.entries().values.map(\.entry.dataFile.fileFormat))
        #expect(formats.isSubset(of: [.parquet]))
        #expect(try await keyed.table.compact().fileCounts == [0, 0], "P-50")
    }

    @Test func `P-44: rows of Avro files keep their ids`() async throws {
        var random = SeededGenerator(seed: 1)
        let keyed = try await KeyedTable(.v3)
        for _ in 0..<2 {
            try await keyed.addRows(keyed.rows(10, &random), region: "a", format: .avro)
        }
        let entries = try await keyed.table.entries().values.sorted {
            $0.entry.sequenceNumber ?? 0 < $1.entry.sequenceNumber ?? 0
        }
        let expected = entries.flatMap { entry -> [Int64] in
            let first = entry.entry.dataFile.firstRowID ?? -1
            return Array(first..<first + 10)
        }
        #expect(Set(expected).count == 20)
        #expect(try await keyed.table.compact().fileCounts == [2, 1])
        let path = try #require(try await keyed.dataPaths().first)
        let file = try await keyed.table.parquet(path)
        let ids = try await file.values(of: 2_147_483_540)
        let changes = try await file.values(of: 2_147_483_539)
        #expect(ids.values == .int64(expected))
        #expect(
            changes.values
                == .int64([Int64](repeating: 1, count: 10) + [Int64](repeating: 2, count: 10)))
    }

    @Test func `where the default format is Avro, files stay, and Spark is named`()
        async throws
    {
        var random = SeededGenerator(seed: 2)
        let keyed = try await KeyedTable(
            .v2,
            properties: ManifestTable.quickRetries.merging(["write.format.default": "avro"]) {
                _, new in new
            })
        try await keyed.addRows(keyed.rows(3, &random), region: "a", format: .avro)
        await #expect {
            try await keyed.table.compact(Self.all)
        } throws: { error in
            guard case .refused("unsupported_table", let reason)? = error as? MaintenanceError
            else { return false }
            return reason.contains("write.format.default is avro") && reason.contains("Spark")
        }
    }

    @Test(arguments: [true, false])
    func `names stand for ids that a file lacks, where the table maps them`(
        isMapped: Bool
    ) async throws {
        let mapping = #"[{"field-id": 1, "names": ["id"]}, {"field-id": 2, "names": ["place"]}]"#
        let table = try await ManifestTable(
            .v2,
            properties: ManifestTable.quickRetries.merging(
                isMapped ? ["schema.name-mapping.default": mapping] : [:]
            ) { _, new in new })
        try await table.addAvro(
            [
                ["name": "id", "type": "long"],
                ["name": "place", "type": ["string", "null"]],
                ["name": "other", "type": "double"],
            ], rows: 2
        ) { row, encoder in
            encoder.long(Int64(row))
            encoder.long(row == 0 ? 0 : 1)
            if row == 0 { encoder.string("here") }
            encoder.double(1)
        }
        guard isMapped else {
            await #expect {
                try await table.compact(Self.all)
            } throws: { "\($0)".contains("no field ids") }
            return
        }
        #expect(try await table.compact(Self.all).fileCounts == [1, 1])
        #expect(
            try await table.rows() == [
                ManifestTable.Row(id: 0, region: "here"), ManifestTable.Row(id: 1, region: nil),
            ])
    }

    @Test func `what is nested gets the levels of Parquet`() async throws {
        let table = try await ManifestTable(
            .v2, properties: ManifestTable.quickRetries, columns: NestedAvro.columns)
        try await table.addAvro(NestedAvro.fields, rows: NestedAvro.rows.count) { row, encoder in
            NestedAvro.rows[row](&encoder)
        }
        #expect(try await table.compact(Self.all).fileCounts == [1, 1])
        let entry = try #require(try await table.entries().values.first)
        let file = try await table.parquet(entry.entry.dataFile.filePath)
        for (id, batch) in NestedAvro.expected {
            #expect(try await file.values(of: id) == batch, "the column \(id)")
        }
    }

    @Test(arguments: Hostile.allCases)
    func `files that make no sense are left with the reason`(hostile: Hostile) async throws {
        let table = try await ManifestTable(.v2, properties: ManifestTable.quickRetries)
        try await table.addAvro(hostile.fields, rows: 1) { _, encoder in
            hostile.write(to: &encoder)
        }
        let settings = NativeEngineSettings(memoryBytes: 1 << 20)
        await #expect {
            try await table.compact(
                Self.all, catalog: table.catalog, storage: table.storage, settings: settings)
        } throws: { error in
            guard case .refused("unsupported_files", let reason)? = error as? MaintenanceError
            else { return false }
            return reason.contains(hostile.reason)
        }
    }

    @Test(arguments: 0..<60)
    func `damaged files are refused or read, and never end the process`(
        seed: UInt64
    ) async throws {
        var random = SeededGenerator(seed: seed)
        let table = try await ManifestTable(
            .v2, properties: ManifestTable.quickRetries, columns: NestedAvro.columns)
        let path = try await table.addAvro(NestedAvro.fields, rows: NestedAvro.rows.count) {
            row, encoder in NestedAvro.rows[row](&encoder)
        }
        let bytes = try await table.storage.read(Location(path), limit: 1 << 20)
        try await table.storage.write(
            bytes.mutated(using: &random), to: Location(path), condition: .none)
        do {
            let report = try await table.compact(Self.all)
            #expect(report.fileCounts == [1, 1])
        } catch let error as MaintenanceError {
            guard case .refused("unsupported_files", _) = error else { throw error }
        }
    }
}

extension AvroDataFileTests {
    /// Files that no writer of Iceberg's makes.
    enum Hostile: CaseIterable, Sendable {
        case union, enumeration, null, empty, recursive, text, block, count

        var fields: [JSONValue] {
            func field(_ type: JSONValue) -> [JSONValue] {
                [["name": "id", "type": type, "field-id": 1]]
            }
            switch self {
            case .union: return field(["null", "int", "long"])
            case .enumeration: return field(["type": "enum", "name": "e", "symbols": ["a"]])
            case .null: return field("null") + [["name": "b", "type": "int", "field-id": 2]]
            case .empty: return field(["type": "record", "name": "e", "fields": []])
            case .recursive:
                return field([
                    "type": "record", "name": "n",
                    "fields": [["name": "next", "type": ["null", "n"], "field-id": 3]],
                ])
            case .text: return [["name": "region", "type": "string", "field-id": 2]]
            case .block: return [["name": "region", "type": "string", "field-id": 2]]
            case .count: return field("long")
            }
        }

        func write(to encoder: inout AvroEncoder) {
            switch self {
            case .union, .enumeration: encoder.long(0)
            case .null: encoder.long(1)
            case .empty: break
            case .recursive: encoder.long(0)
            case .text: encoder.bytes([0xFF, 0xFE])
            case .block: encoder.string(String(repeating: "x", count: 300_000))
            case .count:
                // One row more than the manifest says.
                encoder.long(1)
                encoder.long(2)
            }
        }

        var reason: String {
            switch self {
            case .union: "union of more than a type and null"
            case .enumeration: "Avro type enum"
            case .null: "Avro type null"
            case .empty: "record without fields"
            case .recursive: "nested too deeply"
            case .text: "not UTF-8"
            case .block: "limit"
            case .count: "bytes follow the last record"
            }
        }
    }
}

extension ManifestTable {
    /// Commits a data file in Avro of the partition "a".
    @discardableResult
    func addAvro(
        _ fields: [JSONValue], rows: Int, _ write: (Int, inout AvroEncoder) -> Void
    ) async throws -> String {
        var writer = try AvroFileWriter(
            schema: ["type": "record", "name": "table", "fields": .array(fields)])
        for row in 0..<rows { try writer.append { write(row, &$0) } }
        let location = Location("\(self.location)/data/rows.avro")
        let info = try await storage.write(
            try writer.finish(), to: location, condition: .absent)
        var entry = Self.entry([.string("a")], rows: Int64(rows), path: location.rawValue)
        entry.entry.dataFile.fileFormat = .avro
        entry.entry.dataFile.fileSizeInBytes = info.size
        entry.metrics = ColumnMetrics()
        try await append([entry])
        return location.rawValue
    }

    func parquet(_ path: String) async throws -> ParquetFile<ParquetMemorySource> {
        try await ParquetFile(
            opening: ParquetMemorySource(try await storage.read(Location(path), limit: 1 << 26)))
    }
}

extension ParquetFile where Source == ParquetMemorySource {
    /// The first row group's entries of the column with a field id.
    func values(of id: Int32) async throws -> ColumnBatch {
        let column = try #require(schema.columns.firstIndex { $0.fieldID == id })
        return try await readColumn(rowGroup: 0, column: column)
    }
}
