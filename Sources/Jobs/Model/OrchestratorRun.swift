// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// What one run of the orchestrator did: the body of `POST /orchestrator/runs`.
public struct OrchestratorRun: Hashable, Sendable {
    /// How a run ended.
    public enum Status: String, CaseIterable, Hashable, Sendable {
        /// Every table was looked at, and every job that it submitted ended.
        case completed
        /// It could not do its work.
        case failed
        /// It stopped before all was done: time was up, the service drained, or it was told to.
        case partial
    }

    /// When it began.
    public var startedAt: Timestamp
    /// When it ended; never before it began.
    public var completedAt: Timestamp
    /// How it ended.
    public var status: Status
    /// Tables whose recommendation was read.
    public var tablesAssessed = 0
    /// Tables that were not maintained for a reason other than health, locked ones among them.
    public var tablesSkipped = 0
    /// Tables for which there was nothing to do.
    public var tablesHealthy = 0
    /// Jobs that the service took.
    public var jobsSubmitted = 0
    /// Jobs that it saw completed.
    public var jobsCompleted = 0
    /// Jobs that it saw fail or be cancelled.
    public var jobsFailed = 0
    /// Whether it submitted nothing by intention.
    public var isDryRun = false
    /// Why it failed or stopped; a sentence.
    public var error: String?

    /// A run without any counts.
    public init(startedAt: Timestamp, completedAt: Timestamp, status: Status) {
        self.startedAt = startedAt
        self.completedAt = completedAt
        self.status = status
    }
}

/// A run that a store holds.
public struct RecordedOrchestratorRun: Hashable, Sendable {
    /// The store's number for it: larger for later ones.
    public let id: Int64
    /// What it did.
    public let run: OrchestratorRun

    /// Takes both.
    public init(id: Int64, run: OrchestratorRun) {
        self.id = id
        self.run = run
    }

    /// The record as the API shows it.
    public var json: JSONValue {
        .object(JSONObject([.init(key: "id", value: .integer(id))] + run.json.members))
    }
}

/// A field of a run's JSON that cannot be taken.
public struct InvalidOrchestratorRun: Error, Hashable, Sendable {
    /// The field.
    public let field: String
    /// What it must be.
    public let reason: String
    /// Whether there is no such field.
    public let isUnknown: Bool
}

extension OrchestratorRun {
    /// The largest count: what every store holds.
    public static let maximumCount = Int(Int32.max)
    /// How far a client's clock may be ahead of the service's.
    public static let maximumClockSkew = Duration.seconds(60)
    /// The longest error, in characters.
    public static let maximumErrorLength = 4_096

    private static let counts: [(name: String, path: any WritableKeyPath<Self, Int> & Sendable)] = [
        ("tables_assessed", \.tablesAssessed), ("tables_skipped", \.tablesSkipped),
        ("tables_healthy", \.tablesHealthy), ("jobs_submitted", \.jobsSubmitted),
        ("jobs_completed", \.jobsCompleted), ("jobs_failed", \.jobsFailed),
    ]
    private static let otherFields = ["started_at", "completed_at", "status", "dry_run", "error"]

    /// The run as the API takes and shows it.
    public var json: JSONObject {
        var object = JSONObject()
        object["started_at"] = .string(startedAt.description)
        object["completed_at"] = .string(completedAt.description)
        object["status"] = .string(status.rawValue)
        for count in Self.counts { object[count.name] = .integer(self[keyPath: count.path]) }
        object["dry_run"] = .bool(isDryRun)
        object["error"] = error.map { .string($0) } ?? .null
        return object
    }

    /// Reads a run as a client sends it; counts default to 0.
    ///
    /// - Throws: ``InvalidOrchestratorRun`` for the first field that is missing, unknown, of
    ///   another type or out of its range.
    public init(json object: JSONObject) throws(InvalidOrchestratorRun) {
        let known = Self.otherFields + Self.counts.map(\.name)
        for key in object.keys where !known.contains(key) {
            let nearest = ClosestName.suggestion(for: key, among: known)
            throw InvalidOrchestratorRun(
                field: key,
                reason: nearest.map { "is no field; did you mean \($0)?" }
                    ?? "is no field; there are \(known.joined(separator: ", "))",
                isUnknown: true)
        }
        let start = try Self.time("started_at", in: object)
        let end = try Self.time("completed_at", in: object)
        guard end >= start else {
            throw Self.invalid("completed_at", "must not be before started_at")
        }
        guard let status = object["status"]?.stringValue.flatMap({ Status(rawValue: $0) }) else {
            let all = Status.allCases.map(\.rawValue).joined(separator: ", ")
            throw Self.invalid("status", "must be one of \(all)")
        }
        self.init(startedAt: start, completedAt: end, status: status)
        for count in Self.counts {
            guard let value = object[count.name] else { continue }
            guard let number = value.intValue, (0...Self.maximumCount).contains(number) else {
                throw Self.invalid(
                    count.name, "must be an integer from 0 to \(Self.maximumCount)")
            }
            self[keyPath: count.path] = number
        }
        if let value = object["dry_run"] {
            guard let flag = value.boolValue else {
                throw Self.invalid("dry_run", "must be true or false")
            }
            isDryRun = flag
        }
        if let value = object["error"], !value.isNull {
            guard let text = value.stringValue, text.count <= Self.maximumErrorLength else {
                throw Self.invalid(
                    "error",
                    "must be null or a text of at most \(Self.maximumErrorLength) "
                        + "characters")
            }
            error = text
        }
    }

    /// Refuses a run that has not been yet.
    ///
    /// - Throws: ``InvalidOrchestratorRun`` for a time after now, more than
    ///   ``maximumClockSkew`` of it.
    public func check(now: Timestamp) throws(InvalidOrchestratorRun) {
        let latest = now.advanced(by: Self.maximumClockSkew)
        for (field, time) in [("started_at", startedAt), ("completed_at", completedAt)]
        where time > latest {
            throw Self.invalid(
                field, "must not be in the future: it is \(now) by the service's clock")
        }
    }

    private static func time(
        _ name: String, in object: JSONObject
    ) throws(InvalidOrchestratorRun) -> Timestamp {
        guard let time = object[name]?.stringValue.flatMap({ Timestamp(iso8601: $0) }) else {
            throw invalid(
                name, "must be an ISO 8601 time, such as 2026-04-25T14:35:00.000000+00:00")
        }
        return time
    }

    private static func invalid(_ field: String, _ reason: String) -> InvalidOrchestratorRun {
        InvalidOrchestratorRun(field: field, reason: reason, isUnknown: false)
    }
}
