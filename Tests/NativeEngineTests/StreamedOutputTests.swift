// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import ParquetFormat
import StorageTestSupport
import Synchronization
import TestSupport
import Testing
import WireFormat

/// New data files that go to storage in pieces, because they are larger than memory allows.
@Suite struct StreamedOutputTests {
    private static let settings = NativeEngineSettings(memoryBytes: 4 << 20)

    /// Five files of three rows, each of about a megabyte that does not compress.
    private func table() async throws -> ManifestTable {
        let table = try await ManifestTable(.v2, properties: ManifestTable.quickRetries)
        var random = SeededGenerator(seed: 1)
        for start in stride(from: Int64(0), to: 15, by: 3) {
            try await table.addLargeRows(start..<start + 3, using: &random)
        }
        return table
    }

    /// As they come, and in another order.
    private static let orders: [String?] = [nil, "id DESC"]

    private func compact(
        _ table: ManifestTable, _ journal: MemoryJournal, _ storage: some ObjectStorage,
        order: String?
    ) async throws -> ActionReport {
        var options = JSONObject()
        options["min-input-files"] = 2
        if let order { options["sort_order"] = .string(order) }
        return try await table.compact(
            .object(options), journal: journal, catalog: table.catalog, storage: storage,
            settings: Self.settings)
    }

    @Test(arguments: orders)
    func `a file may be several times as large as memory allows`(order: String?) async throws {
        let table = try await table()
        let before = try await table.rows()

        let report = try await compact(table, MemoryJournal(), table.storage, order: order)

        #expect(report.fileCounts == [5, 1])
        let file = try #require(try await table.entries().values.first?.entry.dataFile)
        #expect(file.fileSizeInBytes > 2 * Int64(Self.settings.memoryBytes))
        let info = try await table.storage.stat(Location(file.filePath))
        #expect(info?.size == file.fileSizeInBytes)
        #expect(try await table.rows() == before)
    }

    @Test func `P-50: files of sorted rows end when they have their size`() async throws {
        let table = try await table()
        let options: JSONValue = [
            "sort_order": "id DESC", "target-file-size-bytes": 3_000_000, "min-input-files": 2,
        ]
        let all: JSONValue = [
            "sort_order": "id DESC", "target-file-size-bytes": 3_000_000, "rewrite-all": true,
        ]

        let report = try await table.compact(
            all, catalog: table.catalog, storage: table.storage, settings: Self.settings)

        #expect(report.fileCounts == [5, 4])
        var ranges: [ClosedRange<Int64>] = []
        for entry in try await table.entries().values {
            #expect((2_250_000...5_400_000).contains(entry.entry.dataFile.fileSizeInBytes))
            let lower = try #require(entry.metrics.lowerBounds?.first?.value)
            let upper = try #require(entry.metrics.upperBounds?.first?.value)
            guard case .long(let low)? = PartitionValue(serialized: lower, as: .long),
                case .long(let high)? = PartitionValue(serialized: upper, as: .long)
            else { continue }
            ranges.append(low...high)
        }
        ranges.sort { $0.lowerBound < $1.lowerBound }
        #expect(ranges == [0...2, 3...6, 7...10, 11...14])
        #expect(try await table.compact(options).fileCounts == [0, 0])
    }

    @Test(arguments: Share.of([1, 2, 3, 4], 1), orders)
    func `a run that is cancelled in the middle of a file leaves nothing`(
        chunk: Int, order: String?
    ) async throws {
        let table = try await table()
        let before = (try await table.everyFile(), try await table.load().metadataLocation)
        let journal = MemoryJournal()
        let cancelled = CancelledRun()
        let storage = ChunkwiseStorage(base: table.storage) { number, _ in
            if number == chunk { cancelled.cancel() }
        }

        await #expect(throws: MaintenanceError.cancelled) {
            try await cancelled.run {
                _ = try await compact(table, journal, storage, order: order)
            }
        }

