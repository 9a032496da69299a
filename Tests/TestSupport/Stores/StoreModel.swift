// SPDX-License-Identifier: Apache-2.0

import Jobs
import WireFormat

/// What a store holds and how each call changes it, as plain values.
///
/// These are the lifecycle's rules once more, without SQL. Time only moves when it is told to.
struct StoreModel: Sendable {
    struct Entry: Sendable {
        var job: Job
        let idempotency: JobSubmission.Idempotency?
    }

    struct QueueRow: Sendable {
        let jobID: JobID
        let enqueuedAt: Timestamp
        var visibleAt: Timestamp
        var claimedBy: WorkerID?
        var attemptID: AttemptID?
    }

    struct LockRow: Hashable, Sendable {
        var holder: JobID
        var attemptID: AttemptID?
        var expiresAt: Timestamp
    }

    enum JournalState: Sendable {
        case planned, done, unknown
    }

    struct JournalRow: Sendable {
        let id: Int64
        let jobID: JobID
        let tableUUID: String
        let entry: FileJournalEntry
        var state: JournalState
    }

    var now = Timestamp(microseconds: 1_800_000_000_000_000)
    var entries: [JobID: Entry] = [:]
    /// In the order of enqueueing.
    var queue: [QueueRow] = []
    var locks: [TableName: LockRow] = [:]
    var journal: [JournalRow] = []
    var cache: [CachedTable] = []
    var cacheSyncedAt: Timestamp?
    var audit: [AuditEvent] = []
    var runs: [RecordedOrchestratorRun] = []
    /// The oldest first.
    var observations: [RecordedObservation] = []
    var identities: [TableName: (uuid: String, since: Timestamp?)] = [:]
    /// Signals since the shell last took them.
    var signals: [JobSignal] = []

    // MARK: Submitting

    struct FirstClaim {
        let worker: WorkerID
        let attempt: AttemptID
        let lease: Duration
    }

    mutating func submit(_ submission: JobSubmission, claim: FirstClaim?) -> SubmissionOutcome {
        precondition(!submission.isDryRun, "a dry run is recorded, never queued")
        if let outcome = earlier(submission) { return outcome }
        if let live = liveJob(on: submission.table) { return .locked(by: live) }
        if let lock = locks[submission.table], lock.expiresAt > now || isHeld(lock.holder) {
            return .locked(by: lock.holder)
        }
        insert(submission)
        queue.append(QueueRow(jobID: submission.jobID, enqueuedAt: now, visibleAt: now))
        locks[submission.table] = LockRow(
            holder: submission.jobID, expiresAt: now.advanced(by: submission.lockLease))
        if let claim {
            take(queue.count - 1, by: claim.worker, attempt: claim.attempt, lease: claim.lease)
        } else {
            signals.append(.jobAvailable)
        }
        return job(submission.jobID).map { .accepted($0) } ?? .locked(by: submission.jobID)
    }

    mutating func recordDryRun(
        _ submission: JobSubmission, results: [ActionResult]
    ) -> SubmissionOutcome {
        precondition(submission.isDryRun, "only a dry run is recorded without a worker")
        if let outcome = earlier(submission) { return outcome }
        insert(submission)
        update(submission.jobID) { job, now in
            job.status = .completed
            job.startedAt = now
            job.completedAt = now
            job.results = results
        }
        return job(submission.jobID).map { .accepted($0) } ?? .locked(by: submission.jobID)
    }

    private func earlier(_ submission: JobSubmission) -> SubmissionOutcome? {
        if let same = job(submission.jobID) { return .repeated(same) }
        guard let wanted = submission.idempotency else { return nil }
        let since = now.advanced(by: .zero - JobSubmission.Idempotency.window)
        let first = entries.values
            .filter { $0.idempotency?.key == wanted.key && $0.job.submittedAt > since }
            .max { $0.job.submittedAt < $1.job.submittedAt }
        guard let first else { return nil }
        return first.idempotency?.digest == wanted.digest
            ? .repeated(first.job) : .idempotencyMismatch(first: first.job.id)
    }

    private mutating func insert(_ submission: JobSubmission) {
        let job = Job(
            id: submission.jobID, table: submission.table, actions: submission.actions,
            isDryRun: submission.isDryRun, options: submission.options, status: .pending,
            submittedAt: now)
        entries[submission.jobID] = Entry(job: job, idempotency: submission.idempotency)
        signals.append(.jobChanged(submission.jobID))
    }

    func liveJob(on table: TableName) -> JobID? {
        entries.values.first {
            $0.job.table == table && !$0.job.isDryRun && !$0.job.status.isTerminal
        }?.job.id
    }

