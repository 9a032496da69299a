// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import SortedRuns
import WireFormat

/// Finds the orphans of a table and moves them away, or removes them.
///
/// 1. Finish what an earlier job, or an earlier attempt of this one, left half moved.
/// 2. Scan.
/// 3. Batch by batch: confirm the lease, look whether the table changed, leave out what a commit
///    may have taken up, and move or remove the rest.
/// 4. Look once more; what was committed meanwhile comes back at once.
///
/// A crash anywhere leaves every file whole; 1 of the next run finishes.
struct RemoveOrphanFilesRun<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let request: ActionRequest
    let context: RunContext
    /// What another engine found; nil to list the table's folders.
    let candidates: [Location]?
    let began = ContinuousClock.now

    private var options: RemoveOrphanFilesOptions { RemoveOrphanFilesOptions(request.options) }

    init(
        engine: NativeEngine<Tables, Storage>, request: ActionRequest, context: RunContext,
        candidates: [Location]? = nil
    ) {
        self.candidates = candidates
        self.engine = engine
        self.request = request
        self.context = context
    }

    func run() async throws(MaintenanceError) -> ActionReport {
        let recovered = options.isDryRun ? RecoveryCounts() : try await recover()
        var findings = try await OrphanScan(
            engine: engine, options: options, identifier: request.table, now: request.now,
            candidates: candidates, report: context.report
        ).run()
        var outcome = RemovalOutcomeOfOrphans(mode: options.mode, recovered: recovered)
        if !options.isDryRun, findings.orphanCount > 0 {
            do throws(MaintenanceError) {
                try await act(on: &findings, &outcome)
            } catch {
                note(outcome)
                throw error
            }
        }
        return RemoveOrphanFilesReport(
            findings: findings, outcome: outcome, isDryRun: options.isDryRun
        ).report
    }

    private var moves: FileMoves<Storage> {
        let width = min(
            options.maxConcurrentDeletes ?? engine.settings.removalWidth,
            NativeEngineSettings.maxRemovalWidth)
        return FileMoves(storage: engine.storage, width: width, context: context)
    }

    /// Step 1.
    private func recover() async throws(MaintenanceError) -> RecoveryCounts {
        try await QuarantineRecovery(
            engine: engine, table: try await engine.load(request.table), moves: moves,
            matching: PathMatching(
                equalSchemes: options.equalSchemes, equalAuthorities: options.equalAuthorities)
        ).run()
    }

    /// What was done stays done, and must be told however the job ends.
    private func note(_ outcome: RemovalOutcomeOfOrphans) {
        guard outcome.goneCount > 0 else { return }
        context.tracking.note(
            EngineAftermath(
                state: .stopped,
                note: "\(outcome.sentence) before it stopped; the next orphan removal on the table "
                    + "goes on"))
    }
}

// MARK: Moving and removing

extension RemoveOrphanFilesRun {
    /// Steps 3 and 4.
    private func act(
        on findings: inout OrphanFindings<Tables, Storage>,
        _ outcome: inout RemovalOutcomeOfOrphans
    ) async throws(MaintenanceError) {
        try await context.confirmStep()
        var holders: [Location: QuarantineMove<Storage>] = [:]
        do throws(MaintenanceError) {
            try await act(on: &findings, &holders, &outcome)
        } catch {
            if case .unreadable = error { await undo(&holders, &outcome) }
            throw error
        }
    }

    /// Brings back everything: a table that can no longer be read may lack what was just moved.
    ///
    /// What cannot come back now, the next job on the table brings: the record stays open.
    private func undo(
        _ holders: inout [Location: QuarantineMove<Storage>],
        _ outcome: inout RemovalOutcomeOfOrphans
    ) async {
        for root in holders.keys.sorted() {
            guard var holder = holders[root] else { continue }
            do throws(MaintenanceError) {
                outcome.restored += try await holder.bringBack { _ in true }
                try await holder.finish()
            } catch {
                outcome.fail("\(error)")
            }
            holders[root] = holder
        }
        outcome.take(holders.values.map(\.counts))
    }

