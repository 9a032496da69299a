// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// Expires snapshots of a table and removes the files that only they reached.
///
/// 1. Replay the journal: finish what a crash left behind.
/// 2. Plan on the table as it is, find the files that will be unreachable, journal their names.
/// 3. Commit the metadata without the snapshots; on a conflict go back to 2.
/// 4. Read the table back; what it reaches now is struck out (P-21).
/// 5. Remove what is left, batch by batch, and close its journal entries.
///
/// Before every step that changes anything the worker's lease is confirmed. A crash after 3 leaves
/// open journal entries, which 1 of the next run finishes; a crash before leaves entries of files
/// that are still reached, which 1 of the next run closes.
struct ExpireSnapshotsRun<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let request: ActionRequest
    let context: RunContext

    private var options: ExpireSnapshotsOptions { ExpireSnapshotsOptions(request.options) }

    func run() async throws(MaintenanceError) -> ActionReport {
        let table = try await engine.load(request.table)
        let replay = JournalReplay(engine: engine, context: context)
        let earlier = try await replay.run(on: table, of: .thisJob)
        let replayed = try await replay.run(on: table, of: .otherJobs).counts
        let (prepared, result) = try await commit()
        switch result {
        case .unneeded(let current):
            // Another writer expired the same snapshots first, but may have left their files.
            let left =
                prepared?.files == nil
                ? RemovalCounts() : try await replay.run(on: current, of: .anyJob).counts
            return report(of: nil, left, earlier, replayed)
        case .committed:
            let counts = try await removeFiles(of: prepared)
            try await closeNote(of: prepared)
            return report(of: prepared, counts, earlier, replayed)
        case .refused(let refusal, _):
            if Task.isCancelled { throw .cancelled }
            // Nothing was committed; the journal's entries are for the next attempt to close.
            guard context.commitGuard.isOpen() else { throw .fenceLost }
            if let files = prepared?.files { try await close(files.candidates) { _ in false } }
            try await closeNote(of: prepared)
            throw MaintenanceError(refusal)
        case .unknown(let reason):
            throw await context.commitUnknown(reason)
        }
    }

    private func report(
        of prepared: PreparedExpiry?, _ counts: RemovalCounts,
        _ earlier: (counts: RemovalCounts, expiredSnapshots: Int), _ replayed: RemovalCounts
    ) -> ActionReport {
        ExpireSnapshotsReport(
            prepared: prepared, counts: counts, earlier: earlier.counts,
            earlierExpired: earlier.expiredSnapshots, replayed: replayed
        ).report
    }

    /// Steps 2 and 3.
    private func commit() async throws(MaintenanceError) -> (PreparedExpiry?, CommitResult) {
        let preparation = ExpiryPreparation(
            engine: engine, options: options, now: request.now, report: context.report)
        var prepared: PreparedExpiry?
        let result = try await engine.commit(
            to: request.table,
            in: context,
            plan: { (table) async throws(MaintenanceError) -> CommitProposal? in
                let next = try await preparation.prepare(table, after: prepared)
                guard next.hasWork else { return nil }
                try await journal(next, after: prepared)
                prepared = next
                return next.proposal
            })
        return (prepared, result)
    }

    /// Names the files in the journal, and takes back those that an earlier attempt named and
    /// that are needed now.
    private func journal(
        _ next: PreparedExpiry, after earlier: PreparedExpiry?
    ) async throws(MaintenanceError) {
        if let candidates = next.files?.candidates {
            for kind in FileKind.removalOrder {
                try await candidates.forEachBatch(of: kind, size: NativeEngineSettings.batchSize) {
                    (paths) throws(MaintenanceError) in
                    try MaintenanceError.checkCancellation()
                    try await context.confirmLease(NativeEngineSettings.batchReserve)
                    try await context.journal.plan(
                        paths.map { JournalledFile(path: $0, kind: kind) },
                        tableUUID: next.base.journalKey)
                }
            }
        }
        if let note = ExpiryNote(next.plan) {
            try await context.journal.plan([note.entry], tableUUID: next.base.journalKey)
        }
        if let before = earlier, ExpiryNote(before.plan) != ExpiryNote(next.plan) {
            try await closeNote(of: before)
        }
        guard let before = earlier?.files?.candidates else { return }
        try await close(before) { path in next.files?.candidates.contains(path) ?? false }
    }

    /// What the report says need not be remembered.
    private func closeNote(of prepared: PreparedExpiry?) async throws(MaintenanceError) {
        guard let note = prepared.flatMap({ ExpiryNote($0.plan) }) else { return }
        try await context.journal.close(paths: [note.path])
    }

    /// Closes the entries of candidates, but for those that are planned still.
    private func close(
        _ candidates: CandidateFiles, unless isPlanned: (String) -> Bool
    ) async throws(MaintenanceError) {
        for kind in FileKind.removalOrder {
            try await candidates.forEachBatch(of: kind, size: NativeEngineSettings.batchSize) {
                (paths) throws(MaintenanceError) in
                let done = paths.filter { !isPlanned($0) }
                if !done.isEmpty { try await context.journal.close(paths: done) }
            }
        }
    }
}

