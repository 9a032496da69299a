// SPDX-License-Identifier: Apache-2.0

public import Jobs
public import WireFormat

/// What became of each table in a run of the orchestrator, and why: put together from its events.
public struct OrchestratorReport: Sendable {
    /// What became of a table.
    public enum Outcome: String, CaseIterable, Hashable, Sendable {
        /// It is not enrolled.
        case leftOut = "left_out"
        /// There is nothing to do.
        case healthy
        /// Something speaks against maintenance now.
        case skipped
        /// Its recommendation could not be had.
        case notAssessed = "not_assessed"
        /// A dry run, or the run ended before its turn.
        case notSubmitted = "not_submitted"
        /// It has a job that was not seen to end.
        case submitted
        /// Its job completed.
        case completed
        /// Its job failed.
        case failed
        /// Its job was cancelled.
        case cancelled

        init(_ status: JobStatus) {
            switch status {
            case .pending, .running: self = .submitted
            case .completed: self = .completed
            case .failed: self = .failed
            case .cancelled: self = .cancelled
            }
        }
    }

    /// One table of the report.
    public struct Line: Hashable, Sendable {
        /// The table.
        public let table: TableName
        /// What became of it.
        public internal(set) var outcome: Outcome
        /// What was recommended.
        public internal(set) var actions: [String] = []
        /// Its job's id.
        public internal(set) var job: String?
        /// Why nothing was submitted, by the REST contract's names.
        public internal(set) var skipReasons: [String] = []
        /// Why nothing was submitted, or what went wrong, in words.
        public internal(set) var reasons: [String] = []

        /// The line for programs.
        public var json: JSONValue {
            [
                "table": .string(table.description), "outcome": .string(outcome.rawValue),
                "actions": .array(actions.map { .string($0) }), "job_id": .optional(job),
                "skip_reasons": .array(skipReasons.map { .string($0) }),
                "reasons": .array(reasons.map { .string($0) }),
            ]
        }
    }

    private let isDryRun: Bool
    private var found: [TableName: Line] = [:]

    /// Nothing yet.
    public init(isDryRun: Bool) { self.isDryRun = isDryRun }

    /// Every table, by name.
    public var lines: [Line] {
        found.values.sorted {
            ($0.table.database, $0.table.table) < ($1.table.database, $1.table.table)
        }
    }

    /// Takes note of an event.
    public mutating func take(_ event: OrchestratorEvent) {
        switch event {
        case .leftOut(let table, let reason):
            set(table, .leftOut, [reason.reason], codes: [reason.code])
        case .assessed(let table, let work): assessed(table, work)
        case .unassessed(let table, let reason): set(table, .notAssessed, [reason])
        case .submitted(let table, let actions, let job):
            set(table, .submitted, [])
            found[table]?.actions = actions
            found[table]?.job = job
        case .skipped(let table, let reason):
            // A job that was lost sight of goes on.
            set(table, found[table]?.job == nil ? .skipped : .submitted, [reason])
        case .ended(let table, let job, let status, let error):
            set(table, Outcome(status), error.map { [$0] } ?? [])
            found[table]?.job = job
        case .unrecorded: break
        }
    }

    private mutating func assessed(_ table: TableName, _ work: RecommendedWork) {
        guard work.actions.isEmpty else {
            set(
                table, .notSubmitted,
                [isDryRun ? "this is a dry run" : "the run ended before its turn"])
            found[table]?.actions = work.actions
            return
        }
        set(
            table, work.isHealthy ? .healthy : .skipped,
            work.skipDetails.isEmpty ? work.skipReasons : work.skipDetails,
            codes: work.skipReasons)
    }

    private mutating func set(
        _ table: TableName, _ outcome: Outcome, _ reasons: [String], codes: [String] = []
    ) {
        var line = found[table] ?? Line(table: table, outcome: outcome)
        line.outcome = outcome
        line.reasons = reasons
        line.skipReasons = codes
        found[table] = line
    }
}