    private func act(
        on findings: inout OrphanFindings<Tables, Storage>,
        _ holders: inout [Location: QuarantineMove<Storage>],
        _ outcome: inout RemovalOutcomeOfOrphans
    ) async throws(MaintenanceError) {
        let lag = try await openHolders(&holders, findings)
        var batch = OrphanBatch()
        var done: Int64 = 0
        while let file = try next(findings.orphans) {
            guard findings.ground.age.isOldEnough(file.info.modifiedMilliseconds, clockLag: lag)
            else {
                outcome.tooYoung += 1
                continue
            }
            batch.add(file, at: try place(of: file, findings))
            guard batch.count == NativeEngineSettings.moveBatchSize else { continue }
            try await act(on: &batch, &findings, &holders, &outcome)
            done += Int64(NativeEngineSettings.moveBatchSize)
            progress(done, of: findings)
        }
        try await act(on: &batch, &findings, &holders, &outcome)
        try await finish(&holders, &findings, &outcome)
    }

    private func progress(_ done: Int64, of findings: OrphanFindings<Tables, Storage>) {
        let phase = options.mode == .quarantine ? "moving files" : "removing files"
        context.report(
            ActionProgress(
                phase: phase, done: done, total: Int64(findings.orphanCount), unit: "files"))
    }

    private func next(_ orphans: SortedRecords) throws(MaintenanceError) -> FoundFile? {
        do throws(SortedRunsError) {
            guard try orphans.advance() else { return nil }
            return orphans.withCurrent { _, value in FoundFile(decoding: value) }
        } catch {
            throw MaintenanceError(error)
        }
    }

    /// The table's folder that a file is in, and its path below.
    private func place(
        of file: FoundFile, _ findings: OrphanFindings<Tables, Storage>
    ) throws(MaintenanceError) -> (root: Location, relative: String) {
        let key = findings.matching.key(of: file.info.location.rawValue)
        guard let root = findings.ground.roots.roots.first(where: { $0.contains(key) }) else {
            throw .unreadable(reason: "\(file.info.location) is in none of the table's folders")
        }
        return (
            root.location,
            String(decoding: key.dropFirst(root.key.count + 1), as: UTF8.self)
        )
    }

    /// Makes the job's record below every root that is looked through, and compares clocks by it.
    ///
    /// - Returns: how far the store's clock is behind ours, in milliseconds.
    private func openHolders(
        _ holders: inout [Location: QuarantineMove<Storage>],
        _ findings: OrphanFindings<Tables, Storage>
    ) async throws(MaintenanceError) -> Int64 {
        var lag: Int64 = 0
        for scanned in findings.ground.scanned {
            guard let root = findings.ground.roots.home(of: scanned) else { continue }
            let folder = QuarantineFolder(
                root: root.location, jobID: context.attempt.jobID, storage: engine.storage)
            // Held since an earlier attempt of this job.
            let held = try await folder.job()
            let last = try await folder.batchNumbers().last ?? 0
            let before = now
            let job = QuarantineJob(
                jobID: context.attempt.jobID, tableKey: findings.table.journalKey,
                root: root.location, startedMilliseconds: before,
                enclosingTables: findings.ground.enclosing, fileCount: held?.fileCount ?? 0,
                byteCount: held?.byteCount ?? 0)
            let written = try await folder.write(job)
            holders[root.location] = QuarantineMove(
                folder: folder, moves: moves, job: job, after: last)
            guard let written else { continue }
            let difference = before - written
            let limit = NativeEngineSettings.maxClockDifference.components.seconds * 1000
            guard abs(difference) <= limit else {
                if let held { try await folder.write(held) } else { try await folder.removeJob() }
                throw MaintenanceError(OrphanRefusal.clocks(milliseconds: difference))
            }
            lag = max(lag, difference)
        }
        return lag
    }

    /// The time now, from the time that the request counts from.
    private var now: Int64 {
        request.now.advanced(by: began.duration(to: .now)).milliseconds
    }

