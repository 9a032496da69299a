// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// Finishes what earlier attempts on a table began: removes the files that they journalled and
/// that the table does not reach, and closes the entries of all others.
///
/// Nothing of an entry is believed but its path: reachability is worked out again from the table's
/// current metadata. An entry whose file could not be removed stays open for the next time. Notes
/// (``ExpiryNote``) are read and closed.
struct JournalReplay<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let context: RunContext

    /// An entry, and its path's number among the candidates.
    private struct Entry {
        let id: Int64
        let index: Int
    }

    /// Whose entries are replayed.
    enum Author {
        case thisJob
        case otherJobs
        case anyJob

        func wrote(_ entry: OpenJournalledFile) -> Bool {
            switch self {
            case .thisJob: entry.isOwn
            case .otherJobs: !entry.isOwn
            case .anyJob: true
            }
        }
    }

    /// What was found.
    private struct Findings {
        var entries: [Entry] = []
        var notes: [Int64] = []
        /// How many snapshots this job's commit before the crash expired.
        var expiredSnapshots = 0
    }

    /// Replays all of the table's open entries.
    func run(on table: LoadedTable) async throws(MaintenanceError) -> RemovalCounts {
        try await run(on: table, of: .anyJob).counts
    }

    /// Replays the table's open entries of some jobs, and says how many snapshots an earlier
    /// attempt of this job had expired.
    func run(
        on table: LoadedTable, of author: Author
    ) async throws(MaintenanceError) -> (counts: RemovalCounts, expiredSnapshots: Int) {
        var candidates = CandidateFiles(limit: engine.settings.memoryBytes)
        let findings = try await openEntries(of: table, by: author, into: &candidates)
        let counts = try await replay(findings.entries, candidates, on: table)
        try await close(findings.notes)
        return (counts, findings.expiredSnapshots)
    }

    private func replay(
        _ entries: [Entry], _ candidates: CandidateFiles, on table: LoadedTable
    ) async throws(MaintenanceError) -> RemovalCounts {
        var counts = RemovalCounts()
        var candidates = candidates
        guard !entries.isEmpty else { return counts }
        // With `gc.enabled` off, what the table does not reach may belong to another (P-15).
        if ExpireSnapshotsPlanner.removesFiles(table.metadata.properties) {
            let walk = engine.walk(context.report)
            var files = UnreachableFiles(unchecked: candidates)
            do throws(ReachabilityError) {
                try await walk.strike(
                    reachedBy: table.metadata, at: table.metadataLocation, from: &files)
            } catch {
                throw MaintenanceError(error)
            }
            files.candidates.strike(outside: engine.settings.allowedPrefixes)
            try await remove(&files.candidates, &counts)
            candidates = files.candidates
        } else {
            candidates.strikeAll()
        }
        try await close(entries.filter { !candidates.isLeft(at: $0.index) }.map(\.id))
        return counts
    }

    private func openEntries(
        of table: LoadedTable, by author: Author, into candidates: inout CandidateFiles
    ) async throws(MaintenanceError) -> Findings {
        var findings = Findings()
        var last: Int64 = .min
        while true {
            try MaintenanceError.checkCancellation()
            let page = try await context.journal.openEntries(
                tableUUID: table.journalKey, after: last, limit: NativeEngineSettings.batchSize)
            for entry in page {
                last = entry.id
                guard author.wrote(entry) else { continue }
                guard entry.kind != ExpiryNote.kind else {
                    findings.notes.append(entry.id)
                    if entry.isOwn, let note = ExpiryNote(path: entry.path),
                        note.isCommitted(in: table.metadata)
                    {
                        findings.expiredSnapshots += note.count
                    }
                    continue
                }
                do throws(PathSetFull) {
                    // A kind that this version does not know may be anything a manifest lists.
                    let kind = FileKind(rawValue: entry.kind) ?? .dataFile
                    let index = try candidates.insert(entry.path, kind: kind)
                    findings.entries.append(Entry(id: entry.id, index: index))
                } catch {
                    throw MaintenanceError(
                        .memory(limit: engine.settings.memoryBytes, paths: error.count))
                }
            }
            if page.count < NativeEngineSettings.batchSize { return findings }
        }
    }

    /// Removes the candidates, and strikes out those that are gone.
    private func remove(
        _ candidates: inout CandidateFiles, _ counts: inout RemovalCounts
    ) async throws(MaintenanceError) {
        let removal = FileRemoval(
            storage: engine.storage, width: engine.settings.removalWidth, context: context)
        let unreachable = candidates
        var done = 0
        for kind in FileKind.removalOrder {
            try await unreachable.forEachBatch(of: kind, size: NativeEngineSettings.batchSize) {
                (paths) throws(MaintenanceError) in
                let outcomes = try await removal.remove(paths)
                for path in counts.count(outcomes, of: paths, kind: kind) {
                    candidates.strike(path)
                }
                done += paths.count
                context.report(
                    ActionProgress(
                        phase: "removing files of an earlier attempt", done: Int64(done),
                        total: Int64(unreachable.count), unit: "files"))
            }
        }
    }

    private func close(_ ids: [Int64]) async throws(MaintenanceError) {
        for start in stride(from: 0, to: ids.count, by: NativeEngineSettings.batchSize) {
            let end = min(start + NativeEngineSettings.batchSize, ids.count)
            try await context.journal.closeReplayed(Array(ids[start..<end]))
        }
    }
}

extension LoadedTable {
    /// What the journal knows the table by.
    ///
    /// Tables of format version 1 may lack a uuid; their
    /// location then stands in, which is safe because a replay believes nothing but paths.
    var journalKey: String { metadata.tableUUID ?? "location:\(metadata.location)" }
}

extension FileKind {
    /// Files that rows are in come first and those that name them last, so that whatever a crash
    /// leaves behind can still be found through what is left.
    static let removalOrder: [FileKind] = [
        .dataFile, .positionDeleteFile, .equalityDeleteFile, .manifest, .manifestList,
        .statisticsFile, .metadataFile,
    ]
}

extension NativeEngine {
    /// A walk over tables' files that reports its progress.
    func walk(
        _ report: @escaping @Sendable (ActionProgress) -> Void
    ) -> ReachabilityWalk<Storage> {
        ReachabilityWalk(storage: storage, limits: settings.reachabilityLimits) {
            phase, done, total in
            report(
                ActionProgress(
                    phase: phase, done: Int64(done), total: Int64(total), unit: "files"))
        }
    }
}
