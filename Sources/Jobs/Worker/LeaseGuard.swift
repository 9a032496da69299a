// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Keeps one claim's lease: the only place from which it is renewed, and the judge of whether the
/// worker may still act.
final class LeaseGuard<Store: JobQueue & FileJournal, GuardClock: Clock>: ActionSupport
where GuardClock.Duration == Duration {
    let claim: Claim

    private let store: Store
    private let clock: GuardClock
    private let lease: Duration
    private let retry: StoreRetry<GuardClock>
    private let machine: Mutex<LeaseStateMachine<GuardClock.Instant>>
    private let onLoss: @Sendable () -> Void

    /// - Parameters:
    ///   - sentAt: when the claim was asked for.
    ///   - onLoss: called whenever it turns out that the worker must stop; maybe more than once.
    init(
        claim: Claim, store: Store, clock: GuardClock, configuration: WorkerConfiguration,
        random: @escaping @Sendable () -> UInt64, sentAt: GuardClock.Instant,
        onLoss: @escaping @Sendable () -> Void
    ) {
        self.claim = claim
        self.store = store
        self.clock = clock
        self.onLoss = onLoss
        lease = configuration.lease
        retry = StoreRetry(clock: clock, random: random)
        machine = Mutex(
            LeaseStateMachine(
                lease: configuration.lease, heartbeat: configuration.heartbeat,
                margin: configuration.abandonMargin, sentAt: sentAt))
    }

    /// What to do now.
    func next() -> LeaseStateMachine<GuardClock.Instant>.Action {
        machine.withLock { $0.next(at: clock.now) }
    }

    /// When to stop trying to reach the store.
    var deadline: GuardClock.Instant { machine.withLock { $0.deadline(at: clock.now) } }

    /// Renews once.
    ///
    /// A loss is reported; an outage is remembered and thrown.
    func renew(progress: JobProgress?) async throws(JobStoreError) {
        let sentAt = clock.now
        do {
            try await store.renew(claim, lease: lease, progress: progress)
            machine.withLock { $0.renewed(sentAt: sentAt) }
        } catch {
            switch error {
            case .fenced:
                lose()
            case .unavailable, .outcomeUnknown, .corrupt:
                machine.withLock { $0.renewalFailed(at: clock.now) }
            }
            throw error
        }
    }

    /// The fence is gone, or the lease is about to end.
    func lose() {
        machine.withLock { $0.lose() }
        onLoss()
    }

    func confirmLease(atLeast needed: Duration) async throws(ActionFailure) {
        guard needed < lease else {
            throw .failed(
                message: "a lease lasts \(lease), but this step may take \(needed): "
                    + "raise ICEPACK_LEASE_SECONDS")
        }
        try await repeating { () throws(JobStoreError) in try await self.renew(progress: nil) }
        guard machine.withLock({ $0.remaining(at: clock.now) }) >= needed else {
            // The reply took so long that what it confirmed is nearly over.
            lose()
            throw .fenceLost
        }
    }

    /// A lease that is about to end is no longer held: what begins now has to end within it.
    var holdsLease: Bool {
        machine.withLock { $0.remaining(at: clock.now) } > min(.seconds(1), lease / 20)
    }

    func perform<Value: Sendable>(
        _ call: @Sendable (any JobQueue & FileJournal, Claim) async throws(JobStoreError) -> Value
    ) async throws(ActionFailure) -> Value {
        try await repeating { () throws(JobStoreError) in try await call(store, claim) }
    }

    private func repeating<Value>(
        _ call: () async throws(JobStoreError) -> Value
    ) async throws(ActionFailure) -> Value {
        do {
            return try await retry.call(until: deadline, call)
        } catch {
            switch error {
            case .fenced:
                lose()
                throw .fenceLost
            case .unavailable(let reason), .outcomeUnknown(let reason):
                throw Task.isCancelled ? .cancelled : .retryable(message: "job store: \(reason)")
            case .corrupt(let reason):
                throw .failed(message: "job store: \(reason)")
            }
        }
    }
}
