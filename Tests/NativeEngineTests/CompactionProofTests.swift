// SPDX-License-Identifier: Apache-2.0

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

/// Every kind of damage between our writer and the stored bytes is found before the commit.
@Suite struct CompactionProofTests {
    /// What becomes of the columns `id`, `region`, `other`, `_row_id` and the last sequence number.
    enum Damage: CaseIterable, Sendable {
        case lostRow, doubledRow, rowReplacedByDouble
        case swappedColumns, shiftedColumn, swappedValues, changedValue
        case lostValue, wrongDefault, lostDefault, wrongRowID, wrongSequence

        /// Whether it shows in the counts of rows alone.
        var isCounted: Bool { self == .lostRow || self == .doubledRow }

        func apply(to columns: inout [[Int64?]], _ regions: inout [String?]) {
            let last = regions.count - 1
            switch self {
            case .lostRow:
                for index in columns.indices { columns[index].removeLast() }
                regions.removeLast()
            case .doubledRow:
                for index in columns.indices { columns[index].append(columns[index][0]) }
                regions.append(regions[0])
            case .rowReplacedByDouble:
                for index in columns.indices { columns[index][last] = columns[index][0] }
                regions[last] = regions[0]
            case .swappedColumns: columns.swapAt(0, 1)
            case .shiftedColumn: regions = [regions[last]] + regions.dropLast()
            case .swappedValues: columns[0].swapAt(1, 2)
            case .changedValue: regions[1] = "c"
            case .lostValue: regions[1] = nil
            case .wrongDefault: columns[1][3] = 8
            case .lostDefault: columns[1][3] = nil
            case .wrongRowID: columns[2].swapAt(0, 1)
            case .wrongSequence: columns[3][0] = 99
            }
        }
    }

    private func table() async throws -> ManifestTable {
        let other: JSONValue = [
            "id": 3, "name": "other", "required": false, "type": "long", "initial-default": 7,
        ]
        let table = try await ManifestTable(
            .v3, properties: ManifestTable.quickRetries, columns: [other])
        for start in stride(from: Int64(1), to: 30, by: 10) {
            try await table.addRows(start..<start + 10, region: "a")
        }
        return table
    }

