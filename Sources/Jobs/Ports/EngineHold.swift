// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// A table that stays locked after its job is over, because something of it may still run in an
/// engine outside this process.
///
/// It ends when an aftermath says that the engine has stopped
/// (``JobQueue/recordAftermath(_:underRevoked:)``), or with ``SweepPolicy/engineHoldLimit``.
public struct EngineHold: Hashable, Sendable {
    /// The most holds that one call returns.
    public static let maximumPage = 500

    /// The fence of the job's last attempt, with which the aftermath is written.
    public let claim: Claim
    /// The table.
    public let table: TableName
    /// The job's ``Job/engineState``; null if it cannot be read, so that no engine knows it.
    public let state: JSONValue
    /// The job's aftermath so far; nil if there is none that can be read.
    public let aftermath: JSONValue?

    /// Takes every field.
    public init(claim: Claim, table: TableName, state: JSONValue, aftermath: JSONValue?) {
        self.claim = claim
        self.table = table
        self.state = state
        self.aftermath = aftermath
    }

    /// From what a database returns.
    public init(
        jobID: JobID, attemptID: AttemptID, table: TableName, state: String, aftermath: String?
    ) {
        // A hold that cannot be read is held to the limit; it must not hide the others.
        self.init(
            claim: Claim(jobID: jobID, attemptID: attemptID), table: table,
            state: (try? JSONValue(parsing: state)) ?? .null,
            aftermath: aftermath.flatMap { try? JSONValue(parsing: $0) })
    }

    /// A limit as the stores apply it.
    public static func bounded(_ limit: Int) -> Int { min(max(limit, 0), maximumPage) }
}

extension SweepPolicy {
    /// The audit log's line for a hold that ended with ``engineHoldLimit``.
    public static func givenUpEvent(_ job: JobID, on table: TableName) -> AuditEvent {
        AuditEvent(
            actor: auditActor, event: holdGivenUpEvent, jobID: job,
            details: ["table": .string(table.description), "engine": "engine_unknown"])
    }
}
