// SPDX-License-Identifier: Apache-2.0

public import Jobs
import Postgres
public import WireFormat

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension PostgresStore: JobQueue {
    private static let divisionByZero = "22012"
    /// Jobs that one call fails because they cannot be read, before it gives up.
    private static let maximumUnreadable = 100

    public func claim(
        by worker: WorkerID, attempt: AttemptID, lease: Duration
    ) async throws(JobStoreError) -> ClaimedJob? {
        let statement = PostgresStatement(
            Statement.claim,
            [.prose(worker.rawValue), .text(attempt.rawValue), .microseconds(lease)])
        for _ in 0..<Self.maximumUnreadable {
            guard let row = try await claimed(by: statement) else { return nil }
            do throws(JobStoreError) {
                let job = try row.job()
                sender.send([.jobChanged(job.id)])
                return ClaimedJob(claim: Claim(jobID: job.id, attemptID: attempt), job: job)
            } catch {
                guard case .corrupt(let reason) = error else { throw error }
                // It must not keep those behind it from being claimed.
                try await failUnreadable(row, under: attempt, reason)
            }
        }
        throw .corrupt(
            reason: "\(Self.maximumUnreadable) queued jobs in a row could not be read; each failed")
    }

    private func claimed(by statement: PostgresStatement) async throws(JobStoreError)
        -> PostgresRow?
    {
        do throws(PostgresError) {
            return try await pool.query(statement).first
        } catch {
            if case .server(let refusal) = error, refusal.sqlState == Self.divisionByZero {
                throw .corrupt(
                    reason: "the oldest queued job is not pending, or another job holds the lock "
                        + "of its table: compare job_queue, jobs and table_locks")
            }
            throw JobStoreError(error)
        }
    }

    /// Ends the attempt and the job by what the columns say, whatever that is.
    private func failUnreadable(
        _ row: PostgresRow, under attempt: AttemptID, _ reason: String
    ) async throws(JobStoreError) {
        let job: String
        do throws(PostgresError) { job = try row.decode(0) } catch { throw JobStoreError(error) }
        _ = try await runCounting(
            Statement.finish,
            [
                .text(job), .text(attempt.rawValue), .text(JobStatus.failed.rawValue),
                .prose(JobMessages.unreadable(reason)), .bool(true),
            ])
        if let id = JobID(job) { sender.send([.jobChanged(id)]) }
    }

    public func renew(
        _ claim: Claim, lease: Duration, progress: JobProgress?
    ) async throws(JobStoreError) {
        let parameters = claim.parameters + [.microseconds(lease)]
        guard let progress else { return try await runFenced(Statement.renew, parameters) }
        // The statement puts the database's time in place of this one.
        let stored = progress.stored(at: Timestamp(microseconds: 0))
        try await runFenced(Statement.renewWithProgress, parameters + [.json(stored)])
        sender.send([.jobChanged(claim.jobID)])
    }

    public func record(_ result: ActionResult, under claim: Claim) async throws(JobStoreError) {
        try await runFenced(
            Statement.recordResult,
            claim.parameters + [
                .prose(result.action), .bool(result.isSuccess), .prose(result.message),
                .prose(result.impact), .prose(result.error), .json(.object(result.metrics)),
                .json(result.plan), .prose(result.engine), .prose(result.engineReason),
                .double(result.elapsedSeconds),
            ])
        sender.send([.jobChanged(claim.jobID)])
    }

    public func setEngine(
        _ engine: String, reason: String, under claim: Claim
    ) async throws(JobStoreError) {
        try await runFenced(
            Statement.setEngine, claim.parameters + [.prose(engine), .prose(reason)])
        sender.send([.jobChanged(claim.jobID)])
    }

    public func setEngineState(
        _ state: JSONValue?, under claim: Claim
    ) async throws(JobStoreError) {
        try await runFenced(Statement.setEngineState, claim.parameters + [.json(state)])
    }

    public func settle(_ claim: Claim, as settlement: Settlement) async throws(JobStoreError) {
        let held =
            switch settlement {
            case .completed:
                try await finish(claim, as: .completed, error: nil, lock: .release)
            case .failed(let error, let lock):
                try await finish(claim, as: .failed, error: error, lock: lock)
            case .retry(let error, let delay, let maxAttempts):
                try await runCounting(
                    Statement.retry,
                    claim.parameters + [
                        .prose(error), .microseconds(delay), .int(maxAttempts),
                    ])
            }
        guard !held else {
            sender.send(
                settlement.mayMakeJobsAvailable
                    ? [.jobAvailable, .jobChanged(claim.jobID)] : [.jobChanged(claim.jobID)])
            return
        }
        guard let job = try await job(claim.jobID, visibility: .includingDeleted),
            settlement.isRepeated(by: claim, on: job)
        else { throw .fenced }
    }

    private func finish(
        _ claim: Claim, as status: JobStatus, error: String?, lock: Settlement.LockRelease
    ) async throws(JobStoreError) -> Bool {
        let isReleased =
            switch lock {
            case .release: true
            case .leaveToLease: false
            }
        return try await runCounting(
            Statement.finish,
            claim.parameters + [.text(status.rawValue), .prose(error), .bool(isReleased)])
    }

    public func recordAftermath(
        _ aftermath: JSONValue, underRevoked claim: Claim
    ) async throws(JobStoreError) {
        let isRecorded = try await runCounting(
            Statement.recordAftermath,
            claim.parameters + [.json(aftermath), .bool(Aftermath.saysStopped(aftermath))])
        guard isRecorded else { throw .fenced }
        sender.send([.jobChanged(claim.jobID)])
    }

    public func releaseLock(underRevoked claim: Claim) async throws(JobStoreError) {
        guard try await runCounting(Statement.releaseLock, claim.parameters) else { throw .fenced }
    }
}

extension Settlement {
    /// Whether a worker may find something to do afterwards at once.
    fileprivate var mayMakeJobsAvailable: Bool {
        switch self {
        case .completed, .failed: false
        case .retry(_, let delay, _): delay <= .zero
        }
    }

    /// Whether the job is as this settlement under this claim has left it.
    fileprivate func isRepeated(by claim: Claim, on job: Job) -> Bool {
        guard job.lastAttemptID == claim.attemptID else { return false }
        let isMine = job.attemptID == claim.attemptID
        switch self {
        case .completed: return isMine && job.status == .completed
        case .failed(let error, _):
            return isMine && job.status == .failed && job.error == error.storable
        case .retry(let error, _, _):
            guard job.error == error.storable else { return false }
            return job.status == .pending && job.attemptID == nil
                || isMine && job.status == .failed
        }
    }
}