    private func damage(_ bytes: [UInt8], _ damage: Damage) async throws -> [UInt8] {
        let file = try await ParquetFile(opening: ParquetMemorySource(bytes))
        #expect(
            file.schema.columns.map { $0.path[0] } == [
                "id", "region", "other", "_row_id", "_last_updated_sequence_number",
            ])
        var columns: [[Int64?]] = []
        for index in [0, 2, 3, 4] {
            let batch = try await file.readColumn(rowGroup: 0, column: index)
            guard case .int64(let values) = batch.values else { continue }
            var next = values.makeIterator()
            columns.append(batch.definitionLevels.map { $0 == 1 ? next.next() : nil })
        }
        let batch = try await file.readColumn(rowGroup: 0, column: 1)
        var regions: [String?] = []
        if case .byteArray(let texts) = batch.values {
            var next = 0
            for level in batch.definitionLevels {
                regions.append(
                    level == 1 ? String(decoding: texts[next], as: UTF8.self) : nil)
                next += Int(level)
            }
        }
        damage.apply(to: &columns, &regions)
        func levels<Value>(_ values: [Value?]) -> [UInt8] { values.map { $0 == nil ? 0 : 1 } }
        var batches = columns.map {
            ColumnBatch(.int64($0.compactMap(\.self)), definitionLevels: levels($0))
        }
        batches.insert(
            ColumnBatch(
                .byteArray(ByteArrays(regions.compactMap { $0.map { Array($0.utf8) } })),
                definitionLevels: levels(regions)), at: 1)
        // A note is as long as it takes for the file to have the length that it should have.
        var noteLength = ManifestTable.note.count
        while true {
            var settings = ParquetWriteSettings()
            settings.keyValues = [
                KeyValue(key: "note", value: String(repeating: "n", count: noteLength))
            ]
            var writer = try ParquetWriter(
                file.schema, settings: settings, to: ParquetMemorySink())
            try await writer.write(batches)
            let damaged = try await writer.finish().1.bytes
            if damaged.count == bytes.count { return damaged }
            noteLength += bytes.count - damaged.count
            try #require(noteLength > 200, "the damaged file is too long")
        }
    }

    private func run(
        _ damage: Damage?, verify: String, isSorting: Bool = false
    ) async throws -> (report: ActionReport, table: ManifestTable) {
        let table = try await table()
        let storage = DamagingStorage(base: table.storage) { bytes in
            try await damage.asyncMap { try await self.damage(bytes, $0) } ?? bytes
        }
        var options = JSONObject()
        options["min-input-files"] = 2
        options["verify"] = .string(verify)
        if isSorting { options["sort_order"] = "id" }
        let report = try await table.compact(
            .object(options), catalog: table.catalog, storage: storage)
        return (report, table)
    }

    @Test(arguments: Damage.allCases, [false, true])
    func `nothing is committed that differs from what was read`(
        damage: Damage, isSorting: Bool
    ) async throws {
        await #expect {
            _ = try await run(damage, verify: "full", isSorting: isSorting)
        } throws: { error in
            guard case .refused("verification_failed", let reason)? = error as? MaintenanceError
            else { return false }
            return reason.contains(damage.isCounted ? "should have been" : "the values of")
        }
    }

    @Test func `what is as it should be passes, and rows have the ids they had`() async throws {
        let (report, table) = try await run(nil, verify: "full")
        #expect(report.fileCounts == [3, 1])
        let entry = try #require(try await table.entries().values.first)
        let bytes = try await table.storage.read(
            Location(entry.entry.dataFile.filePath), limit: 1 << 20)
        let file = try await ParquetFile(opening: ParquetMemorySource(bytes))
        let other = try await file.readColumn(rowGroup: 0, column: 2)
        #expect(other.values == .int64(Array(repeating: 7, count: 30)), "P-47")
        let ids = try await file.readColumn(rowGroup: 0, column: 3)
        #expect(ids.values == .int64(Array(0..<30)), "P-44")
        let sequences = try await file.readColumn(rowGroup: 0, column: 4)
        let expected = [Int64](repeating: 1, count: 10) + .init(repeating: 2, count: 10)
        #expect(sequences.values == .int64(expected + .init(repeating: 3, count: 10)), "P-44")
        // A second rewrite carries them on.
        try await table.addRows(31..<41, region: "a")
        try await table.compact()
        let again = try #require(try await table.entries().values.first)
        let second = try await ParquetFile(
            opening: ParquetMemorySource(
                try await table.storage.read(
                    Location(again.entry.dataFile.filePath), limit: 1 << 20)))
        let carried = try await second.readColumn(rowGroup: 0, column: 3)
        // The first rewrite's manifest took the ids 30 to 59, which no row has.
        #expect(carried.values == .int64(Array(0..<30) + Array(60..<70)), "P-44")
    }

    @Test func `a sample looks at some columns, and counts are always compared`() async throws {
        #expect(try await run(.changedValue, verify: "sample").report.fileCounts == [3, 1])
        #expect(try await run(.changedValue, verify: "off").report.fileCounts == [3, 1])
        for verify in ["sample", "off"] {
            await #expect(throws: MaintenanceError.self) { try await run(.lostRow, verify: verify) }
        }
        await #expect(throws: MaintenanceError.self) {
            try await run(.swappedValues, verify: "sample")
        }
    }
}

extension Optional {
    fileprivate func asyncMap<Result>(
        _ body: (Wrapped) async throws -> Result
    ) async rethrows -> Result? {
        guard let self else { return nil }
        return try await body(self)
    }
}

/// A storage that stores other data files than it is given, and says nothing of it.
private struct DamagingStorage<Base: ObjectStorage>: ForwardingStorage {
    let base: Base
    let damage: @Sendable ([UInt8]) async throws -> [UInt8]

    func write(
        _ bytes: [UInt8], to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo {
        guard location.rawValue.hasSuffix(".parquet") else {
            return try await base.write(bytes, to: location, condition: condition)
        }
        let changed: [UInt8]
        do { changed = try await damage(bytes) } catch {
            throw .unavailable(location, reason: "the test's damage failed: \(error)")
        }
        return try await base.write(changed, to: location, condition: condition)
    }
}
