// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import Synchronization

/// A journal that outlives the run that writes it, as a store's does.
final class MemoryJournal: MaintenanceJournal {
    enum State: Hashable {
        case planned
        case done
        case unknown
    }

    struct Row: Hashable {
        let id: Int64
        let table: String
        let path: String
        let kind: String
        var state: State
    }

    private let rows = Mutex<[Row]>([])
    private let isOwn: Bool

    /// A journal that is empty; what is found in it was written by the same job, or by others.
    init(isOwn: Bool = false) { self.isOwn = isOwn }

    /// The files, without notes.
    var all: [Row] { everything.filter { FileKind(rawValue: $0.kind) != nil } }

    /// The paths and notes that nobody closed.
    var open: Set<String> { Set(everything.filter { $0.state == .planned }.map(\.path)) }

    private var everything: [Row] { rows.withLock { $0 } }

    func plan(_ files: [JournalledFile], tableUUID: String) async throws(MaintenanceError) {
        rows.withLock { rows in
            for file in files
            where !rows.contains(where: { $0.path == file.path && $0.state == .planned }) {
                rows.append(
                    Row(
                        id: Int64(rows.count + 1), table: tableUUID, path: file.path,
                        kind: file.kindName, state: .planned))
            }
        }
    }

    func close(paths: [String]) async throws(MaintenanceError) {
        set(.done) { paths.contains($0.path) }
    }

    func markUnknown() async throws(MaintenanceError) { set(.unknown) { _ in true } }

    func openEntries(
        tableUUID: String, after id: Int64, limit: Int
    ) async throws(MaintenanceError) -> [OpenJournalledFile] {
        everything.filter { $0.table == tableUUID && $0.id > id && $0.state == .planned }.prefix(
            limit
        )
        .map { OpenJournalledFile(id: $0.id, path: $0.path, kind: $0.kind, isOwn: isOwn) }
    }

    func closeReplayed(_ ids: [Int64]) async throws(MaintenanceError) {
        set(.done) { ids.contains($0.id) }
    }

    private func set(_ state: State, where matches: (Row) -> Bool) {
        rows.withLock { rows in
            for index in rows.indices where rows[index].state == .planned && matches(rows[index]) {
                rows[index].state = state
            }
        }
    }
}
