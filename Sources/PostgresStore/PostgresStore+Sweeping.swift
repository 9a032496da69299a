// SPDX-License-Identifier: Apache-2.0

public import Jobs
import Postgres
import WireFormat

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension PostgresStore {
    public func sweep(_ policy: SweepPolicy) async throws(JobStoreError) -> SweepReport {
        let limit = PostgresValue.int(max(0, policy.batchLimit))
        let results = try await run([
            PostgresStatement(
                Statement.sweepClaims,
                [
                    .int(policy.maxAttempts), .microseconds(policy.retryDelay),
                    .microseconds(SweepPolicy.longestDelay), limit,
                ]),
            PostgresStatement(
                Statement.sweepHolds,
                [
                    .microseconds(SweepPolicy.engineHoldLimit), .json(Aftermath.givenUp),
                    .text(SweepPolicy.auditActor), .text(SweepPolicy.holdGivenUpEvent),
                    .json(["engine": "engine_unknown"]), limit,
                ]),
            PostgresStatement(Statement.sweepLocks, [limit]),
        ])
        guard results.count == 3 else { throw .corrupt(reason: "the server returned no result") }
        var report = SweepReport(releasedLocks: results[2].affectedRows)
        do throws(PostgresError) {
            for row in results[0] {
                guard let id = try row.jobID(0) else { continue }
                if try row.decode(1) {
                    report.abandoned.append(id)
                } else {
                    report.requeued.append(id)
                }
            }
            for row in results[1] {
                if let id = try row.jobID(0) { report.givenUpHolds.append(id) }
            }
        } catch {
            throw JobStoreError(error)
        }
        sender.send(
            (report.requeued + report.abandoned).flatMap { [.jobCancelled($0), .jobChanged($0)] }
                + report.givenUpHolds.map { .jobChanged($0) })
        return report
    }

    public func engineHolds(limit: Int) async throws(JobStoreError) -> [EngineHold] {
        let rows = try await run(
            Statement.engineHolds, [.int(EngineHold.bounded(limit))], effect: .reads)
        do throws(PostgresError) {
            var holds: [EngineHold] = []
            for row in rows {
                if let hold = try row.engineHold() { holds.append(hold) }
            }
            return holds
        } catch {
            throw JobStoreError(error)
        }
    }
}

extension PostgresRow {
    /// Nil for a fence that is none: it could not be settled, and must not hide the other holds.
    fileprivate func engineHold() throws(PostgresError) -> EngineHold? {
        guard let job = JobID(try decode(0, as: String.self)),
            let attempt = AttemptID(try decodeIfPresent(1, as: String.self) ?? "")
        else { return nil }
        return EngineHold(
            jobID: job, attemptID: attempt,
            table: TableName(database: try decode(2), table: try decode(3)),
            state: try decode(4), aftermath: try decodeIfPresent(5))
    }
}
