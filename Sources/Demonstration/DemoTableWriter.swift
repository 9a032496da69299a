// SPDX-License-Identifier: Apache-2.0

import FileSystemCatalog
import Foundation
import IcebergCatalog
import IcebergSpec
import IcebergTable
import NativeEngine
import ObjectStorage
import WireFormat

/// Writes one table as a careless writer would, commit by commit, and remembers which rows it has.
struct DemoTableWriter {
    typealias Tables = FileSystemCatalog<LocalStorage>

    private struct WrittenFile {
        let rows: [DemoRow]
        let partition: FilePartition
        var deleted: Set<Int64> = []
    }

    private let table: DemoTable
    private let storage: LocalStorage
    private var commits: DemoCommits
    private var writer: TableFileWriter<LocalStorage>
    private var files: [String: WrittenFile] = [:]
    /// Paths of what was added since rows were deleted last, and of what was added before that.
    private var recent: [String] = []
    private var earlier: [String] = []
    private var nextID: Int64 = 0

    /// Makes the empty table.
    ///
    /// - Parameter began: When its first commit shall have been made.
    init(
        _ table: DemoTable, catalog: Tables, storage: LocalStorage, at location: Location,
        from began: Timestamp, every interval: Duration
    ) async throws {
        self.table = table
        self.storage = storage
        let metadata = try TableMetadata(
            table.metadata(
                location: location.rawValue, uuid: UUID().uuidString.lowercased(), at: began))
        let loaded = try await catalog.createTable(table.identifier, metadata)
        writer = try TableFileWriter(metadata, storage: storage)
        commits = DemoCommits(
            loaded, catalog: catalog, storage: storage, from: began, every: interval)
    }

    /// Writes the table's history.
    ///
    /// - Returns: What a reader of it must find.
    mutating func write() async throws -> MultisetDigest {
        for number in 1...table.commits {
            try Task.checkCancellation()
            try await append()
            if let interval = table.deletes.interval, number.isMultiple(of: interval) {
                try await delete()
            }
        }
        return digest
    }

    /// The rows that were written and not deleted.
    private var digest: MultisetDigest {
        var digest = MultisetDigest()
        for file in files.values {
            for (position, row) in file.rows.enumerated()
            where !file.deleted.contains(Int64(position)) {
                digest.insert(row.digest)
            }
        }
        return digest
    }

    // MARK: Adding

    private mutating func append() async throws {
        var entries: [CompleteEntry] = []
        for day in 0..<Int64(max(1, table.days)) {
            let partition = Self.partition(of: table, day: day)
            for _ in 0..<table.filesOfCommit {
                let rows = (nextID..<nextID + table.rowsOfFile).map { DemoRow(id: $0, day: day) }
                nextID += table.rowsOfFile
                let entry = try await writer.writeRows(DemoRow.batches(rows), in: partition)
                let path = entry.entry.dataFile.filePath
                files[path] = WrittenFile(rows: rows, partition: partition)
                recent.append(path)
                entries.append(entry)
            }
        }
        try await commits.add(entries, .data)
    }

    private static func partition(of table: DemoTable, day: Int64) -> FilePartition {
        let number = DemoRow.firstDay + day
        let isPartitioned = table.days > 0
        return FilePartition(
            key: PartitionKey(
                specID: 0, tuple: PartitionTuple(isPartitioned ? [.integer(number)] : [])),
            values: isPartitioned ? [.int(Int32(truncatingIfNeeded: number))] : [])
    }

    // MARK: Deleting

    /// Deletes some of the rows that came since the last time.
    private mutating func delete() async throws {
        var entries: [CompleteEntry] = []
        switch table.deletes {
        case .none: return
        case .twentiethByFile:
            for path in recent { entries += try await write(choose(3, of: 20, in: [path])) }
        case .tenth:
            var deletes = choose(3, of: 10, in: recent)
            // Before format version 3 a data file may have several delete files.
            if table.formatVersion < .v3 {
                deletes.merge(choose(7, of: 10, in: earlier)) { first, _ in first }
            }
            entries = try await write(deletes)
        }
        try await commits.add(entries, .deletes)
        earlier = recent
        recent = []
    }

    /// Writes deletes, partition by partition.
    private mutating func write(_ deletes: [String: [Int64]]) async throws -> [CompleteEntry] {
        var entries: [CompleteEntry] = []
        let byPartition = Dictionary(grouping: deletes) { files[$0.key]?.partition }
        for (partition, group) in byPartition {
            guard let partition else { continue }
            entries += try await writer.writeDeletes(
                Dictionary(uniqueKeysWithValues: group.map { ($0.key, $0.value) }), in: partition)
        }
        for (path, positions) in deletes { files[path]?.deleted.formUnion(positions) }
        return entries
    }

    /// The positions of rows whose numbers leave a remainder.
    private func choose(
        _ remainder: Int64, of divisor: Int64, in paths: [String]
    ) -> [String: [Int64]] {
        var chosen: [String: [Int64]] = [:]
        for path in paths {
            chosen[path] = (files[path]?.rows ?? []).enumerated()
                .filter { $0.element.id % divisor == remainder }.map { Int64($0.offset) }
        }
        return chosen
    }
}
