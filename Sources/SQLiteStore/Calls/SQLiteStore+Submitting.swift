// SPDX-License-Identifier: Apache-2.0

import GRDB
public import Jobs
import WireFormat

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension SQLiteStore {
    public func submit(
        _ submission: JobSubmission
    ) async throws(JobStoreError) -> SubmissionOutcome {
        try await write { transaction in
            let outcome = try transaction.submit(submission)
            guard case .accepted = outcome else { return outcome }
            transaction.signals += [.jobAvailable, .jobChanged(submission.jobID)]
            return outcome
        }
    }

    public func submitClaimed(
        _ submission: JobSubmission, by worker: WorkerID, attempt: AttemptID, lease: Duration
    ) async throws(JobStoreError) -> SubmissionOutcome {
        try await write { transaction in
            let outcome = try transaction.submit(submission)
            guard case .accepted = outcome else { return outcome }
            let claim = Claim(jobID: submission.jobID, attemptID: attempt)
            try transaction.take(claim, by: worker, lease: lease)
            transaction.signals.append(.jobChanged(submission.jobID))
            return .accepted(try transaction.storedJob(submission.jobID))
        }
    }

    public func recordDryRun(
        _ submission: JobSubmission, results: [ActionResult]
    ) async throws(JobStoreError) -> SubmissionOutcome {
        precondition(submission.isDryRun, "only a dry run is recorded without a worker")
        return try await write { transaction in
            if let earlier = try transaction.earlier(submission) { return earlier }
            try transaction.insert(submission, as: .completed)
            for result in results {
                var arguments = transaction.arguments(of: result)
                arguments["job"] = submission.jobID.rawValue.databaseValue
                try transaction.execute(Statement.insertResult, StatementArguments(arguments))
            }
            transaction.signals.append(.jobChanged(submission.jobID))
            return .accepted(try transaction.storedJob(submission.jobID))
        }
    }
}

extension Transaction {
    /// Takes the lock and inserts the job and its queue row, unless something is in the way.
    func submit(_ submission: JobSubmission) throws -> SubmissionOutcome {
        precondition(!submission.isDryRun, "a dry run is recorded, never queued")
        if let earlier = try earlier(submission) { return earlier }
        if let holder = try holder(of: submission.table) { return .locked(by: holder) }
        try insert(submission, as: .pending)
        let job = submission.jobID.rawValue
        try execute(Statement.insertQueueRow, ["job": job, "now": now])
        try execute(
            Statement.takeLock,
            [
                "database": submission.table.database, "table": submission.table.table,
                "job": job, "now": now, "expires": later(by: submission.lockLease),
            ])
        return .accepted(try storedJob(submission.jobID))
    }

    /// The job that this submission repeats or collides with by id or key.
    func earlier(_ submission: JobSubmission) throws -> SubmissionOutcome? {
        if let same = try job(submission.jobID) { return .repeated(same) }
        guard let wanted = submission.idempotency else { return nil }
        let since = now - JobSubmission.Idempotency.window.microseconds
        guard
            let row = try first(Statement.selectJobByKey, ["key": wanted.key, "since": since])
        else { return nil }
        guard try row.value("request_digest", as: String.self) == wanted.digest else {
            return .idempotencyMismatch(first: try row.jobID("job_id"))
        }
        return .repeated(try jobs(from: [row])[0])
    }

    /// Who keeps the table from being taken: a live job, a lease that has not passed, or an engine
    /// that may still work for a job that is over.
    private func holder(of table: TableName) throws -> JobID? {
        let name: StatementArguments = ["database": table.database, "table": table.table]
        if let live = try first(Statement.selectLiveJob, name) {
            return try live.jobID("job_id")
        }
        guard let lock = try first(Statement.selectLock, name),
            try lock.value("expires_at", as: Int64.self) > now
                || lock.value("is_held", as: Int.self) == 1
        else { return nil }
        return try lock.jobID("holder")
    }

    func insert(_ submission: JobSubmission, as status: JobStatus) throws {
        let actions = JSONValue.array(submission.actions.map(JSONValue.string))
        try execute(
            Statement.insertJob,
            [
                "job": submission.jobID.rawValue, "database": submission.table.database,
                "table": submission.table.table, "actions": actions.text(),
                "dryRun": submission.isDryRun ? 1 : 0,
                "options": submission.options.isNull ? nil : submission.options.text(),
                "status": status.rawValue, "now": now,
                "ended": status.isTerminal ? now : nil,
                "key": submission.idempotency?.key, "digest": submission.idempotency?.digest,
            ])
    }
}
