// SPDX-License-Identifier: Apache-2.0

public import Jobs
public import Maintenance
public import WireFormat

/// What the API asks of whoever keeps the files that orphan removal moved away.
public struct QuarantineAccess: Sendable {
    /// A change that a client asks for.
    public enum Change: Hashable, Sendable {
        /// Brings back what a job moved.
        case restore(job: String)
        /// Removes files for good.
        case purge(QuarantineSelection)
    }

    /// How a change ended.
    public enum Outcome: Sendable {
        /// It was carried out; the numbers by name.
        case done(JSONObject)
        /// Another job has the table.
        case locked(by: JobID)
        /// It failed; the reason is for the log.
        case failed(reason: String)
    }

    /// How many days files are held.
    public let days: Int
    /// What is held of a table.
    public let holds: @Sendable (TableName) async throws(MaintenanceError) -> [QuarantineHold]
    /// Carries out a change under the table's lock, and waits for its end.
    public let change: @Sendable (TableName, Change) async throws(JobStoreError) -> Outcome

    /// Takes every field.
    public init(
        days: Int,
        holds: @escaping @Sendable (TableName) async throws(MaintenanceError) -> [QuarantineHold],
        change: @escaping @Sendable (TableName, Change) async throws(JobStoreError) -> Outcome
    ) {
        self.days = days
        self.holds = holds
        self.change = change
    }

    /// Nothing is held of any table.
    public static let empty = QuarantineAccess(
        days: QuarantineHold.defaultDays, holds: { _ in [] },
        change: { _, _ in .failed(reason: "nothing keeps a quarantine here") })
}