    private func act(
        on batch: inout OrphanBatch, _ findings: inout OrphanFindings<Tables, Storage>,
        _ holders: inout [Location: QuarantineMove<Storage>],
        _ outcome: inout RemovalOutcomeOfOrphans
    ) async throws(MaintenanceError) {
        defer { batch = OrphanBatch() }
        guard batch.count > 0 else { return }
        try await context.confirmStep()
        _ = try await findings.watched.refresh()
        let watched = findings.watched
        outcome.takenUp += batch.strike { watched.isNeededNow($0) }
        if options.inventory != nil || candidates != nil {
            outcome.alreadyGone += try await lookAgain(at: &batch, findings.ground.age)
        }
        switch options.mode {
        case .quarantine:
            for (root, files) in batch.byRoot {
                guard var holder = holders[root] else { continue }
                do throws(MaintenanceError) {
                    try await holder.move(files)
                } catch {
                    holders[root] = holder
                    outcome.take(holders.values.map(\.counts))
                    throw error
                }
                holders[root] = holder
            }
            outcome.take(holders.values.map(\.counts))
        case .delete:
            try await remove(batch.files.map(\.source), &outcome)
        }
    }

    /// What others say of a file may be old: the store is asked before anything goes.
    private func lookAgain(
        at batch: inout OrphanBatch, _ age: OrphanAge
    ) async throws(MaintenanceError) -> Int {
        var gone = 0
        var current: [Location: ObjectInfo] = [:]
        for file in batch.files {
            let location = file.source.location
            do throws(StorageError) {
                current[location] = try await engine.storage.stat(location)
            } catch {
                throw MaintenanceError(error)
            }
            if current[location] == nil { gone += 1 }
        }
        batch.update { info in
            guard let now = current[info.location], age.isOldEnough(now.modifiedMilliseconds)
            else { return nil }
            return now
        }
        return gone
    }

    private func remove(
        _ files: [ObjectInfo], _ outcome: inout RemovalOutcomeOfOrphans
    ) async throws(MaintenanceError) {
        let outcomes = try await moves.remove(files.map(\.location))
        var sample = NativeEngineSettings.verifiedRemovals
        for (file, result) in zip(files, outcomes) {
            switch result {
            case .alreadyGone: outcome.alreadyGone += 1
            case .failed(let error): outcome.fail(error.description)
            case .removed:
                // Some stores say that they removed what they keep (P-12).
                if sample > 0 {
                    sample -= 1
                    if try await isThere(file.location) {
                        outcome.fail("\(file.location) is there after it was removed")
                        continue
                    }
                }
                outcome.removed += 1
                outcome.removedBytes += file.size
            }
        }
    }

    private func isThere(_ location: Location) async throws(MaintenanceError) -> Bool {
        do throws(StorageError) { return try await engine.storage.stat(location) != nil } catch {
            throw MaintenanceError(error)
        }
    }

    /// Step 4, and the job's records.
    private func finish(
        _ holders: inout [Location: QuarantineMove<Storage>],
        _ findings: inout OrphanFindings<Tables, Storage>,
        _ outcome: inout RemovalOutcomeOfOrphans
    ) async throws(MaintenanceError) {
        let isChanged = try await findings.watched.refresh() > 0
        for root in holders.keys.sorted() {
            guard var holder = holders[root] else { continue }
            if isChanged, holder.counts.moved > 0 {
                let watched = findings.watched
                outcome.restored += try await holder.bringBack { file in
                    watched.isNeededNow(file.source.location)
                }
            }
            try await holder.finish()
            holders[root] = holder
        }
        outcome.take(holders.values.map(\.counts))
    }
}

/// Orphans that go together.
struct OrphanBatch {
    private(set) var byRoot: [Location: [QuarantinedFile]] = [:]

    var files: [QuarantinedFile] { byRoot.values.flatMap { $0 } }
    private(set) var count = 0

    mutating func add(_ file: FoundFile, at place: (root: Location, relative: String)) {
        byRoot[place.root, default: []].append(
            QuarantinedFile(source: file.info, relativePath: place.relative))
        count += 1
    }

    /// Takes files out; returns how many.
    mutating func strike(where isNeeded: (Location) -> Bool) -> Int {
        let before = count
        update { isNeeded($0.location) ? nil : $0 }
        return before - count
    }

    /// Replaces what is known of each file; nil takes it out.
    mutating func update(_ body: (ObjectInfo) -> ObjectInfo?) {
        byRoot = byRoot.mapValues { files in
            files.compactMap { file in
                body(file.source).map {
                    QuarantinedFile(source: $0, relativePath: file.relativePath)
                }
            }
        }
        count = byRoot.values.reduce(0) { $0 + $1.count }
    }
}
