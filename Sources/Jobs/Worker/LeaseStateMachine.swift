// SPDX-License-Identifier: Apache-2.0

/// Decides when a worker renews its lease and when it must stop.
///
/// It holds no clock and does no I/O. Instants are of the worker's monotonic clock and never
/// leave it: the store judges the lease by its own. The lease counts from when the last renewal
/// that the store confirmed was *sent*, so the worker never believes in more than it has.
struct LeaseStateMachine<Instant: InstantProtocol & Sendable>: Sendable
where Instant.Duration == Duration {
    enum Action: Equatable, Sendable {
        case renew
        case sleep(until: Instant)
        case abandon
    }

    private enum State {
        case held(since: Instant, renewAt: Instant)
        case lost
    }

    private let lease: Duration
    private let heartbeat: Duration
    private let margin: Duration
    private var state: State

    /// A claim that was asked for at this instant and granted.
    init(lease: Duration, heartbeat: Duration, margin: Duration, sentAt: Instant) {
        self.lease = lease
        self.heartbeat = heartbeat
        self.margin = margin
        state = .held(since: sentAt, renewAt: sentAt.advanced(by: heartbeat))
    }

    func next(at now: Instant) -> Action {
        switch state {
        case .lost:
            return .abandon
        case .held(let since, let renewAt):
            let end = since.advanced(by: lease - margin)
            guard now < end else { return .abandon }
            return now < renewAt ? .sleep(until: min(renewAt, end)) : .renew
        }
    }

    /// The store confirmed a renewal that was sent at this instant.
    mutating func renewed(sentAt: Instant) {
        guard case .held(let since, _) = state, since < sentAt else { return }
        state = .held(since: sentAt, renewAt: sentAt.advanced(by: heartbeat))
    }

    /// A renewal failed without an answer about the fence: try again sooner than usual.
    mutating func renewalFailed(at now: Instant) {
        guard case .held(let since, _) = state else { return }
        state = .held(since: since, renewAt: now.advanced(by: heartbeat / 4))
    }

    /// The store said that the fence is gone.
    mutating func lose() { state = .lost }

    /// How much of the lease is certainly left; zero or less when it may be over.
    func remaining(at now: Instant) -> Duration {
        switch state {
        case .lost: .zero
        case .held(let since, _): lease - since.duration(to: now)
        }
    }

    /// When to stop trying to reach the store: the lease is another's after this.
    func deadline(at now: Instant) -> Instant {
        now.advanced(by: max(.zero, remaining(at: now) - margin))
    }
}
