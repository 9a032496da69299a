// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
import IcebergSpec
import IcebergTable
public import Maintenance
import ObjectStorage
import Synchronization
import WireFormat

extension NativeEngine: QuarantineKeeper {
    /// What is held of a table, by job.
    public func quarantine(
        of table: TableIdentifier
    ) async throws(MaintenanceError) -> [QuarantineHold] {
        let loaded = try await load(table)
        return try await held(of: loaded).map { _, job in
            QuarantineHold(
                jobID: job.jobID, root: job.root.rawValue, fileCount: job.fileCount,
                byteCount: job.byteCount,
                movedAt: Timestamp(milliseconds: job.startedMilliseconds),
                isUnfinished: job.state == .moving)
        }
    }

    /// Brings back every file of a job.
    public func restore(
        _ table: TableIdentifier, job: String, in context: RunContext
    ) async throws(MaintenanceError) -> QuarantineChange {
        let keeping = try await keeping(table, context)
        var counts = keeping.recovered.returned
        let records: [QuarantineKeeping<Tables, Storage>.Held]
        do throws(MaintenanceError) { records = try await keeping.records(.job(job)) } catch {
            // It was broken off, and all of it was needed and is back.
            guard keeping.recovered.jobs.contains(job),
                case .refused(QuarantineCode.noSuchJob, _) = error
            else { throw error }
            records = []
        }
        for (folder, record) in records {
            try await keeping.restore(folder, record, counting: &counts)
        }
        return QuarantineChange(counts)
    }

    /// Removes files for good; those that the table needs by now come back instead.
    public func purge(
        _ table: TableIdentifier, _ selection: QuarantineSelection, in context: RunContext
    ) async throws(MaintenanceError) -> QuarantineChange {
        let keeping = try await keeping(table, context)
        let records = try await keeping.records(selection)
        guard !records.isEmpty else { return QuarantineChange(keeping.recovered.returned) }
        return try await QuarantinePurge(engine: self, keeping: keeping).run(records)
    }

    private func keeping(
        _ identifier: TableIdentifier, _ context: RunContext
    ) async throws(MaintenanceError) -> QuarantineKeeping<Tables, Storage> {
        let table = try await load(identifier)
        let moves = FileMoves(
            storage: storage, width: settings.removalWidth, context: context)
        let recovered = try await QuarantineRecovery(
            engine: self, table: table, moves: moves
        ).run()
        return QuarantineKeeping(engine: self, table: table, moves: moves, recovered: recovered)
    }

    /// Every record below the table's folders.
    func held(
        of table: LoadedTable
    ) async throws(MaintenanceError) -> [(QuarantineFolder<Storage>, QuarantineJob)] {
        var held: [(QuarantineFolder<Storage>, QuarantineJob)] = []
        for root in TableRoots(table.metadata, PathMatching()).roots {
            let ids = try await QuarantineFolder.jobIDs(below: root.location, in: storage)
            for id in ids {
                let folder = QuarantineFolder(root: root.location, jobID: id, storage: storage)
                if let job = try await folder.job() { held.append((folder, job)) }
            }
        }
        return held
    }
}

extension QuarantineChange {
    init(_ counts: ReturnCounts) {
        self.init()
        restoredCount = counts.restored
        restoredBytes = counts.restoredBytes
        failedCount = counts.failed
        firstFailure = counts.firstFailure
    }
}

/// A table whose quarantine is being changed, under its lock.
struct QuarantineKeeping<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let table: LoadedTable
    let moves: FileMoves<Storage>
    /// What was done first for jobs that had been broken off.
    let recovered: RecoveryCounts

    typealias Held = (QuarantineFolder<Storage>, QuarantineJob)

    /// The records that are meant.
    func records(_ selection: QuarantineSelection) async throws(MaintenanceError) -> [Held] {
        let records = try await engine.held(of: table).filter { _, job in
            switch selection {
            case .job(let id): job.jobID == id
            case .all: true
            case .movedBefore(let time): job.startedMilliseconds < time.milliseconds
            }
        }
        if records.isEmpty, case .job(let id) = selection {
            throw .refused(
                code: QuarantineCode.noSuchJob,
                reason: "nothing of \(table.identifier) is in quarantine from the job \(id)")
        }
        if let other = records.first(where: { $0.1.tableKey != table.journalKey }) {
            throw .refused(
                code: "quarantine_of_another_table",
                reason: "what the job \(other.1.jobID) moved was of another table "
                    + "(\(other.1.tableKey)), which had the same folder")
        }
        return records
    }

    /// Brings back what a record names.
    func restore(
        _ folder: QuarantineFolder<Storage>, _ record: QuarantineJob,
        counting counts: inout ReturnCounts
    ) async throws(MaintenanceError) {
        let back = QuarantineReturn(folder: folder, moves: moves)
        var left = record
        (left.fileCount, left.byteCount) = (0, 0)
        for number in try await folder.batchNumbers() {
            guard let batch = try await folder.batch(number) else { continue }
            let rest = try await back.restore(batch, number, counting: &counts) { _ in true }
            left.fileCount += rest.files.count
            left.byteCount += rest.byteCount
            progress("restoring files", counts.restored, record.fileCount)
        }
        try await close(folder, left)
    }

    /// Writes a record as it is now; one of nothing goes.
    func close(
        _ folder: QuarantineFolder<Storage>, _ record: QuarantineJob
    ) async throws(MaintenanceError) {
        if record.fileCount == 0 {
            try await folder.removeJob()
        } else {
            try await folder.write(record)
        }
    }

    func progress(_ phase: String, _ done: Int, _ total: Int) {
        moves.context.report(
            ActionProgress(
                phase: phase, done: Int64(done), total: Int64(total), unit: "files"))
    }
}