    // MARK: Claiming

    mutating func claim(
        by worker: WorkerID, attempt: AttemptID, lease: Duration
    ) throws(JobStoreError) -> ClaimedJob? {
        let waiting = queue.indices.filter {
            queue[$0].attemptID == nil && queue[$0].visibleAt <= now
        }
        // The first of equals: the queue is in the order of enqueueing.
        guard let oldest = waiting.min(by: { queue[$0].enqueuedAt < queue[$1].enqueuedAt }) else {
            return nil
        }
        let id = queue[oldest].jobID
        if let job = job(id), let lock = locks[job.table], lock.holder != id {
            throw .corrupt(reason: "the table lock of job \(id) is held by job \(lock.holder)")
        }
        take(oldest, by: worker, attempt: attempt, lease: lease)
        return job(id).map {
            ClaimedJob(claim: Claim(jobID: id, attemptID: attempt), job: $0)
        }
    }

    private mutating func take(
        _ row: Int, by worker: WorkerID, attempt: AttemptID, lease: Duration
    ) {
        queue[row].claimedBy = worker
        queue[row].attemptID = attempt
        queue[row].visibleAt = now.advanced(by: lease)
        let id = queue[row].jobID
        update(id) { job, now in
            job.status = .running
            job.startedAt = job.startedAt ?? now
            job.attemptID = attempt
            job.attemptCount += 1
            job.error = nil
        }
        guard let table = job(id)?.table else { return }
        locks[table] = LockRow(
            holder: id, attemptID: attempt, expiresAt: now.advanced(by: lease))
    }

    // MARK: Under a claim

    mutating func renew(
        _ claim: Claim, lease: Duration, progress: JobProgress?
    ) throws(JobStoreError) {
        let job = try held(claim)
        guard let row = queue.firstIndex(where: { $0.jobID == claim.jobID }),
            var lock = locks[job.table], lock.holder == claim.jobID,
            lock.attemptID == claim.attemptID
        else { throw .fenced }
        queue[row].visibleAt = now.advanced(by: lease)
        lock.expiresAt = now.advanced(by: lease)
        locks[job.table] = lock
        guard var progress else { return }
        progress.updatedAt = now
        update(claim.jobID) { job, _ in job.progress = progress }
    }

    mutating func record(_ result: ActionResult, under claim: Claim) throws(JobStoreError) {
        _ = try held(claim)
        update(claim.jobID) { job, _ in
            if let row = job.results.firstIndex(where: { $0.action == result.action }) {
                job.results[row] = result
            } else {
                job.results.append(result)
            }
        }
    }

    mutating func change(
        under claim: Claim, _ body: (inout Job) -> Void
    ) throws(JobStoreError) {
        _ = try held(claim)
        update(claim.jobID) { job, _ in body(&job) }
    }

    /// The job, if the claim holds it now.
    func held(_ claim: Claim) throws(JobStoreError) -> Job {
        guard let job = job(claim.jobID), job.status == .running,
            job.attemptID == claim.attemptID
        else { throw .fenced }
        return job
    }

    // MARK: Parts

    func job(_ id: JobID) -> Job? { entries[id]?.job }

    mutating func update(_ id: JobID, _ body: (inout Job, Timestamp) -> Void) {
        guard var entry = entries[id] else { return }
        body(&entry.job, now)
        entries[id] = entry
        signals.append(.jobChanged(id))
    }
}

// MARK: What tables looked like

extension StoreModel {
    mutating func firstSeen(_ table: TableName, uuid: String) -> Timestamp? {
        if let known = identities[table], known.uuid == uuid { return known.since }
        let since = identities[table] == nil ? nil : now
        identities[table] = (uuid, since)
        return since
    }

    func newest(_ table: TableName) -> RecordedObservation? {
        observations.filter { $0.observation.table == table }
            .max { $0.observation.collectedAt < $1.observation.collectedAt }
    }

    mutating func record(_ observation: TableObservation) {
        guard let last = newest(observation.table),
            last.observation.metadataLocation == observation.metadataLocation,
            let index = observations.firstIndex(of: last)
        else {
            observations.append(
                RecordedObservation(observation: observation, age: .zero, lastError: nil))
            return
        }
        observations[index] = RecordedObservation(
            observation: TableObservation(
                table: observation.table, metadataLocation: observation.metadataLocation,
                collectedAt: max(last.observation.collectedAt, observation.collectedAt),
                status: observation.status, health: observation.health),
            age: .zero, lastError: nil)
    }
}
