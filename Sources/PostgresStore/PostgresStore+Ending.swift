// SPDX-License-Identifier: Apache-2.0

public import Jobs
import Postgres

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension PostgresStore {
    /// Looks at a job that changed between the attempt to end it and the look at why it failed.
    private static let maximumLooks = 10

    public func cancel(_ job: JobID) async throws(JobStoreError) -> CancelOutcome {
        for _ in 0..<Self.maximumLooks {
            let results = try await run([
                PostgresStatement(
                    Statement.cancel, [.text(job.rawValue), .text(JobMessages.cancelled)]),
                PostgresStatement(Statement.job, [.text(job.rawValue)], effect: .reads),
            ])
            guard let count = results.first, let row = results.last?.first else {
                return .notFound
            }
            let current = try row.job()
            if Self.isCounted(count) {
                sender.send([.jobCancelled(job), .jobChanged(job)])
                return .cancelled(current)
            }
            if current.deletedAt != nil { return .notFound }
            if current.status.isTerminal { return .alreadyTerminal(current) }
            try await refuseUnqueued(current)
        }
        throw .unavailable(reason: "the job changed too often to be cancelled")
    }

    /// A job that is not over has a queue row; one without could never be cancelled or claimed.
    private func refuseUnqueued(_ job: Job) async throws(JobStoreError) {
        let queued = try await run(
            "SELECT count(*) FROM job_queue q JOIN jobs j USING (job_id) WHERE j.job_id = $1",
            [.text(job.id.rawValue)], effect: .reads)
        if Self.isCounted(queued) { return }
        guard let now = try await self.job(job.id, visibility: .normal), !now.status.isTerminal
        else { return }
        throw .corrupt(reason: "job \(job.id) is \(now.status.rawValue) without a queue row")
    }

    public func softDelete(_ job: JobID) async throws(JobStoreError) -> DeleteOutcome {
        for _ in 0..<Self.maximumLooks {
            let results = try await run([
                PostgresStatement(Statement.softDelete, [.text(job.rawValue)]),
                PostgresStatement(Statement.job, [.text(job.rawValue)], effect: .reads),
            ])
            guard let change = results.first, let row = results.last?.first else {
                return .notFound
            }
            if change.affectedRows > 0 {
                sender.send([.jobChanged(job)])
                return .deleted
            }
            let current = try row.job()
            if current.deletedAt != nil { return .notFound }
            if !current.status.isTerminal { return .active(current) }
        }
        throw .unavailable(reason: "the job changed too often to be deleted")
    }
}
