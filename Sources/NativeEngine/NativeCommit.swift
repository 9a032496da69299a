// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergTable
import Maintenance
import ObjectStorage

extension NativeEngine {
    /// Commits what `plan` works out on the table as it is, as long as the job may.
    ///
    /// - Parameter plan: asked anew after each conflict; nil where nothing is to be changed.
    func commit(
        to table: TableIdentifier, in context: RunContext,
        plan: (LoadedTable) async throws(MaintenanceError) -> CommitProposal?
    ) async throws(MaintenanceError) -> CommitResult {
        try await TableCommitter(catalog: catalog).commit(
            to: table,
            confirm: { () async throws(MaintenanceError) in
                try MaintenanceError.checkCancellation()
                try await context.confirmLease(NativeEngineSettings.commitReserve)
            },
            under: CommitGuard(files: context.commitFiles, isOpen: context.commitGuard.isOpen),
            plan: plan)
    }
}

extension RunContext {
    /// Why a job ends whose commit was refused: a guard that has closed refuses every commit, and
    /// so does a cancelled task.
    func error(of refusal: CommitRefusal) -> MaintenanceError {
        if !commitGuard.isOpen() { return .fenceLost }
        return Task.isCancelled ? .cancelled : MaintenanceError(refusal)
    }

    /// Metadata files are in the journal from before they are written until they are the table's,
    /// or are gone.
    var commitFiles: CommitFiles {
        CommitFiles(
            willWrite: { [journal] (location, table) async throws(CommitRefusal) in
                let file = JournalledFile(path: location.rawValue, kind: .metadataFile)
                do throws(MaintenanceError) {
                    try await journal.plan([file], tableUUID: table.journalKey)
                } catch {
                    throw .unavailable(reason: "the journal took no note of \(location): \(error)")
                }
            },
            isSettled: { [journal] location in
                do throws(MaintenanceError) {
                    try await journal.close(paths: [location.rawValue])
                } catch {
                    // It stays open, and the next replay finds it reachable or gone.
                }
            })
    }

    /// The error of a commit that may be in the table: the journal is told, so that nothing is ever
    /// removed on its word (P-30).
    func commitUnknown(_ reason: String) async -> MaintenanceError {
        do throws(MaintenanceError) {
            try await journal.markUnknown()
            return .commitUnknown(reason: reason)
        } catch {
            // Whoever hears of this error tells the journal once more (`JobRunner`).
            return .commitUnknown(reason: "\(reason); the journal could not be told: \(error)")
        }
    }
}
