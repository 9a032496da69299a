// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// A row of `jobs` as a database returns it: shared by the SQL stores, so that both judge what
/// they read by the same rules.
public struct JobRow: Sendable {
    /// `job_id`.
    public var jobID: String
    /// `database_name`.
    public var database: String
    /// `table_name`.
    public var table: String
    /// `actions`.
    public var actions: [String]
    /// `dry_run`.
    public var isDryRun: Bool
    /// `options`, JSON text.
    public var options: String?
    /// `status`.
    public var status: String
    /// `submitted_at`, in microseconds since the epoch.
    public var submittedAt: Int64
    /// `started_at`.
    public var startedAt: Int64?
    /// `completed_at`.
    public var completedAt: Int64?
    /// `error`.
    public var error: String?
    /// `progress`, JSON text.
    public var progress: String?
    /// `engine`.
    public var engine: String?
    /// `engine_reason`.
    public var engineReason: String?
    /// `attempt_id`.
    public var attemptID: String?
    /// `last_attempt_id`.
    public var lastAttemptID: String?
    /// `attempt_count`.
    public var attemptCount: Int
    /// `deleted_at`.
    public var deletedAt: Int64?
    /// `engine_state`, JSON text.
    public var engineState: String?
    /// `aftermath`, JSON text.
    public var aftermath: String?

    /// Takes the columns that are never null; the others follow as properties.
    public init(
        jobID: String, database: String, table: String, actions: [String], isDryRun: Bool,
        status: String, submittedAt: Int64, attemptCount: Int
    ) {
        self.jobID = jobID
        self.database = database
        self.table = table
        self.actions = actions
        self.isDryRun = isDryRun
        self.status = status
        self.submittedAt = submittedAt
        self.attemptCount = attemptCount
    }

    /// The job, or ``JobStoreError/corrupt(reason:)`` naming the column that cannot be read.
    public func job(results: [ActionResult]) throws(JobStoreError) -> Job {
        guard let id = JobID(jobID) else { throw .corrupt(reason: "jobs.job_id is malformed") }
        guard let status = JobStatus(rawValue: status) else {
            throw .corrupt(reason: "jobs.status of job \(id) is not one of the five")
        }
        var job = Job(
            id: id, table: TableName(database: database, table: table), actions: actions,
            isDryRun: isDryRun, options: try json(options, "options") ?? .null, status: status,
            submittedAt: Timestamp(microseconds: submittedAt))
        job.startedAt = startedAt.map(Timestamp.init(microseconds:))
        job.completedAt = completedAt.map(Timestamp.init(microseconds:))
        job.deletedAt = deletedAt.map(Timestamp.init(microseconds:))
        job.error = error
        job.engine = engine
        job.engineReason = engineReason
        job.attemptCount = attemptCount
        job.attemptID = try fence(attemptID, "attempt_id")
        job.lastAttemptID = try fence(lastAttemptID, "last_attempt_id")
        job.engineState = try json(engineState, "engine_state")
        job.aftermath = try json(aftermath, "aftermath")
        if let value = try json(progress, "progress") {
            guard let progress = JobProgress(stored: value) else { throw unreadable("progress") }
            job.progress = progress
        }
        job.results = results
        return job
    }

    private func unreadable(_ column: String) -> JobStoreError {
        .corrupt(reason: "jobs.\(column) of job \(jobID) cannot be read")
    }

    private func json(_ text: String?, _ column: String) throws(JobStoreError) -> JSONValue? {
        guard let text else { return nil }
        do { return try JSONValue(parsing: text) } catch { throw unreadable(column) }
    }

    private func fence(_ text: String?, _ column: String) throws(JobStoreError) -> AttemptID? {
        guard let text else { return nil }
        guard let attempt = AttemptID(text) else { throw unreadable(column) }
        return attempt
    }
}

/// A row of `job_actions` as a database returns it.
public struct ActionRow: Sendable {
    /// `job_id`.
    public var jobID: String
    /// `action`.
    public var action: String
    /// `success`.
    public var isSuccess: Bool
    /// `message`.
    public var message: String
    /// `impact`.
    public var impact: String?
    /// `error`.
    public var error: String?
    /// `elapsed_seconds`.
    public var elapsedSeconds: Double
    /// `metrics`, JSON text.
    public var metrics: String?
    /// `engine`.
    public var engine: String?
    /// `engine_reason`.
    public var engineReason: String?
    /// `plan`, JSON text.
    public var plan: String?

    /// Takes the columns that are never null; the others follow as properties.
    public init(
        jobID: String, action: String, isSuccess: Bool, message: String, elapsedSeconds: Double
    ) {
        self.jobID = jobID
        self.action = action
        self.isSuccess = isSuccess
        self.message = message
        self.elapsedSeconds = elapsedSeconds
    }

    /// The result, or ``JobStoreError/corrupt(reason:)`` naming the column that cannot be read.
    public func result() throws(JobStoreError) -> ActionResult {
        ActionResult(
            action: action, isSuccess: isSuccess, message: message, impact: impact, error: error,
            elapsedSeconds: elapsedSeconds, metrics: try metricsObject(), engine: engine,
            engineReason: engineReason,
            plan: try plan.map { text throws(JobStoreError) in try json(text, "plan") })
    }

    private func metricsObject() throws(JobStoreError) -> JSONObject {
        guard let metrics else { return JSONObject() }
        guard let object = try json(metrics, "metrics").objectValue else {
            throw unreadable("metrics")
        }
        return object
    }

    private func json(_ text: String, _ column: String) throws(JobStoreError) -> JSONValue {
        do { return try JSONValue(parsing: text) } catch { throw unreadable(column) }
    }

    private func unreadable(_ column: String) -> JobStoreError {
        .corrupt(reason: "job_actions.\(column) of job \(jobID) cannot be read")
    }
}

extension JobProgress {
    /// How a store writes progress: its fields by the names of the REST contract, and
    /// `updated_at` in microseconds.
    public func stored(at now: Timestamp) -> JSONValue {
        var object = JSONObject()
        object["action"] = .string(action)
        object["phase"] = phase.map(JSONValue.string)
        object["done"] = .integer(done)
        object["total"] = total.map { .integer($0) }
        object["unit"] = .string(unit)
        object["bytes_done"] = bytesDone.map { .integer($0) }
        object["bytes_total"] = bytesTotal.map { .integer($0) }
        object["updated_at"] = .integer(now.microseconds)
        return .object(object)
    }

    /// Reads what ``stored(at:)`` wrote; nil if it is anything else.
    public init?(stored value: JSONValue) {
        guard let object = value.objectValue, let action = object["action"]?.stringValue,
            let done = object["done"]?.int64Value, let unit = object["unit"]?.stringValue,
            let updatedAt = object["updated_at"]?.int64Value
        else { return nil }
        self.init(
            action: action, phase: object["phase"]?.stringValue, done: done,
            total: object["total"]?.int64Value, unit: unit,
            bytesDone: object["bytes_done"]?.int64Value,
            bytesTotal: object["bytes_total"]?.int64Value)
        self.updatedAt = Timestamp(microseconds: updatedAt)
    }
}
