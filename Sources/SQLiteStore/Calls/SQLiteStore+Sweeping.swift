// SPDX-License-Identifier: Apache-2.0

import GRDB
public import Jobs
import WireFormat

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension SQLiteStore {
    public func sweep(_ policy: SweepPolicy) async throws(JobStoreError) -> SweepReport {
        try await write { transaction in
            var report = SweepReport()
            let lapsed = try transaction.all(
                Statement.selectLapsed, ["now": transaction.now, "limit": policy.batchLimit])
            for row in lapsed {
                let claim = Claim(
                    jobID: try row.jobID("job_id"), attemptID: try row.attemptID("attempt_id"))
                let attempts: Int = try row.value("attempt_count")
                if attempts < policy.maxAttempts {
                    let delay = policy.delay(afterAttempts: attempts)
                    try transaction.requeue(claim, after: delay, error: nil, leaseEndsNow: false)
                    report.requeued.append(claim.jobID)
                } else {
                    try transaction.abandon(claim, attempts: attempts)
                    report.abandoned.append(claim.jobID)
                }
                transaction.signals += [.jobCancelled(claim.jobID), .jobChanged(claim.jobID)]
            }
            report.givenUpHolds = try transaction.giveUpHolds(atMost: policy.batchLimit)
            report.releasedLocks = try transaction.execute(
                Statement.deleteDeadLocks, ["now": transaction.now, "limit": policy.batchLimit])
            return report
        }
    }

    public func engineHolds(limit: Int) async throws(JobStoreError) -> [EngineHold] {
        try await read { transaction in
            // A lease has passed at its very end, which `before` is just behind.
            try transaction.holds(
                before: transaction.now + 1, atMost: EngineHold.bounded(limit)
            ).compactMap { try $0.engineHold() }
        }
    }
}

extension Transaction {
    func abandon(_ claim: Claim, attempts: Int) throws {
        try fenced(
            Statement.abandonJob, claim,
            ["error": SweepPolicy.abandonment(attempts: attempts), "now": now])
        try fenced(Statement.deleteQueueRow, claim)
    }

    fileprivate func holds(before: Int64, atMost limit: Int) throws -> [StoredRow] {
        try all(Statement.selectHolds, ["before": before, "limit": limit])
    }

    fileprivate mutating func giveUpHolds(atMost limit: Int) throws -> [JobID] {
        let latest = now - SweepPolicy.engineHoldLimit.microseconds
        var givenUp: [JobID] = []
        for row in try holds(before: latest, atMost: limit) {
            let id = try row.jobID("job_id")
            let aftermath: String? = try row.optional("aftermath")
            let earlier = aftermath.flatMap { try? JSONValue(parsing: $0) }
            try execute(
                Statement.giveUpHold,
                ["job": id.rawValue, "aftermath": Aftermath.givingUp(after: earlier).text()])
            try audit(SweepPolicy.givenUpEvent(id, on: try row.table()))
            signals.append(.jobChanged(id))
            givenUp.append(id)
        }
        return givenUp
    }
}

extension StoredRow {
    /// Nil for a fence that is none: it could not be settled, and must not hide the other holds.
    fileprivate func engineHold() throws -> EngineHold? {
        guard let job = JobID(try value("job_id")),
            let attempt = AttemptID(try optional("last_attempt_id") ?? "")
        else { return nil }
        return EngineHold(
            jobID: job, attemptID: attempt, table: try table(), state: try value("engine_state"),
            aftermath: try optional("aftermath"))
    }

    fileprivate func table() throws -> TableName {
        TableName(database: try value("database_name"), table: try value("table_name"))
    }
}
