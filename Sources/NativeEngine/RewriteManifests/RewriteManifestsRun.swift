// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import WireFormat

/// Writes the manifests of a table's current snapshot again, fewer and of a better size.
///
/// 1. Replay the journal: finish what a crash left behind.
/// 2. Plan on the table as it is.
/// 3. Write new manifests group by group, each named in the journal before it is written, read
///    them back and compare them with what they replace; then the same with the manifest list.
/// 4. Commit the snapshot; on a conflict go back to 2 and keep what is still right.
/// 5. Close the journal's entries: the files belong to the table.
///
/// Only a commit that certainly failed lets the new files be removed; if nobody can tell, the
/// journal is told so, and nothing is ever removed on its word (P-30).
struct RewriteManifestsRun<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let request: ActionRequest
    let context: RunContext

    func run() async throws(MaintenanceError) -> ActionReport {
        let table = try await engine.load(request.table)
        let replayed = try await JournalReplay(engine: engine, context: context).run(on: table)
        let options = RewriteManifestsOptions(request.options)
        var preparation = RewritePreparation(
            engine: engine, options: options, context: context, table: table)
        var prepared: PreparedRewrite?
        let result: CommitResult
        do throws(MaintenanceError) {
            result = try await commit(&preparation, &prepared)
        } catch {
            throw await abandon(&preparation, because: error)
        }
        switch result {
        case .unneeded:
            return RewriteManifestsReport(prepared: nil, options: options, replayed: replayed)
                .report
        case .committed:
            if let prepared { try await close(preparation, prepared) }
            return RewriteManifestsReport(
                prepared: prepared, options: options, replayed: replayed
            ).report
        case .refused(let refusal, _):
            throw await abandon(&preparation, because: context.error(of: refusal))
        case .unknown(let reason):
            throw await context.commitUnknown(reason)
        }
    }

    /// Steps 2 to 4.
    private func commit(
        _ preparation: inout RewritePreparation<Tables, Storage>,
        _ prepared: inout PreparedRewrite?
    ) async throws(MaintenanceError) -> CommitResult {
        try await engine.commit(
            to: request.table,
            in: context,
            plan: { (table) async throws(MaintenanceError) -> CommitProposal? in
                prepared = try await preparation.prepare(table)
                return prepared?.proposal
            })
    }

    /// Step 5.
    private func close(
        _ preparation: RewritePreparation<Tables, Storage>, _ prepared: PreparedRewrite
    ) async throws(MaintenanceError) {
        var outputs = preparation.outputs
        do throws(MaintenanceError) {
            try await outputs.handOver(prepared.written)
        } catch {
            // The table has changed, whatever becomes of the job: that must be told. A replay
            // finds the files reached and closes their entries.
            let commit = EngineAftermath.Commit(
                snapshotID: prepared.snapshot.id, operation: "replace",
                committedAt: Timestamp(
                    milliseconds: prepared.snapshot.timestampMilliseconds))
            context.tracking.note(
                EngineAftermath(
                    state: .stopped, commits: [commit],
                    note: "the manifests were rewritten before the job stopped"))
            throw error
        }
    }

    /// Removes the new files after a failure that is certain, as far as the lease allows; what
    /// stays is in the journal, for the next run on the table.
    private func abandon(
        _ preparation: inout RewritePreparation<Tables, Storage>, because error: MaintenanceError
    ) async -> MaintenanceError {
        var cleanUpError: MaintenanceError?
        switch error {
        case .fenceLost, .cancelled, .commitUnknown, .stillRunning: break
        case .refused, .unavailable, .conflict, .unreadable:
            do throws(MaintenanceError) {
                try await preparation.removeOutputs()
            } catch let failure {
                cleanUpError = failure
            }
        }
        let left = preparation.outputs.files.map(\.path)
        if !left.isEmpty {
            let cause = cleanUpError.map { ": \($0)" } ?? ""
            context.tracking.note(
                EngineAftermath(
                    state: .stopped, filesLeftBehind: left,
                    note: "nothing was committed; the next job on the table removes the files "
                        + "that were written\(cause)"))
        }
        return error
    }
}
