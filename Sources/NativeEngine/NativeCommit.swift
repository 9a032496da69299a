// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergTable
import Maintenance

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
            under: context.commitGuard, plan: plan)
    }
}

extension RunContext {
    /// Why a job ends whose commit was refused: a guard that has closed refuses every commit, and
    /// so does a cancelled task.
    func error(of refusal: CommitRefusal) -> MaintenanceError {
        if !commitGuard.isOpen() { return .fenceLost }
        return Task.isCancelled ? .cancelled : MaintenanceError(refusal)
    }

    /// The error of a commit that may be in the table: the journal is told, so that nothing is ever
    /// removed on its word (P-30).
    func commitUnknown(_ reason: String) async -> MaintenanceError {
        do throws(MaintenanceError) {
            try await journal.markUnknown()
            return .commitUnknown(reason: reason)
        } catch {
            // Entries that stay open are safe too: a replay asks the table first.
            return .commitUnknown(reason: "\(reason); the journal could not be told: \(error)")
        }
    }
}
