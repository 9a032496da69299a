// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Keeps one claim's lease alive and answers for it.
///
/// The shell around ``LeaseStateMachine``: renews when due, carries progress along at most once a
/// second, and tells its owner once when the fence is lost.
final class LeaseKeeper<Queue: JobQueue, C: Clock>: Sendable
where C.Duration == Duration, C.Instant: Sendable {
    /// How often progress is written at most.
    static var progressInterval: Duration { .seconds(1) }

    private struct State {
        var machine: LeaseStateMachine<C.Instant>
        var progress: JobProgress?
        var progressIsNew = false
        var lastProgressWrite: C.Instant
    }

    private let queue: Queue
    private let claim: Claim
    private let lease: Duration
    private let clock: C
    private let state: Mutex<State>
    private let onLost: @Sendable () -> Void

    init(
        queue: Queue, claim: Claim, lease: Duration, heartbeat: Duration, claimedAt: C.Instant,
        clock: C, onLost: @escaping @Sendable () -> Void
    ) {
        self.queue = queue
        self.claim = claim
        self.lease = lease
        self.clock = clock
        self.onLost = onLost
        state = Mutex(
            State(
                machine: LeaseStateMachine(
                    lease: lease, heartbeat: heartbeat, confirmedAt: claimedAt),
                lastProgressWrite: claimedAt))
    }

    /// Takes note of progress; the next renewal carries it.
    func report(_ progress: JobProgress) {
        state.withLock { state in
            state.progress = progress
            state.progressIsNew = true
        }
    }

    /// Whether the fence is known to be gone.
    var isLost: Bool { state.withLock { $0.machine.isLost } }

    /// How much of the lease is left.
    var remaining: Duration { state.withLock { $0.machine.remaining(at: clock.now) } }

    /// Renews now, and answers only if at least this much of the lease is left afterwards.
    func confirm(atLeast needed: Duration) async throws(LeaseRefusal) {
        do {
            try await renew()
        } catch {
            switch error {
            case .fenced: throw .fenceLost
            case .unavailable(let reason), .outcomeUnknown(let reason), .corrupt(let reason):
                throw .unconfirmed(reason: reason)
            }
        }
        guard remaining >= needed else { throw .fenceLost }
    }

    /// Renews whenever due until the task is cancelled or the fence is lost.
    func run() async {
        while !Task.isCancelled {
            switch state.withLock({ $0.machine.next(at: clock.now) }) {
            case .abandon:
                lose()
                return
            case .renew:
                // The state machine has taken note of the failure and says when to try again.
                try? await renew()
            case .sleep(let until):
                let progressDue = state.withLock { state in
                    max(clock.now, state.lastProgressWrite.advanced(by: Self.progressInterval))
                }
                do {
                    try await clock.sleep(until: min(until, progressDue), tolerance: nil)
                } catch { return }
                if state.withLock({ $0.progressIsNew }) { try? await renew() }
                pauseProgress()
            }
        }
    }

    /// Without new progress the next look is a full interval away, not at once.
    private func pauseProgress() {
        state.withLock { $0.lastProgressWrite = clock.now }
    }

    /// Asks the store for another lease, with progress if there is any.
    func renew() async throws(JobStoreError) {
        let sent = clock.now
        let progress = state.withLock { state in
            state.progressIsNew = false
            return state.progress
        }
        do {
            try await queue.renew(claim, lease: lease, progress: progress)
            state.withLock { state in
                state.machine.confirmed(sentAt: sent)
                state.lastProgressWrite = sent
            }
        } catch {
            switch error {
            case .fenced: lose()
            case .unavailable, .outcomeUnknown, .corrupt:
                state.withLock { state in
                    state.machine.unanswered(at: clock.now)
                    state.progressIsNew = state.progress != nil
                }
            }
            throw error
        }
    }

    private func lose() {
        let isNews = state.withLock { state in
            defer { state.machine.fenced() }
            return !state.machine.isLost
        }
        if isNews { onLost() }
    }
}
