// SPDX-License-Identifier: Apache-2.0

import Jobs
import Postgres
import WireFormat

extension PostgresRow {
    /// The columns that `claim.sql`, `job.sql` and `jobs.sql` return, as a job with its results.
    func job() throws(JobStoreError) -> Job {
        let row: JobRow
        let results: String?
        do throws(PostgresError) {
            row = try jobRow()
            results = try decodeIfPresent(20)
        } catch {
            throw JobStoreError(error)
        }
        return try row.job(results: actionResults(results))
    }

    /// A point in time: the connection's `TimeZone` is UTC and its `DateStyle` ISO.
    func timestamp(_ column: Int) throws(PostgresError) -> Timestamp? {
        guard let text = try decodeIfPresent(column, as: String.self) else { return nil }
        guard let time = Timestamp(iso8601: text) else {
            throw .decoding(reason: "column \(column) is no time between the years 1 and 9999")
        }
        return time
    }

    private func jobRow() throws(PostgresError) -> JobRow {
        guard let submittedAt = try timestamp(6) else {
            throw .decoding(reason: "submitted_at is NULL")
        }
        var row = JobRow(
            jobID: try decode(0), database: try decode(1), table: try decode(2),
            actions: try decode(3), isDryRun: try decode(4), status: try decode(5),
            submittedAt: submittedAt.microseconds, attemptCount: try decode(7))
        row.options = try decodeIfPresent(8)
        row.startedAt = try timestamp(9)?.microseconds
        row.completedAt = try timestamp(10)?.microseconds
        row.error = try decodeIfPresent(11)
        row.progress = try decodeIfPresent(12)
        row.engine = try decodeIfPresent(13)
        row.engineReason = try decodeIfPresent(14)
        row.attemptID = try decodeIfPresent(15)
        row.lastAttemptID = try decodeIfPresent(16)
        row.deletedAt = try timestamp(17)?.microseconds
        row.engineState = try decodeIfPresent(18)
        row.aftermath = try decodeIfPresent(19)
        return row
    }

    /// Rows of `job_actions` as one JSON array, so that a job and its results are of one moment.
    private func actionResults(_ text: String?) throws(JobStoreError) -> [ActionResult] {
        guard let text else { return [] }
        guard let rows = (try? JSONValue(parsing: text))?.arrayValue else {
            throw .corrupt(reason: "job_actions cannot be read")
        }
        var results: [ActionResult] = []
        for row in rows { results.append(try ActionResult(row: row)) }
        return results
    }
}

extension ActionResult {
    fileprivate init(row: JSONValue) throws(JobStoreError) {
        guard let fields = row.objectValue, let action = fields["action"]?.stringValue,
            let isSuccess = fields["success"]?.boolValue,
            let message = fields["message"]?.stringValue,
            let elapsedSeconds = fields["elapsed_seconds"]?.doubleValue,
            let metrics = fields["metrics"].flatMap({ $0.isNull ? JSONObject() : $0.objectValue })
        else { throw .corrupt(reason: "a row of job_actions cannot be read") }
        self.init(
            action: action, isSuccess: isSuccess, message: message,
            impact: fields["impact"]?.stringValue, error: fields["error"]?.stringValue,
            elapsedSeconds: elapsedSeconds, metrics: metrics,
            engine: fields["engine"]?.stringValue,
            engineReason: fields["engine_reason"]?.stringValue,
            plan: fields["plan"].flatMap { $0.isNull ? Optional.none : $0 })
    }

    /// The fields as `record_dry_run.sql` takes them.
    var row: JSONValue {
        var fields = JSONObject()
        fields["action"] = .string(action)
        fields["success"] = .bool(isSuccess)
        fields["message"] = .string(message)
        fields["impact"] = .optional(impact)
        fields["error"] = .optional(error)
        fields["metrics"] = .object(metrics)
        fields["plan"] = plan ?? .null
        fields["engine"] = .optional(engine)
        fields["engine_reason"] = .optional(engineReason)
        fields["elapsed_seconds"] = .double(elapsedSeconds)
        return .object(fields)
    }
}
