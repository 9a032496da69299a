// SPDX-License-Identifier: Apache-2.0

package import Jobs
package import WireFormat

extension Job {
    /// The job as the REST contract shows it; the order of the members is the contract's.
    package var json: JSONValue {
        .object(
            JSONObject([
                .init(key: "job_id", value: .string(id.rawValue)),
                .init(key: "database", value: .string(table.database)),
                .init(key: "table_name", value: .string(table.table)),
                .init(key: "actions", value: .array(actions.map(JSONValue.string))),
                .init(key: "dry_run", value: .bool(isDryRun)),
                .init(key: "status", value: .string(status.rawValue)),
                .init(key: "submitted_at", value: .string(submittedAt.description)),
                .init(key: "started_at", value: .optional(startedAt?.description)),
                .init(key: "completed_at", value: .optional(completedAt?.description)),
                .init(key: "results", value: resultsJSON),
                .init(key: "error", value: .optional(error)),
                .init(key: "progress", value: progressJSON),
                .init(key: "attempts", value: .integer(attemptCount)),
                .init(key: "engine", value: .optional(engineShown.engine)),
                .init(key: "engine_reason", value: .optional(engineShown.reason)),
                .init(key: "aftermath", value: aftermath ?? .null),
            ]))
    }

    /// Null until the job is over, and for one that was cancelled before any worker had it.
    private var resultsJSON: JSONValue {
        switch status {
        case .pending, .running: .null
        case .cancelled where attemptCount == 0: .null
        case .completed, .failed, .cancelled: .array(results.map(\.json))
        }
    }

    private var progressJSON: JSONValue {
        switch status {
        case .running: progress?.json ?? .null
        case .pending, .completed, .failed, .cancelled: .null
        }
    }
}

extension JobProgress {
    fileprivate var json: JSONValue {
        .object(
            JSONObject([
                .init(key: "action", value: .string(action)),
                .init(key: "done", value: .integer(done)),
                .init(key: "total", value: total.map { .integer($0) } ?? .null),
                .init(key: "unit", value: .string(unit)),
                .init(key: "bytes_done", value: bytesDone.map { .integer($0) } ?? .null),
                .init(key: "bytes_total", value: bytesTotal.map { .integer($0) } ?? .null),
                .init(key: "updated_at", value: .optional(updatedAt?.description)),
                .init(key: "phase", value: .optional(phase)),
            ]))
    }
}

extension ActionResult {
    /// The result as the REST contract and `icepack maintain --json` show it.
    package var json: JSONValue {
        .object(
            JSONObject([
                .init(key: "action", value: .string(action)),
                .init(key: "success", value: .bool(isSuccess)),
                .init(key: "message", value: .string(message)),
                .init(key: "impact", value: .optional(impact)),
                .init(key: "error", value: .optional(error)),
                .init(key: "elapsed_seconds", value: .double(elapsedSeconds)),
                .init(key: "metrics", value: .object(metrics)),
                .init(key: "engine", value: .optional(engine)),
                .init(key: "engine_reason", value: .optional(engineReason)),
                .init(key: "plan", value: plan ?? .null),
            ]))
    }
}
