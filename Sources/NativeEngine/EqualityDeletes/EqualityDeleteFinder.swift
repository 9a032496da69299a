// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import RowSets
import Synchronization

/// Finds the rows that equality deletes delete.
///
/// The deletes of a partition, or those of the whole table, that go by the same columns are read
/// into one table of keys, each with the highest sequence number at which it was deleted; a row is
/// deleted if that is higher than its file's (P-41). The table is made once and serves every group
/// of the partition (P-49).
///
/// Keys that take more than their share of memory are divided by their hashes: the delete files,
/// and the key columns of the data files, are then read once for each part.
struct EqualityDeleteFinder<Storage: ObjectStorage> {
    private struct Delete: Sendable {
        let file: LiveFile
        let bounds: KeyBounds
    }

    private struct Kind {
        let columns: EqualityColumns
        let deletes: [Delete]
        /// How many parts the keys must be divided into.
        var partCount: UInt64 = 1
    }

    private typealias Candidate = (file: LiveFile, keys: ParquetKeys<Storage>)

    private let storage: Storage
    private let mapping: NameMapping?
    private let limits: RewriteLimits
    /// The delete files of each class that may delete from any file of the plan.
    private var kinds: [EqualityClass: Kind] = [:]
    private var tables: [EqualityClass: KeyTable] = [:]

    /// Bounds of more pairs of files than this are not compared.
    private static var mostPairs: Int { 1 << 24 }

    /// Takes the deletes that there are, and the data files that are to be rewritten.
    init(
        _ deletes: [LiveFile], of metadata: TableMetadata, files: [LiveFile],
        entries: [String: SourceEntry], storage: Storage, mapping: NameMapping?,
        limits: RewriteLimits
    ) throws(MaintenanceError) {
        self.storage = storage
        self.mapping = mapping
        self.limits = limits
        let classes = Dictionary(grouping: deletes) {
            EqualityClass(EqualityScope(of: $0, metadata), ids: $0.equalityIDs)
        }
        for (name, deletes) in classes {
            try MaintenanceError.checkCancellation()
            let files = files.filter { name.scope.contains($0) }
            // P-41: of deletes that are too old for every file nothing needs to be compared.
            let oldest = files.reduce(Int64.max) { min($0, $1.dataSequenceNumber) }
            let deletes = deletes.filter { oldest < $0.dataSequenceNumber }
            guard !files.isEmpty, !deletes.isEmpty else { continue }
            let columns: EqualityColumns
            // Groups to which such deletes apply are none of the files.
            do throws(Unsupported) {
                columns = try EqualityColumns(name.ids, of: metadata)
            } catch { continue }
            func bounds(_ file: LiveFile) -> KeyBounds {
                KeyBounds(entries[file.path]?.facts ?? [:], columns)
            }
            var needed = deletes.map { Delete(file: $0, bounds: bounds($0)) }
            if files.count <= Self.mostPairs / deletes.count {
                let targets = files.map { ($0, bounds($0)) }
                needed = needed.filter { delete in
                    targets.contains { file, bounds in
                        file.dataSequenceNumber < delete.file.dataSequenceNumber
                            && bounds.mayMeet(delete.bounds)
                    }
                }
            }
            if !needed.isEmpty { kinds[name] = Kind(columns: columns, deletes: needed) }
        }
    }

    /// The positions of deleted rows by path.
    mutating func positions(
        in files: [OpenedDataFile<Storage>]
    ) async throws(GroupFailure) -> [String: RowPositions] {
        let found = FoundRows(limit: limits.deleteBytes)
        for (name, kind) in kinds {
            var candidates: [Candidate] = []
            let comparesBounds = files.count <= Self.mostPairs / max(kind.deletes.count, 1)
            for file in files where name.scope.contains(file.live) {
                guard !Task.isCancelled else { throw .stopped(.cancelled) }
                let bounds = KeyBounds(file.entry.facts, kind.columns)
                let mayDelete = kind.deletes.contains {
                    $0.file.dataSequenceNumber > file.live.dataSequenceNumber
                        && (!comparesBounds || $0.bounds.mayMeet(bounds))
                }
                if mayDelete { candidates.append((file.live, try file.keys(kind.columns))) }
            }
            if !candidates.isEmpty { try await look(for: name, kind, in: candidates, found) }
        }
        return found.positions
    }

