// SPDX-License-Identifier: Apache-2.0

public import Jobs
import Postgres
import WireFormat

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension PostgresStore: JobHistory {
    /// Rows that one statement of a purge removes, so that none runs into its time limit.
    static let purgeBatch = 2_000

    public func job(
        _ id: JobID, visibility: JobVisibility
    ) async throws(JobStoreError) -> Job? {
        let result = try await run(Statement.job, [.text(id.rawValue)], effect: .reads)
        guard let job = try result.first?.job() else { return nil }
        switch visibility {
        case .normal: return job.deletedAt == nil ? job : nil
        case .includingDeleted: return job
        }
    }

    public func jobs(matching query: JobQuery) async throws(JobStoreError) -> [Job] {
        var sql = Statement.jobs
        var parameters: [PostgresValue] = []
        func bind(_ value: PostgresValue) -> String {
            parameters.append(value)
            return "$\(parameters.count)"
        }
        if let table = query.table {
            sql += " AND j.database_name = \(bind(.text(table.database)))"
            sql += " AND j.table_name = \(bind(.text(table.table)))"
        }
        if let status = query.status { sql += " AND j.status = \(bind(.text(status.rawValue)))" }
        switch query.visibility {
        case .normal: sql += " AND j.deleted_at IS NULL"
        case .includingDeleted: break
        }
        if let after = query.after {
            let time = bind(.text(after.submittedAt.description))
            let job = bind(.text(after.jobID.rawValue))
            sql += " AND (j.submitted_at, j.job_id) < (\(time)::timestamptz, \(job))"
        }
        sql += " ORDER BY j.submitted_at DESC, j.job_id DESC"
        sql += " LIMIT \(bind(.int(query.boundedLimit)))::bigint"
        var jobs: [Job] = []
        for row in try await run(sql, parameters, effect: .reads) { jobs.append(try row.job()) }
        return jobs
    }

    public func purgeHistory(olderThan age: Duration) async throws(JobStoreError) -> Int {
        var removed = 0
        for purge in Statement.purges {
            var batch: Int
            repeat {
                batch = try await run(
                    purge, [.microseconds(age), .int(Self.purgeBatch)]
                ).affectedRows
                removed += batch
            } while batch == Self.purgeBatch
        }
        return removed
    }

    public func queueDepth() async throws(JobStoreError) -> Int {
        let result = try await run(Statement.queueDepth, effect: .reads)
        do throws(PostgresError) {
            return try result.first?.decode(0) ?? 0
        } catch {
            throw JobStoreError(error)
        }
    }
}
