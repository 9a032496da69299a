// SPDX-License-Identifier: Apache-2.0

import Jobs
import WireFormat

/// How attempts and jobs end.
extension StoreModel {
    mutating func settle(_ claim: Claim, as settlement: Settlement) throws(JobStoreError) {
        guard let job = try? held(claim) else {
            guard let job = job(claim.jobID), isSettled(job, by: claim, as: settlement) else {
                throw .fenced
            }
            return
        }
        switch settlement {
        case .completed:
            finish(job, under: claim, as: .completed, error: nil, lock: .release)
        case .failed(let error, let lock):
            finish(job, under: claim, as: .failed, error: error, lock: lock)
        case .retry(let error, _, let limit) where job.attemptCount >= limit:
            finish(job, under: claim, as: .failed, error: error, lock: .release)
        case .retry(let error, let delay, _):
            requeue(job, visibleAt: now.advanced(by: delay), error: error)
            locks[job.table]?.expiresAt = now
        }
    }

    private func isSettled(_ job: Job, by claim: Claim, as settlement: Settlement) -> Bool {
        guard job.lastAttemptID == claim.attemptID else { return false }
        let isMine = job.attemptID == claim.attemptID
        switch settlement {
        case .completed:
            return isMine && job.status == .completed
        case .failed(let error, _):
            return isMine && job.status == .failed && job.error == error
        case .retry(let error, _, _):
            guard job.error == error else { return false }
            return job.status == .pending && job.attemptID == nil
                || isMine && job.status == .failed
        }
    }

    private mutating func finish(
        _ job: Job, under claim: Claim, as status: JobStatus, error: String?,
        lock: Settlement.LockRelease
    ) {
        update(job.id) { job, now in
            job.status = status
            job.error = error
            job.completedAt = now
            job.lastAttemptID = claim.attemptID
            if status == .completed { job.engineState = nil }
        }
        queue.removeAll { $0.jobID == job.id }
        switch lock {
        case .release where isHeld(job.id):
            locks[job.table]?.expiresAt = now
        case .release: release(job, heldBy: claim.attemptID)
        case .leaveToLease: break
        }
    }

    private mutating func requeue(_ job: Job, visibleAt: Timestamp, error: String?) {
        update(job.id) { job, _ in
            job.status = .pending
            job.error = error
            job.lastAttemptID = job.attemptID
            job.attemptID = nil
        }
        for row in queue.indices where queue[row].jobID == job.id {
            queue[row].claimedBy = nil
            queue[row].attemptID = nil
            queue[row].visibleAt = visibleAt
        }
        locks[job.table]?.attemptID = nil
    }

    private mutating func release(_ job: Job, heldBy attempt: AttemptID?) {
        guard let lock = locks[job.table], lock.holder == job.id, lock.attemptID == attempt else {
            return
        }
        locks[job.table] = nil
    }

    // MARK: With a fence that is no longer current

    mutating func recordAftermath(
        _ aftermath: JSONValue, underRevoked claim: Claim
    ) throws(JobStoreError) {
        let job = try revoked(claim)
        let isStopped = Aftermath.saysStopped(aftermath)
        update(claim.jobID) { job, _ in
            job.aftermath = aftermath
            if isStopped { job.engineState = nil }
        }
        if isStopped, job.status.isTerminal, locks[job.table]?.holder == job.id {
            locks[job.table] = nil
        }
    }

    mutating func releaseLock(underRevoked claim: Claim) throws(JobStoreError) {
        let job = try revoked(claim)
        guard job.status.isTerminal else { throw .fenced }
        if !isHeld(job.id) { release(job, heldBy: claim.attemptID) }
    }

    private func revoked(_ claim: Claim) throws(JobStoreError) -> Job {
        guard let job = job(claim.jobID), job.lastAttemptID == claim.attemptID,
            job.attemptID == nil || job.attemptID == claim.attemptID
        else { throw .fenced }
        return job
    }

    // MARK: Cancelling and deleting

