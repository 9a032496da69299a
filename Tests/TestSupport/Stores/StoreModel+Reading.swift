// SPDX-License-Identifier: Apache-2.0

import Jobs
import WireFormat

/// Listings, history, the journal and the cache.
extension StoreModel {
    func jobs(matching query: JobQuery) -> [Job] {
        let listed = entries.values.map(\.job).filter { job in
            (query.table ?? job.table) == job.table
                && (query.status ?? job.status) == job.status
                && (query.visibility == .includingDeleted || job.deletedAt == nil)
                && isAfter(query.after, job)
        }
        return Array(listed.sorted(by: Self.isNewer).prefix(query.boundedLimit))
    }

    private static func isNewer(_ left: Job, _ right: Job) -> Bool {
        (left.submittedAt, left.id.rawValue) > (right.submittedAt, right.id.rawValue)
    }

    private func isAfter(_ position: JobQuery.Position?, _ job: Job) -> Bool {
        guard let position else { return true }
        return (job.submittedAt, job.id.rawValue)
            < (position.submittedAt, position.jobID.rawValue)
    }

    mutating func purge(olderThan age: Duration) -> Int {
        let limit = now.advanced(by: .zero - age)
        let open = Set(journal.filter { $0.state == .planned }.map(\.jobID))
        let old = entries.values.map(\.job).filter { job in
            guard job.status.isTerminal, let completedAt = job.completedAt else { return false }
            let isHeld = job.engineState != nil && locks[job.table]?.holder == job.id
            return completedAt < limit && !open.contains(job.id) && !isHeld
        }
        for job in old {
            entries[job.id] = nil
            journal.removeAll { $0.jobID == job.id }
        }
        return old.count
    }

    var queueDepth: Int {
        queue.count { $0.attemptID == nil && $0.visibleAt <= now }
    }

    // MARK: The journal

    mutating func append(
        _ files: [FileJournalEntry], tableUUID: String, under claim: Claim
    ) throws(JobStoreError) {
        _ = try held(claim)
        for file in files {
            let row = journal.firstIndex {
                $0.jobID == claim.jobID && $0.entry.path == file.path
            }
            if let row {
                if journal[row].state == .done { journal[row].state = .planned }
            } else {
                journal.append(
                    JournalRow(
                        id: (journal.last?.id ?? 0) + 1, jobID: claim.jobID,
                        tableUUID: tableUUID, entry: file, state: .planned))
            }
        }
    }

    mutating func setJournal(
        _ state: JournalState, under claim: Claim, where matches: (JournalRow) -> Bool
    ) throws(JobStoreError) {
        _ = try held(claim)
        setJournal(state, where: matches)
    }

    mutating func setJournal(_ state: JournalState, where matches: (JournalRow) -> Bool) {
        for row in journal.indices where journal[row].state == .planned && matches(journal[row]) {
            journal[row].state = state
        }
    }

    func openEntries(
        tableUUID: String, for reader: JobID, after id: Int64, limit: Int
    ) -> [OpenFileJournalEntry] {
        let table = job(reader)?.table
        let open = journal.filter {
            $0.tableUUID == tableUUID && $0.state == .planned && $0.id > id
                && job($0.jobID)?.table == table
        }
        return open.prefix(min(max(limit, 0), OpenFileJournalEntry.maximumPage)).map {
            OpenFileJournalEntry(id: $0.id, jobID: $0.jobID, entry: $0.entry)
        }
    }

    // MARK: The cache

    mutating func replaceCache(_ tables: [CachedTable]) {
        cache = tables.sorted {
            ($0.name.database, $0.name.table) < ($1.name.database, $1.name.table)
        }
        cacheSyncedAt = now
    }
}
