// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import ParquetFormat
import RowSets

/// Works out a second time which rows equality deletes delete, before anybody may commit what is
/// left of a group.
///
/// It shares with ``EqualityDeleteFinder`` the readers of files, the columns that a key has
/// (``EqualityColumns``), the ids of files without (``FieldNaming``) and what a partition's value
/// or a default is in Parquet (``PlainValue``). Apart from that it goes its own way: keys are
/// digests here, of values as the proof sees them; which deletes apply is asked of each pair of
/// files; no bounds are believed; and too many keys are taken in turns of rows, not divided by
/// their hashes.
struct EqualityDeleteAudit<Storage: ObjectStorage> {
    private struct Kind: Hashable {
        /// Nil for deletes of the whole table.
        let partition: PartitionKey?
        let ids: Set<Int32>
    }

    private typealias Keys = [ColumnDigest: Int64]

    private let storage: Storage
    private let metadata: TableMetadata
    private let mapping: NameMapping?
    private let limits: RewriteLimits
    private var deletes: [Kind: [LiveFile]] = [:]
    private var kept: (kind: Kind, keys: Keys)?

    /// What a key takes, about: its digest and number, and the room that a dictionary leaves.
    static var keyBytes: Int { 96 }

    init(
        _ deletes: [LiveFile], of metadata: TableMetadata, storage: Storage,
        mapping: NameMapping?, limits: RewriteLimits
    ) {
        self.storage = storage
        self.metadata = metadata
        self.mapping = mapping
        self.limits = limits
        for delete in deletes {
            let isGlobal = metadata.partitionSpec(delete.partition.specID)?.isUnpartitioned == true
            let kind = Kind(
                partition: isGlobal ? nil : delete.partition, ids: Set(delete.equalityIDs))
            self.deletes[kind, default: []].append(delete)
        }
    }

    /// The positions of deleted rows by path.
    mutating func positions(
        in files: [OpenedDataFile<Storage>]
    ) async throws(GroupFailure) -> [String: RowPositions] {
        var found: [String: RowPositions] = [:]
        for (kind, deletes) in deletes {
            let concerned = files.filter { file in
                (kind.partition == nil || kind.partition == file.live.partition)
                    && deletes.contains { $0.dataSequenceNumber > file.live.dataSequenceNumber }
            }
            guard !concerned.isEmpty else { continue }
            let columns: EqualityColumns
            do throws(Unsupported) {
                columns = try EqualityColumns(Array(kind.ids), of: metadata)
            } catch { throw .unsupported("\(error) it") }
            if let kept, kept.kind == kind {
                try await look(kept.keys, columns, concerned, &found)
                continue
            }
            kept = nil
            var turns = EqualityTurns(
                of: deletes, rows: Int64(max(1, limits.keyBytes / Self.keyBytes)))
            var isFirst = true
            repeat {
                let keys = try await read(turns.next(), columns)
                try await look(keys, columns, concerned, &found)
                if isFirst, turns.isDone { kept = (kind, keys) }
                isFirst = false
            } while !turns.isDone
        }
        return found
    }

    private func read(
        _ turn: EqualityTurns.Turn, _ columns: EqualityColumns
    ) async throws(GroupFailure) -> Keys {
        let reader = EqualityDeleteReader(storage: storage, columns: columns, mapping: mapping)
        var keys: Keys = [:]
        try await BoundedTasks.forEach(
            turn, width: limits.width, cancelled: GroupFailure.stopped(.cancelled),
            finished: { (some: (Int64, [ColumnDigest])) in
                for digest in some.1 { keys[digest] = max(keys[digest] ?? .min, some.0) }
            },
            { (item) async throws(GroupFailure) -> (Int64, [ColumnDigest]) in
                var digests: [ColumnDigest] = []
                if item.file.format == .parquet {
                    let opened = try await reader.open(item.file)
                    let rows = RowDigests(opened.file, opened.schema, columns, fills: [:])
                    try await rows.forEach(in: item.rows) { digest, _ in digests.append(digest) }
                } else {
                    try await RowDigests<Storage>.forEach(
                        of: item.file, in: item.rows, reader
                    ) { digests.append($0) }
                }
                return (item.file.dataSequenceNumber, digests)
            })
        return keys
    }

