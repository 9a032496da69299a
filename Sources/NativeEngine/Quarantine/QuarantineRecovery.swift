// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergTable
import Maintenance
import ObjectStorage

/// Finishes what a job that was broken off left in quarantine.
///
/// 1. Settle its batches. They are done one after the other, so only the last can be open:
///    - planned: every source is where it was, so its copies go and the batch was never there;
///    - copied: a source that is still there stays, and its copy goes; the others were moved.
/// 2. Do what the job did not come to: look at the table once more, and bring back whatever it
///    needs. Where the table cannot be read everything comes back, because what it lacks may be
///    the very file that was moved.
/// 3. Record the job as over; one of which something needed could not come back stays open.
///
/// Made under the table's lock: no other job is at work below the roots.
struct QuarantineRecovery<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let table: LoadedTable
    let moves: FileMoves<Storage>
    var matching = PathMatching()

    /// Finishes every job that was broken off.
    func run() async throws(MaintenanceError) -> RecoveryCounts {
        var counts = RecoveryCounts()
        for root in TableRoots(table.metadata, matching).roots {
            let ids = try await QuarantineFolder.jobIDs(below: root.location, in: engine.storage)
            for id in ids {
                let folder = QuarantineFolder(
                    root: root.location, jobID: id, storage: engine.storage)
                guard let job = try await folder.job(), job.state == .moving else { continue }
                try await moves.context.confirmStep()
                try await finish(job, in: folder, &counts.returned)
                counts.jobs.insert(id)
            }
        }
        return counts
    }

    private func finish(
        _ record: QuarantineJob, in folder: QuarantineFolder<Storage>,
        _ returned: inout ReturnCounts
    ) async throws(MaintenanceError) {
        var job = record
        (job.fileCount, job.byteCount) = (0, 0)
        let numbers = try await folder.batchNumbers()
        for number in numbers {
            guard var batch = try await folder.batch(number) else { continue }
            if batch.state != .moved {
                batch = try await settle(batch, in: folder)
                try await folder.write(batch, number)
            }
            job.fileCount += batch.files.count
        }
        guard job.fileCount > 0 else { return try await folder.removeJob() }
        let isNeeded = try await needed(job)
        let back = QuarantineReturn(folder: folder, moves: moves)
        var own = ReturnCounts()
        job.fileCount = 0
        for number in numbers {
            guard let batch = try await folder.batch(number) else { continue }
            let left = try await back.restore(batch, number, counting: &own) {
                isNeeded($0.source.location)
            }
            job.fileCount += left.files.count
            job.byteCount += left.byteCount
        }
        returned.add(own)
        guard job.fileCount > 0 else { return try await folder.removeJob() }
        job.state = own.failed == 0 ? .held : .moving
        try await folder.write(job)
    }

    /// Tells what the table, and those whose folders lie around its own, need now.
    private func needed(
        _ job: QuarantineJob
    ) async throws(MaintenanceError) -> (Location) -> Bool {
        var watched = try await engine.watch(
            table, and: job.enclosingTables, moves.context.report)
        do throws(MaintenanceError) {
            // Nothing was visited yet, so this visits everything.
            _ = try await watched.refresh()
        } catch {
            guard case .unreadable = error else { throw error }
            return { _ in true }
        }
        let current = watched
        return { current.isNeededNow($0) }
    }

    private func settle(
        _ batch: QuarantineBatch, in folder: QuarantineFolder<Storage>
    ) async throws(MaintenanceError) -> QuarantineBatch {
        var settled = QuarantineBatch(state: .moved, files: [])
        var needless: [Location] = []
        for file in batch.files {
            do throws(StorageError) {
                if try await engine.storage.stat(file.source.location) != nil {
                    needless.append(folder.place(of: file))
                } else if try await engine.storage.stat(folder.place(of: file)) != nil {
                    settled.files.append(file)
                }
            } catch {
                throw MaintenanceError(error)
            }
        }
        for outcome in try await moves.remove(needless) {
            if case .failed(let error) = outcome { throw MaintenanceError(error) }
        }
        return settled
    }
}

/// What was done for jobs that had been broken off.
struct RecoveryCounts: Sendable {
    /// The jobs.
    var jobs: Set<String> = []
    /// The files that a table needed.
    var returned = ReturnCounts()
}

extension NativeEngine {
    /// A table and others, of which nothing was visited yet; one that is no more needs nothing.
    func watch(
        _ table: LoadedTable, and others: some Sequence<TableIdentifier>,
        _ report: @escaping @Sendable (ActionProgress) -> Void
    ) async throws(MaintenanceError) -> WatchedTables<Tables, Storage> {
        var tables = [table]
        for identifier in others where identifier != table.identifier {
            do throws(CatalogError) {
                tables.append(try await catalog.loadTable(identifier))
            } catch {
                if case .noSuchTable = error { continue }
                throw MaintenanceError(error)
            }
        }
        return WatchedTables(tables, in: catalog, with: walk(report))
    }
}
