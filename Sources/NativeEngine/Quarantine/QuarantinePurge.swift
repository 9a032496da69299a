// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergTable
import Maintenance
import ObjectStorage

/// Removes quarantined files for good, after one more look at everything that the table needs.
///
/// 1. Walk the table: every file of every snapshot, by name.
/// 2. A quarantined file with a needed file's name comes back; no other is needed.
/// 3. Batch by batch: confirm the lease, look for commits since, remove, and record.
///
/// Names are compared and not paths, because a file that is needed under another spelling must not
/// go; one that comes back needlessly is an orphan again and no harm.
struct QuarantinePurge<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let keeping: QuarantineKeeping<Tables, Storage>

    func run(
        _ records: [QuarantineKeeping<Tables, Storage>.Held]
    ) async throws(MaintenanceError) -> QuarantineChange {
        let others = records.flatMap { $0.1.enclosingTables }
        var watched = try await engine.watch(
            keeping.table, and: Set(others), keeping.moves.context.report)
        // Nothing was visited yet, so this visits everything.
        _ = try await watched.refresh()
        var returned = keeping.recovered.returned
        var purged = QuarantineChange()
        for (folder, record) in records {
            var left = record
            (left.fileCount, left.byteCount) = (0, 0)
            for number in try await folder.batchNumbers() {
                guard let batch = try await folder.batch(number) else { continue }
                try await keeping.moves.context.confirmStep()
                _ = try await watched.refresh()
                let current = watched
                let back = QuarantineReturn(folder: folder, moves: keeping.moves)
                let rest = try await back.restore(batch, number, counting: &returned) { file in
                    current.isNeededNow(file.source.location)
                }
                let kept = try await purge(rest, number, in: folder, &purged) { file in
                    current.isNeededNow(file.source.location)
                }
                left.fileCount += kept.files.count
                left.byteCount += kept.byteCount
                keeping.progress("purging files", purged.purgedCount, record.fileCount)
            }
            try await keeping.close(folder, left)
        }
        var change = QuarantineChange(returned)
        change.purgedCount = purged.purgedCount
        change.purgedBytes = purged.purgedBytes
        change.failedCount += purged.failedCount
        change.firstFailure = change.firstFailure ?? purged.firstFailure
        return change
    }

    private func purge(
        _ batch: QuarantineBatch, _ number: Int, in folder: QuarantineFolder<Storage>,
        _ change: inout QuarantineChange, unless isNeeded: (QuarantinedFile) -> Bool
    ) async throws(MaintenanceError) -> QuarantineBatch {
        let going = batch.files.filter { !isNeeded($0) }
        let outcomes = try await keeping.moves.remove(going.map { folder.place(of: $0) })
        var left = QuarantineBatch(state: batch.state, files: batch.files.filter(isNeeded))
        for (file, outcome) in zip(going, outcomes) {
            switch outcome {
            case .removed, .alreadyGone:
                change.purgedCount += 1
                change.purgedBytes += file.source.size
            case .failed(let error):
                change.failedCount += 1
                if change.firstFailure == nil { change.firstFailure = error.description }
                left.files.append(file)
            }
        }
        try await folder.write(left, number)
        return left
    }
}