    private mutating func look(
        for name: EqualityClass, _ kind: Kind, in candidates: [Candidate],
        _ found: FoundRows
    ) async throws(GroupFailure) {
        if let table = tables[name] { return try await probe(table, candidates, found) }
        // What is kept and what is loaded take no more than their share each.
        if tables.values.reduce(0, { $0 + $1.byteCount }) > limits.keyBytes { tables = [:] }
        var partCount = kind.partCount
        var parts = (0..<kind.partCount).map { KeyPart(count: kind.partCount, index: $0) }
        while let part = parts.popLast() {
            if let table = try await load(kind, part) {
                try await probe(table, candidates, found)
                if part == .whole { tables[name] = table }
                continue
            }
            guard let halves = part.halves else {
                throw .unsupported(
                    "a key of its equality deletes does not fit into the \(limits.keyBytes) bytes "
                        + "that memory is allowed for them (ICEPACK_NATIVE_MEMORY_BYTES)")
            }
            parts += halves
            partCount = max(partCount, part.count * 2)
        }
        kinds[name]?.partCount = partCount
    }

    /// Reads the keys of a part; nil if they are too many.
    private func load(_ kind: Kind, _ part: KeyPart) async throws(GroupFailure) -> KeyTable? {
        let reader = EqualityDeleteReader(
            storage: storage, columns: kind.columns, mapping: mapping)
        let building = KeyTableBuilder(part, limit: limits.keyBytes)
        try await BoundedTasks.forEach(
            kind.deletes.map(\.file), width: limits.width,
            cancelled: GroupFailure.stopped(.cancelled), finished: { (_: Void) in },
            { (file) async throws(GroupFailure) in
                guard !building.isFull else { return }
                try await reader.forEachBatch(of: file) { (batch) throws(GroupFailure) in
                    building.insert(batch, sequenceNumber: file.dataSequenceNumber)
                }
            })
        return building.table
    }

    private func probe(
        _ table: KeyTable, _ candidates: [Candidate], _ found: FoundRows
    ) async throws(GroupFailure) {
        try await BoundedTasks.forEach(
            candidates, width: limits.parallelism, cancelled: GroupFailure.stopped(.cancelled),
            finished: { (_: Void) in },
            { (item) async throws(GroupFailure) in
                let age = item.file.dataSequenceNumber
                var positions = RowPositions()
                try await item.keys.forEachBatch { (batch, first) throws(GroupFailure) in
                    for row in 0..<batch.count {
                        if let number = table.sequenceNumber(batch, row), number > age {
                            positions.insert(first + Int64(row))
                        }
                    }
                    // Some of the rows must never be taken for all of them.
                    try found.check(positions)
                    return true
                }
                try found.add(positions, of: item.file.path)
            })
    }
}

/// Deleted rows that several tasks find, no more than memory is allowed.
private final class FoundRows: Sendable {
    private struct State {
        var positions: [String: RowPositions] = [:]
        var byteCount = 0
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// The positions by path.
    var positions: [String: RowPositions] { state.withLock { $0.positions } }

    func add(_ more: RowPositions, of path: String) throws(GroupFailure) {
        guard !more.isEmpty else { return }
        let byteCount = state.withLock { state in
            state.byteCount -= state.positions[path]?.byteCount ?? 0
            state.positions[path, default: []].formUnion(more)
            state.byteCount += state.positions[path]?.byteCount ?? 0
            return state.byteCount
        }
        guard byteCount <= limit else { throw excess }
    }

    /// Refuses positions that are too many by themselves.
    ///
    /// Beside others of the same file they may take less, but not all of them were seen yet.
    func check(_ positions: RowPositions) throws(GroupFailure) {
        guard positions.byteCount <= limit else { throw excess }
    }

    private var excess: GroupFailure {
        .unsupported(
            "the positions of its deleted rows take more than the \(limit) bytes that memory "
                + "is allowed for them (ICEPACK_NATIVE_MEMORY_BYTES)")
    }
}

/// A table of keys that several tasks fill.
private final class KeyTableBuilder: Sendable {
    /// Nil once the table was full.
    private let state = Mutex<KeyTable?>(KeyTable())
    private let part: KeyPart
    private let limit: Int

    init(_ part: KeyPart, limit: Int) {
        self.part = part
        self.limit = limit
    }

    var table: KeyTable? { state.withLock { $0 } }
    var isFull: Bool { state.withLock { $0 == nil } }

    /// Inserts keys; false if there is no room for them.
    func insert(_ batch: KeyBatch, sequenceNumber: Int64) -> Bool {
        state.withLock { table in
            guard var filling = table else { return false }
            // Only one owner at a time, so that nothing is copied.
            table = nil
            filling.insert(batch, sequenceNumber: sequenceNumber, part: part)
            guard filling.byteCount <= limit else { return false }
            table = filling
            return true
        }
    }
}
