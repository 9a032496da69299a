// SPDX-License-Identifier: Apache-2.0

import GRDB
public import Jobs
import WireFormat

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension SQLiteStore {
    public func job(
        _ id: JobID, visibility: JobVisibility
    ) async throws(JobStoreError) -> Job? {
        try await read { transaction in
            guard let job = try transaction.job(id) else { return nil }
            return visibility == .includingDeleted || job.deletedAt == nil ? job : nil
        }
    }

    public func jobs(matching query: JobQuery) async throws(JobStoreError) -> [Job] {
        try await read { transaction in
            var conditions: [String] = []
            var arguments: [String: (any DatabaseValueConvertible)?] = [
                "limit": query.boundedLimit
            ]
            if let table = query.table {
                conditions.append("database_name = :database AND table_name = :table")
                arguments["database"] = table.database
                arguments["table"] = table.table
            }
            if let status = query.status {
                conditions.append("status = :status")
                arguments["status"] = status.rawValue
            }
            if query.visibility == .normal { conditions.append("deleted_at IS NULL") }
            if let after = query.after {
                conditions.append("(submitted_at, job_id) < (:submitted, :job)")
                arguments["submitted"] = after.submittedAt.microseconds
                arguments["job"] = after.jobID.rawValue
            }
            let rows = try transaction.all(
                Statement.selectJobs(where: conditions), StatementArguments(arguments))
            return try transaction.jobs(from: rows)
        }
    }

    public func purgeHistory(olderThan age: Duration) async throws(JobStoreError) -> Int {
        try await write { transaction in
            let limit: StatementArguments = ["limit": transaction.now - age.microseconds]
            let statements = [
                Statement.purgeJobs, Statement.purgeStatusSnapshots,
                Statement.purgeHealthSnapshots, Statement.purgeRuns,
            ]
            return try statements.reduce(0) { try $0 + transaction.execute($1, limit) }
        }
    }

    public func queueDepth() async throws(JobStoreError) -> Int {
        try await read { transaction in
            let row = try transaction.first(
                Statement.selectQueueDepth, ["now": transaction.now])
            return try row?.value("COUNT(*)") ?? 0
        }
    }
}

extension Transaction {
    /// The job with its results, deleted or not.
    func job(_ id: JobID) throws -> Job? {
        guard let row = try first(Statement.selectJob, ["job": id.rawValue]) else { return nil }
        return try jobs(from: [row]).first
    }

    /// A job that this transaction has just written.
    func storedJob(_ id: JobID) throws -> Job {
        guard let job = try job(id) else {
            throw JobStoreError.corrupt(reason: "job \(id) vanished while it was written")
        }
        return job
    }

    /// Jobs of rows, in their order, with their results.
    func jobs(from rows: [StoredRow]) throws -> [Job] {
        let ids = try rows.map { JSONValue.string(try $0.value("job_id")) }
        var results: [String: [ActionResult]] = [:]
        for row in try all(Statement.selectResults, ["jobs": JSONValue.array(ids).text()]) {
            let action = try row.actionRow()
            results[action.jobID, default: []].append(try action.result())
        }
        return try rows.map { row in
            let job = try row.jobRow()
            return try job.job(results: results[job.jobID] ?? [])
        }
    }
}

extension StoredRow {
    fileprivate func jobRow() throws -> JobRow {
        let actions = try json("actions").arrayValue?.compactMap(\.stringValue)
        guard let actions else {
            throw JobStoreError.corrupt(reason: "column actions is no list")
        }
        var job = JobRow(
            jobID: try value("job_id"), database: try value("database_name"),
            table: try value("table_name"), actions: actions,
            isDryRun: try value("dry_run", as: Int.self) == 1, status: try value("status"),
            submittedAt: try value("submitted_at"), attemptCount: try value("attempt_count"))
        job.options = try optional("options")
        job.startedAt = try optional("started_at")
        job.completedAt = try optional("completed_at")
        job.error = try optional("error")
        job.progress = try optional("progress")
        job.engine = try optional("engine")
        job.engineReason = try optional("engine_reason")
        job.attemptID = try optional("attempt_id")
        job.lastAttemptID = try optional("last_attempt_id")
        job.deletedAt = try optional("deleted_at")
        job.engineState = try optional("engine_state")
        job.aftermath = try optional("aftermath")
        return job
    }

    fileprivate func actionRow() throws -> ActionRow {
        var action = ActionRow(
            jobID: try value("job_id"), action: try value("action"),
            isSuccess: try value("success", as: Int.self) == 1, message: try value("message"),
            elapsedSeconds: try value("elapsed_seconds"))
        action.impact = try optional("impact")
        action.error = try optional("error")
        action.metrics = try optional("metrics")
        action.engine = try optional("engine")
        action.engineReason = try optional("engine_reason")
        action.plan = try optional("plan")
        return action
    }
}
