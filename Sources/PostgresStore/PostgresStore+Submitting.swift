// SPDX-License-Identifier: Apache-2.0

public import Jobs
import Postgres
import WireFormat

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension PostgresStore {
    /// Snapshots that did not show a transaction under way; each look is a new one.
    private static let maximumLooks = 10

    public func submit(
        _ submission: JobSubmission
    ) async throws(JobStoreError) -> SubmissionOutcome {
        try await submit(submission, claiming: [])
    }

    public func submitClaimed(
        _ submission: JobSubmission, by worker: WorkerID, attempt: AttemptID, lease: Duration
    ) async throws(JobStoreError) -> SubmissionOutcome {
        let claim = PostgresStatement(
            Statement.claimSubmitted,
            [
                .text(submission.jobID.rawValue), .prose(worker.rawValue),
                .text(attempt.rawValue), .microseconds(lease),
            ])
        let outcome = try await submit(submission, claiming: [claim])
        guard case .accepted = outcome else { return outcome }
        guard let job = try await job(submission.jobID, visibility: .includingDeleted) else {
            throw .corrupt(reason: "job \(submission.jobID) is gone as soon as it was stored")
        }
        return .accepted(job)
    }

    private func submit(
        _ submission: JobSubmission, claiming claims: [PostgresStatement]
    ) async throws(JobStoreError) -> SubmissionOutcome {
        precondition(!submission.isDryRun, "a dry run is recorded, never queued")
        var parameters = submission.parameters
        parameters.append(.microseconds(submission.lockLease))
        parameters.append(.microseconds(JobSubmission.Idempotency.window))
        let statements =
            submission.keyLock + [PostgresStatement(Statement.submit, parameters)] + claims
        for _ in 0..<Self.maximumLooks {
            guard let results = try await runUnlessTaken(statements),
                let row = results.dropLast(claims.count).last?.first
            else { continue }
            let (storedAt, options) = try row.acceptance()
            if let storedAt {
                let job = try Job(submission, options: options, at: storedAt)
                sender.send(
                    claims.isEmpty
                        ? [.jobAvailable, .jobChanged(job.id)] : [.jobChanged(job.id)])
                return .accepted(job)
            }
            let (same, first, digest, holder) = try row.refusal(from: 2)
            if let outcome = try await earlier(submission, same, first, digest) { return outcome }
            // Held by itself: the first of two equal submissions has just been committed.
            if let holder, holder != submission.jobID { return .locked(by: holder) }
        }
        throw .unavailable(reason: "the table's lock changed hands too often")
    }

    public func recordDryRun(
        _ submission: JobSubmission, results: [ActionResult]
    ) async throws(JobStoreError) -> SubmissionOutcome {
        precondition(submission.isDryRun, "only a dry run is recorded without a worker")
        var parameters = submission.parameters
        parameters.append(.microseconds(JobSubmission.Idempotency.window))
        parameters.append(.json(.array(results.map(\.row))))
        let statements =
            submission.keyLock + [PostgresStatement(Statement.recordDryRun, parameters)]
        for _ in 0..<Self.maximumLooks {
            guard let row = try await runUnlessTaken(statements)?.last?.first else { continue }
            let (stored, same, first, digest) = try row.dryRun()
            if stored {
                sender.send([.jobChanged(submission.jobID)])
                guard let job = try await job(submission.jobID, visibility: .includingDeleted)
                else { throw .corrupt(reason: "job \(submission.jobID) is gone at once") }
                return .accepted(job)
            }
            if let outcome = try await earlier(submission, same, first, digest) { return outcome }
        }
        throw .unavailable(reason: "the job was purged while it was looked up")
    }

    /// The results; nil if a transaction that the snapshot did not show had stored the job or
    /// another live one for the table, so that it must be looked at again.
    private func runUnlessTaken(
        _ statements: [PostgresStatement]
    ) async throws(JobStoreError) -> [PostgresResult]? {
        do throws(PostgresError) {
            return try await pool.batch(statements)
        } catch {
            guard case .server(let refusal) = error else { throw JobStoreError(error) }
            if refusal.isTransient || refusal.sqlState == SQLState.uniqueViolation { return nil }
            throw JobStoreError(error)
        }
    }

    private func earlier(
        _ submission: JobSubmission, _ same: JobID?, _ first: JobID?, _ digest: String?
    ) async throws(JobStoreError) -> SubmissionOutcome? {
        if same == nil, let first, digest != submission.idempotency?.digest {
            return .idempotencyMismatch(first: first)
        }
        guard let id = same ?? first else { return nil }
        return try await job(id, visibility: .includingDeleted).map { .repeated($0) }
    }
}

extension JobSubmission {
    /// The seven parameters that every kind of submission begins with.
    fileprivate var parameters: [PostgresValue] {
        [
            .text(jobID.rawValue), .text(table.database), .text(table.table), .texts(actions),
            .json(options.isNull ? nil : options), .optional(idempotency?.key),
            .optional(idempotency?.digest),
        ]
    }

    /// What makes submissions with the same key follow each other.
    fileprivate var keyLock: [PostgresStatement] {
        guard let key = idempotency?.key else { return [] }
        return [PostgresStatement(Statement.lockIdempotencyKey, [.text(key)], effect: .reads)]
    }
}

extension Job {
    /// The job as its submission has stored it; the options as the store spells them.
    fileprivate init(
        _ submission: JobSubmission, options: String?, at time: Timestamp
    ) throws(JobStoreError) {
        var stored = JSONValue.null
        if let options {
            do { stored = try JSONValue(parsing: options) } catch {
                throw .corrupt(reason: "jobs.options of job \(submission.jobID) cannot be read")
            }
        }
        self.init(
            id: submission.jobID, table: submission.table, actions: submission.actions,
            isDryRun: false, options: stored, status: .pending, submittedAt: time)
    }
}

extension PostgresRow {
    fileprivate func acceptance() throws(JobStoreError) -> (time: Timestamp?, options: String?) {
        do throws(PostgresError) {
            return (try timestamp(0), try decodeIfPresent(1))
        } catch {
            throw JobStoreError(error)
        }
    }

    fileprivate func refusal(
        from column: Int
    ) throws(JobStoreError) -> (same: JobID?, first: JobID?, digest: String?, holder: JobID?) {
        do throws(PostgresError) {
            return (
                try jobID(column), try jobID(column + 1), try decodeIfPresent(column + 2),
                try jobID(column + 3)
            )
        } catch {
            throw JobStoreError(error)
        }
    }

    fileprivate func dryRun() throws(JobStoreError) -> (
        stored: Bool, same: JobID?, first: JobID?, digest: String?
    ) {
        do throws(PostgresError) {
            return (
                try jobID(0) != nil, try jobID(1), try jobID(2), try decodeIfPresent(3)
            )
        } catch {
            throw JobStoreError(error)
        }
    }

    /// A job's name, or nil for `NULL`.
    func jobID(_ column: Int) throws(PostgresError) -> JobID? {
        guard let text = try decodeIfPresent(column, as: String.self) else { return nil }
        guard let id = JobID(text) else {
            throw .decoding(reason: "column \(column) is no job id")
        }
        return id
    }
}
