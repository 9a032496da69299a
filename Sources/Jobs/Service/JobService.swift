// SPDX-License-Identifier: Apache-2.0

public import Logging

/// What clients ask of the job system: submitting, cancelling, deleting and following jobs.
///
/// Knows nothing of HTTP, and validates nothing: what it is given is well formed. Calls go on
/// through short outages of the store, also when a reply was lost, and each deed is noted in the
/// audit log, whose failure never fails the deed.
public struct JobService<
    Store: JobQueue & JobHistory & JobSignals & AuditLog, ServiceClock: Clock
>: Sendable where ServiceClock.Duration == Duration {
    /// How long a call is repeated before it fails.
    public static var patience: Duration { .seconds(2) }
    /// How often a job that is followed is looked at when no signal comes.
    public static var watchInterval: Duration { .seconds(2) }

    let store: Store
    let clock: ServiceClock
    let random: @Sendable () -> UInt64
    let logger: Logger

    /// A service over a store.
    public init(
        store: Store, clock: ServiceClock,
        random: @escaping @Sendable () -> UInt64 = { .random(in: .min ... .max) },
        logger: Logger
    ) {
        self.store = store
        self.clock = clock
        self.random = random
        self.logger = logger
    }

    /// Queues a job.
    ///
    /// The outcome is the same whether or not a reply was lost on the way.
    public func submit(
        _ submission: JobSubmission
    ) async throws(JobStoreError) -> SubmissionOutcome {
        try await submitting(submission) { () throws(JobStoreError) in
            try await store.submit(submission)
        }
    }

    /// Stores a dry run that is already over.
    public func recordDryRun(
        _ submission: JobSubmission, results: [ActionResult]
    ) async throws(JobStoreError) -> SubmissionOutcome {
        try await submitting(submission) { () throws(JobStoreError) in
            try await store.recordDryRun(submission, results: results)
        }
    }

    /// Cancels a pending or running job.
    public func cancel(
        _ id: JobID, actor: String
    ) async throws(JobStoreError) -> CancelOutcome {
        var isRepeat = false
        var outcome = try await repeating(&isRepeat) { () throws(JobStoreError) in
            try await store.cancel(id)
        }
        if isRepeat, case .alreadyTerminal(let job) = outcome, job.status == .cancelled {
            outcome = .cancelled(job)
        }
        if case .cancelled = outcome { await audit("job.cancelled", id, by: actor) }
        return outcome
    }

    /// Hides a terminal job from normal reads.
    public func softDelete(
        _ id: JobID, actor: String
    ) async throws(JobStoreError) -> DeleteOutcome {
        var isRepeat = false
        var outcome = try await repeating(&isRepeat) { () throws(JobStoreError) in
            try await store.softDelete(id)
        }
        // The call whose reply was lost found the job, or there would have been nothing to lose.
        if isRepeat, outcome == .notFound {
            let job = try await store.job(id, visibility: .includingDeleted)
            if job?.deletedAt != nil { outcome = .deleted }
        }
        if outcome == .deleted { await audit("job.deleted", id, by: actor) }
        return outcome
    }

    private func submitting(
        _ submission: JobSubmission,
        _ call: () async throws(JobStoreError) -> SubmissionOutcome
    ) async throws(JobStoreError) -> SubmissionOutcome {
        var isRepeat = false
        var outcome = try await repeating(&isRepeat, call)
        // Our own submission, found again after its reply was lost.
        if isRepeat, case .repeated(let job) = outcome, job.id == submission.jobID {
            outcome = .accepted(job)
        }
        if case .accepted(let job) = outcome {
            await audit("job.submitted", job.id, by: submission.actor)
        }
        return outcome
    }

    /// Repeats a call through outages; says whether an earlier one may have taken effect.
    private func repeating<Value>(
        _ isRepeat: inout Bool, _ call: () async throws(JobStoreError) -> Value
    ) async throws(JobStoreError) -> Value {
        var mayHaveLanded = false
        defer { isRepeat = mayHaveLanded }
        let deadline = clock.now.advanced(by: Self.patience)
        return try await StoreRetry(clock: clock, random: random).call(until: deadline) {
            () throws(JobStoreError) in
            do throws(JobStoreError) {
                return try await call()
            } catch {
                if case .outcomeUnknown = error { mayHaveLanded = true }
                throw error
            }
        }
    }

    private func audit(_ event: String, _ id: JobID, by actor: String) async {
        do {
            try await store.audit(AuditEvent(actor: actor, event: event, jobID: id))
        } catch {
            logger.warning(
                "audit_failed", metadata: ["job.id": "\(id)", "audit.event": "\(event)"])
        }
    }
}
