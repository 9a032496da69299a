// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Jobs
import Maintenance

/// The engine's view of the store's journal, under one claim.
struct JournalBridge: MaintenanceJournal {
    let context: ActionContext

    func plan(_ files: [JournalledFile], tableUUID: String) async throws(MaintenanceError) {
        let entries = files.map { FileJournalEntry(path: $0.path, kind: $0.kindName) }
        try await translated { () throws(ActionFailure) in
            try await context.journal(entries, tableUUID: tableUUID)
        }
    }

    func close(paths: [String]) async throws(MaintenanceError) {
        try await translated { () throws(ActionFailure) in
            try await context.closeJournal(paths: paths)
        }
    }

    func markUnknown() async throws(MaintenanceError) {
        try await translated { () throws(ActionFailure) in
            try await context.markJournalUnknown()
        }
    }

    func openEntries(
        tableUUID: String, after id: Int64, limit: Int
    ) async throws(MaintenanceError) -> [OpenJournalledFile] {
        let entries = try await translated { () throws(ActionFailure) in
            try await context.openJournalEntries(tableUUID: tableUUID, after: id, limit: limit)
        }
        let job = context.claim.jobID
        return entries.map {
            OpenJournalledFile(
                id: $0.id, path: $0.entry.path, kind: $0.entry.kind, isOwn: $0.jobID == job)
        }
    }

    func closeReplayed(_ ids: [Int64]) async throws(MaintenanceError) {
        try await translated { () throws(ActionFailure) in
            try await context.closeReplayed(ids)
        }
    }

    private func translated<Value>(
        _ call: () async throws(ActionFailure) -> Value
    ) async throws(MaintenanceError) -> Value {
        do throws(ActionFailure) {
            return try await call()
        } catch {
            throw MaintenanceError(error)
        }
    }
}