        #expect(try await table.everyFile() == before.0)
        #expect(try await table.load().metadataLocation == before.1)
        #expect(journal.open.isEmpty)
    }

    @Test(arguments: Share.of([1, 2, 3, 4], 1), orders)
    func `a store that fails in the middle of a file is cleaned up`(
        chunk: Int, order: String?
    ) async throws {
        let table = try await table()
        let before = (try await table.everyFile(), try await table.load().metadataLocation)
        let journal = MemoryJournal()
        let storage = ChunkwiseStorage(base: table.storage) {
            (number, location) throws(StorageError) in
            if number == chunk { throw .unavailable(location, reason: "the disk is full") }
        }

        await #expect {
            try await compact(table, journal, storage, order: order)
        } throws: { error in
            guard case .unavailable(let reason) = error as? MaintenanceError else { return false }
            return reason.contains("the disk is full")
        }

        #expect(try await table.everyFile() == before.0)
        #expect(try await table.load().metadataLocation == before.1)
        #expect(journal.open.isEmpty)
        let again = try await compact(table, journal, table.storage, order: order)
        #expect(again.fileCounts == [5, 1])
    }

    @Test func `whoever lost the lease while a file was made does not complete it`()
        async throws
    {
        let table = try await table()
        let before = try await table.everyFile()
        let hasBegun = Mutex(false)
        let storage = ChunkwiseStorage(base: table.storage) { _, _ in
            hasBegun.withLock { $0 = true }
        }
        let journal = MemoryJournal()
        let context = TestTable.context(journal) { _ throws(MaintenanceError) in
            if hasBegun.withLock({ $0 }) { throw .fenceLost }
        }

        await #expect(throws: MaintenanceError.fenceLost) {
            try await table.compact(
                journal: journal, catalog: table.catalog, storage: storage, context: context,
                settings: Self.settings)
        }

        #expect(try await table.everyFile() == before)
        #expect(journal.open.count == 1, "the next run looks for it")
    }
}

/// A storage that tells of each chunk of a data file before it is taken.
private struct ChunkwiseStorage: ForwardingStorage {
    let base: LocalStorage
    let onChunk: @Sendable (Int, Location) throws(StorageError) -> Void

    func write<Chunks: AsyncSequence & Sendable>(
        chunks: Chunks, to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo where Chunks.Element == [UInt8] {
        let (onChunk, counter) = (onChunk, Counter())
        return try await base.write(
            chunks: chunks.map { chunk in
                try onChunk(counter.next(), location)
                return chunk
            }, to: location, condition: condition)
    }
}

extension ManifestTable {
    /// Every file in the table's folder, whatever its name; folders stay.
    fileprivate func everyFile() async throws -> Set<Location> {
        var files: Set<Location> = []
        for try await file in storage.list(Location(location)) { files.insert(file.location) }
        return files
    }

    /// Commits a data file whose rows take about a megabyte each, compressed.
    fileprivate func addLargeRows(
        _ ids: Range<Int64>, using random: inout SeededGenerator
    ) async throws {
        let texts = ids.map { _ in
            (0..<1 << 17).flatMap { _ in
                // Letters and digits, so that they are text; six bits of eight count.
                let bits = UInt64.random(in: 0 ... .max, using: &random) & 0x3F3F_3F3F_3F3F_3F3F
                return withUnsafeBytes(of: bits + 0x3030_3030_3030_3030) { Array($0) }
            }
        }
        let file = try await write(
            Self.rowSchema,
            [
                ColumnBatch(.int64(Array(ids)), definitionLevels: ids.map { _ in 1 }),
                ColumnBatch(.byteArray(ByteArrays(texts)), definitionLevels: ids.map { _ in 1 }),
            ], "large")
        var entry = Self.entry([.string("a")], rows: Int64(ids.count), path: file.path)
        entry.entry.dataFile.fileSizeInBytes = file.size
        entry.metrics = ColumnMetrics()
        try await append([entry], specID: 1)
    }
}