// MARK: After the commit

extension ExpireSnapshotsRun {
    /// Steps 4 and 5.
    private func removeFiles(
        of prepared: PreparedExpiry?
    ) async throws(MaintenanceError) -> RemovalCounts {
        var counts = RemovalCounts()
        guard let prepared, let planned = prepared.files else { return counts }
        do throws(MaintenanceError) {
            try await removeFiles(of: prepared, planned, counting: &counts)
        } catch {
            // The table has changed, whatever becomes of the job: that must be told.
            let done = ReportWording.expired(
                snapshots: prepared.plan.expiredSnapshotIDs.count, files: counts.removedTotal)
            let left = planned.candidates.count - counts.removedTotal - counts.alreadyGone
            context.tracking.note(
                EngineAftermath(
                    state: .stopped, filesLeftBehindCount: max(0, left),
                    note: "\(done) before it stopped; the next job on the table removes the rest"))
            throw error
        }
        return counts
    }

    private func removeFiles(
        of prepared: PreparedExpiry, _ planned: UnreachableFiles,
        counting counts: inout RemovalCounts
    ) async throws(MaintenanceError) {
        let files = try await recheck(planned, of: prepared)
        let candidates = files.candidates
        // What the table reaches after all is nothing to replay.
        try await close(planned.candidates) { candidates.contains($0) }

        let width = min(
            options.maxConcurrentDeletes ?? engine.settings.removalWidth,
            NativeEngineSettings.maxRemovalWidth)
        let removal = FileRemoval(storage: engine.storage, width: width, context: context)
        var done = 0
        for kind in FileKind.removalOrder {
            try await candidates.forEachBatch(of: kind, size: NativeEngineSettings.batchSize) {
                (paths) throws(MaintenanceError) in
                let outcomes = try await removal.remove(paths)
                let gone = counts.count(outcomes, of: paths, kind: kind)
                if !gone.isEmpty { try await context.journal.close(paths: gone) }
                done += paths.count
                context.report(
                    ActionProgress(
                        phase: "removing files", done: Int64(done),
                        total: Int64(candidates.count), unit: "files"))
            }
        }
    }

    /// Reads the table back and strikes out what it reaches: another writer may have taken up a
    /// file again since the plan was made (P-21).
    private func recheck(
        _ files: UnreachableFiles, of prepared: PreparedExpiry
    ) async throws(MaintenanceError) -> UnreachableFiles {
        let current = try await engine.load(request.table)
        guard current.journalKey == prepared.base.journalKey else {
            throw .unreadable(
                reason: "\(request.table) is another table now; no file was removed")
        }
        let expired = prepared.plan.expiredSnapshotIDs
        if let back = expired.first(where: { current.metadata.snapshot($0) != nil }) {
            throw .unreadable(
                reason: "\(request.table) still shows the snapshot \(back) after it was expired; "
                    + "no file was removed")
        }
        var files = files
        do throws(ReachabilityError) {
            try await engine.walk(context.report).strike(
                reachedBy: current.metadata, at: current.metadataLocation, from: &files)
        } catch {
            throw MaintenanceError(error, sofar: "no file was removed")
        }
        return files
    }
}
