// SPDX-License-Identifier: Apache-2.0

import GRDB
public import Jobs
public import WireFormat

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension SQLiteStore {
    public func claim(
        by worker: WorkerID, attempt: AttemptID, lease: Duration
    ) async throws(JobStoreError) -> ClaimedJob? {
        // Workers poll: one that finds nothing must not take the write lock from those who work.
        let isWorthAWrite = try await read { transaction in
            try transaction.first(Statement.selectOldestWaiting, ["now": transaction.now]) != nil
        }
        guard isWorthAWrite else { return nil }
        return try await write { transaction in
            while let oldest = try transaction.first(
                Statement.selectOldestWaiting, ["now": transaction.now])
            {
                let claim = Claim(jobID: try oldest.jobID("job_id"), attemptID: attempt)
                try transaction.take(claim, by: worker, lease: lease)
                transaction.signals.append(.jobChanged(claim.jobID))
                do {
                    return ClaimedJob(claim: claim, job: try transaction.storedJob(claim.jobID))
                } catch JobStoreError.corrupt(let reason) {
                    // It must not keep those behind it from being claimed.
                    try transaction.finish(
                        claim, as: .failed, error: JobMessages.unreadable(reason), lock: .release)
                }
            }
            return nil
        }
    }

    public func renew(
        _ claim: Claim, lease: Duration, progress: JobProgress?
    ) async throws(JobStoreError) {
        try await write { transaction in
            let expires = transaction.later(by: lease)
            try transaction.fenced(Statement.renewQueueRow, claim, ["expires": expires])
            try transaction.fenced(Statement.renewLock, claim, ["expires": expires])
            guard let progress else { return }
            let stored = progress.stored(at: Timestamp(microseconds: transaction.now)).text()
            try transaction.fenced(Statement.setProgress, claim, ["progress": stored])
            transaction.signals.append(.jobChanged(claim.jobID))
        }
    }

    public func record(_ result: ActionResult, under claim: Claim) async throws(JobStoreError) {
        try await write { transaction in
            try transaction.fenced(
                Statement.upsertResult, claim, transaction.arguments(of: result))
            transaction.signals.append(.jobChanged(claim.jobID))
        }
    }

    public func setEngine(
        _ engine: String, reason: String, under claim: Claim
    ) async throws(JobStoreError) {
        try await write { transaction in
            try transaction.fenced(
                Statement.setEngine, claim, ["engine": engine, "reason": reason])
            transaction.signals.append(.jobChanged(claim.jobID))
        }
    }

    public func setEngineState(
        _ state: JSONValue?, under claim: Claim
    ) async throws(JobStoreError) {
        try await write { transaction in
            try transaction.fenced(Statement.setEngineState, claim, ["state": state?.text()])
        }
    }
}

extension Transaction {
    /// Gives a waiting job to an attempt.
    func take(_ claim: Claim, by worker: WorkerID, lease: Duration) throws {
        let expires = later(by: lease)
        try fenced(
            Statement.claimQueueRow, claim,
            ["now": now, "worker": worker.rawValue, "expires": expires])
        try fenced(Statement.claimJob, claim, ["now": now])
        let locked = try execute(
            Statement.claimLock,
            [
                "job": claim.jobID.rawValue, "attempt": claim.attemptID.rawValue,
                "now": now, "expires": expires,
            ])
        guard locked == 1 else {
            throw JobStoreError.corrupt(
                reason: "the table lock of job \(claim.jobID) is held by another job: "
                    + "remove the row of table_locks that names a job which is over")
        }
    }

    /// Runs a statement whose predicate names job and attempt; no row is no fence.
    func fenced(
        _ sql: String, _ claim: Claim,
        _ arguments: [String: (any DatabaseValueConvertible)?] = [:]
    ) throws {
        var all = arguments
        all["job"] = claim.jobID.rawValue
        all["attempt"] = claim.attemptID.rawValue
        guard try execute(sql, StatementArguments(all)) > 0 else { throw JobStoreError.fenced }
    }

    func arguments(of result: ActionResult) -> [String: (any DatabaseValueConvertible)?] {
        [
            "action": result.action, "success": result.isSuccess ? 1 : 0,
            "message": result.message, "impact": result.impact, "error": result.error,
            "metrics": JSONValue.object(result.metrics).text(), "plan": result.plan?.text(),
            "engine": result.engine, "engineReason": result.engineReason,
            "elapsed": result.elapsedSeconds, "now": now,
        ]
    }
}
