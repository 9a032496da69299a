// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// Everything a store does.
///
/// Callers ask for the narrowest part that serves them.
public protocol JobStore: JobQueue, JobHistory, FileJournal, TableCache, TableObservations,
    OrchestratorRuns, JobSignals, AuditLog
{
    /// Brings the schema to this program's version; safe to call from many processes at once.
    ///
    /// - Throws: ``JobStoreError/corrupt(reason:)`` if the schema is newer than this program, or a
    ///   migration that was applied has changed.
    func migrate() async throws(JobStoreError)

    /// Answers when the store does, or throws ``JobStoreError/unavailable(reason:)`` after the
    /// time given.
    func ping(within limit: Duration) async throws(JobStoreError)

    /// Closes connections. Calls after it throw ``JobStoreError/unavailable(reason:)``.
    func shutdown() async
}

/// The part of the store that wakes those who wait.
///
/// A hint and never the truth: every listener polls as well, so a lost signal costs time only.
public protocol JobSignals: Sendable {
    /// A stream of hints from now on, from every process where the store can carry them. Ends at
    /// shutdown. A slow reader may miss some, and is told so by ``JobSignal/resync``.
    func signals() async -> AsyncStream<JobSignal>
}

/// A hint that something happened.
public enum JobSignal: Hashable, Sendable {
    /// A job may be waiting.
    case jobAvailable
    /// This job's fence may be revoked.
    case jobCancelled(JobID)
    /// This job changed.
    case jobChanged(JobID)
    /// Signals may have been missed: look at everything.
    case resync
}

/// The part of the store that remembers who did what.
///
/// Best effort: a failure never fails the deed.
public protocol AuditLog: Sendable {
    /// Adds one event.
    func audit(_ event: AuditEvent) async throws(JobStoreError)
}

/// One line of the audit log.
public struct AuditEvent: Hashable, Sendable {
    /// Who: a client's name, `worker:…`, `cli:…`.
    public let actor: String
    /// What, in dotted lower case, such as `job.submitted`.
    public let event: String
    /// The job it is about.
    public let jobID: JobID?
    /// More; never a secret.
    public let details: JSONValue

    /// Takes every field.
    public init(actor: String, event: String, jobID: JobID?, details: JSONValue = .null) {
        self.actor = actor
        self.event = event
        self.jobID = jobID
        self.details = details
    }
}