    private func look(
        _ keys: Keys, _ columns: EqualityColumns, _ files: [OpenedDataFile<Storage>],
        _ found: inout [String: RowPositions]
    ) async throws(GroupFailure) {
        // The finder kept within its limit; the same rows take up to twice as much on the way.
        let limit = 2 * limits.deleteBytes
        try await BoundedTasks.forEach(
            files, width: limits.parallelism, cancelled: GroupFailure.stopped(.cancelled),
            finished: { (result: (String, RowPositions)) in
                found[result.0, default: []].formUnion(result.1)
            },
            { (file) async throws(GroupFailure) -> (String, RowPositions) in
                let rows = RowDigests(
                    file.file, file.schema, columns, fills: try file.fills(columns))
                var positions = RowPositions()
                var isTooMuch = false
                try await rows.forEach(in: 0..<file.live.recordCount) { digest, row in
                    guard !isTooMuch, let number = keys[digest],
                        file.live.dataSequenceNumber < number
                    else { return }
                    positions.insert(row)
                    isTooMuch = positions.byteCount > limit
                }
                guard !isTooMuch else {
                    throw RewriteProof<Storage>.failure(
                        "equality deletes delete more rows of \(file.live.path) than were found")
                }
                return (file.live.path, positions)
            })
    }
}

/// Divides the rows of delete files so that memory holds those of each turn.
///
/// Made one by one: how many rows a file has is what its manifest says, and only who reads the
/// file finds out whether that is true.
private struct EqualityTurns {
    typealias Turn = [(file: LiveFile, rows: Range<Int64>)]

    private var deletes: ArraySlice<LiveFile>
    private let rows: Int64
    /// The next row of the first file.
    private var start: Int64 = 0

    init(of deletes: [LiveFile], rows: Int64) {
        self.deletes = deletes.filter { $0.recordCount > 0 }[...]
        self.rows = rows
    }

    var isDone: Bool { deletes.isEmpty }

    mutating func next() -> Turn {
        var turn: Turn = []
        var room = rows
        while room > 0, let delete = deletes.first {
            let end = start + min(room, delete.recordCount - start)
            turn.append((delete, start..<end))
            room -= end - start
            start = end
            if end == delete.recordCount {
                deletes = deletes.dropFirst()
                start = 0
            }
        }
        return turn
    }
}

extension OpenedDataFile {
    /// What stands for columns that the file lacks, as the rewriter has it.
    fileprivate func fills(
        _ columns: EqualityColumns
    ) throws(GroupFailure) -> [Int32: ColumnFill] {
        var fills: [Int32: ColumnFill] = [:]
        let known = Set(schema.nodes.compactMap(\.fieldID))
        for column in columns.columns where !known.contains(column.id) {
            let place = spec.fields.firstIndex {
                $0.transform == .identity && $0.sourceIDs == [Int(column.id)]
            }
            var bytes: [UInt8]?
            if let place, place < entry.partition.count {
                guard let value = entry.partition[place] else { continue }
                guard column.parents.allSatisfy({ known.contains($0) }) else {
                    throw GroupFailure(.structOfPartition(spec.fields[place].name))
                }
                bytes = PlainValue.bytes(of: value, for: column.stored)
            } else {
                guard let json = column.initialDefault,
                    column.parents.allSatisfy({ known.contains($0) })
                else { continue }
                bytes = PlainValue.bytes(ofDefault: json, column.type, for: column.stored)
            }
            guard let bytes else {
                throw .unsupported("\(live.path): what stands for \(column.name) is not understood")
            }
            fills[column.id] = .constant(bytes)
        }
        return fills
    }
}
