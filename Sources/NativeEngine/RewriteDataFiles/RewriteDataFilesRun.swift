// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// Makes few files of a good size of a table's data files, and leaves out deleted rows.
///
/// 1. Replay the journal: finish what a crash left behind.
/// 2. Plan on the table as it is; leave groups that are not rewritten here, each with a reason.
/// 3. Group by group: apply the deletes, write new files, each named in the journal before it is
///    written, read them back and compare them with the old ones.
/// 4. Commit; groups that another writer got in the way of are dropped, and the others go on. With
///    the last commit go the deletes that are dangling then, where that is asked.
/// 5. Close the journal's entries: the files belong to the table.
///
/// Only a commit that certainly failed lets new files be removed; if nobody can tell, the journal
/// is told so, and nothing is ever removed on its word (P-30).
struct RewriteDataFilesRun<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let request: ActionRequest
    let context: RunContext

    func run() async throws(MaintenanceError) -> ActionReport {
        let table = try await engine.load(request.table)
        let replayed = try await JournalReplay(engine: engine, context: context).run(on: table)
        let planned = try await RewriteDataFilesSource(engine: engine)
            .plan(table, request.options)
        var tally = RewriteTally()
        tally.refused = planned.refused
        if let snapshot = planned.snapshot, planned.hasWork {
            var work = RewriteDataFilesWork(
                engine: engine, options: RewriteDataFilesOptions(request.options),
                context: context, planned: planned, starting: snapshot)
            do throws(MaintenanceError) {
                try await work.run()
            } catch {
                throw await work.commits.abandon(because: error)
            }
            tally = work.commits.tally
        }
        if tally.commits.isEmpty, let error = tally.failure { throw error }
        return RewriteDataFilesReport(
            tally: tally, replayed: replayed, plan: planned.plan
        ).report
    }
}