    mutating func cancel(_ id: JobID) -> CancelOutcome {
        guard let job = job(id), job.deletedAt == nil else { return .notFound }
        guard !job.status.isTerminal else { return .alreadyTerminal(job) }
        update(id) { job, now in
            job.status = .cancelled
            job.error = JobMessages.cancelled
            job.completedAt = now
            job.lastAttemptID = job.attemptID ?? job.lastAttemptID
            job.attemptID = nil
        }
        queue.removeAll { $0.jobID == id }
        if job.attemptCount == 0 { release(job, heldBy: nil) }
        signals.append(.jobCancelled(id))
        return self.job(id).map { .cancelled($0) } ?? .notFound
    }

    mutating func softDelete(_ id: JobID) -> DeleteOutcome {
        guard let job = job(id), job.deletedAt == nil else { return .notFound }
        guard job.status.isTerminal else { return .active(job) }
        update(id) { job, now in job.deletedAt = now }
        return .deleted
    }

    // MARK: Sweeping

    mutating func sweep(_ policy: SweepPolicy) -> SweepReport {
        var report = SweepReport()
        let lapsed = queue.filter { $0.attemptID != nil && $0.visibleAt <= now }
            .sorted { $0.visibleAt < $1.visibleAt }
        for row in lapsed.prefix(policy.batchLimit) {
            guard let job = job(row.jobID) else { continue }
            signals.append(.jobCancelled(job.id))
            if job.attemptCount < policy.maxAttempts {
                let delay = policy.delay(afterAttempts: job.attemptCount)
                requeue(job, visibleAt: now.advanced(by: delay), error: nil)
                report.requeued.append(job.id)
            } else {
                abandon(job)
                report.abandoned.append(job.id)
            }
        }
        report.givenUpHolds = giveUpHolds(atMost: policy.batchLimit)
        let dead = locks.filter { _, lock in
            lock.expiresAt <= now && (job(lock.holder)?.status.isTerminal ?? true)
                && !isHeld(lock.holder)
        }
        for table in dead.keys.prefix(policy.batchLimit) {
            locks[table] = nil
            report.releasedLocks += 1
        }
        return report
    }

    private mutating func abandon(_ job: Job) {
        update(job.id) { job, now in
            job.status = .failed
            job.error = SweepPolicy.abandonment(attempts: job.attemptCount)
            job.completedAt = now
            job.lastAttemptID = job.attemptID
            job.attemptID = nil
        }
        queue.removeAll { $0.jobID == job.id }
    }

    // MARK: Engine holds

    /// Whether the job, being over, keeps its table for an engine.
    func isHeld(_ id: JobID) -> Bool { job(id).map { $0.engineState != nil } ?? false }

    /// The holds whose lease has passed, the longest past first.
    private var lapsedHolds: [(job: Job, expiresAt: Timestamp)] {
        locks.values.filter { $0.expiresAt <= now }.compactMap { lock in
            guard let job = job(lock.holder), job.status.isTerminal, job.engineState != nil else {
                return nil
            }
            return (job, lock.expiresAt)
        }.sorted { $0.expiresAt < $1.expiresAt }
    }

    func engineHolds(limit: Int) -> [EngineHold] {
        lapsedHolds.prefix(EngineHold.bounded(limit)).compactMap { hold in
            hold.job.lastAttemptID.map { attempt in
                EngineHold(
                    claim: Claim(jobID: hold.job.id, attemptID: attempt), table: hold.job.table,
                    state: hold.job.engineState ?? .null, aftermath: hold.job.aftermath)
            }
        }
    }

    private mutating func giveUpHolds(atMost limit: Int) -> [JobID] {
        let latest = now.advanced(by: .zero - SweepPolicy.engineHoldLimit)
        let old = lapsedHolds.filter { $0.expiresAt < latest }.prefix(limit).map(\.job)
        for job in old {
            update(job.id) { job, _ in
                job.engineState = nil
                job.aftermath = Aftermath.givingUp(after: job.aftermath)
            }
            audit.append(SweepPolicy.givenUpEvent(job.id, on: job.table))
        }
        return old.map(\.id)
    }
}
