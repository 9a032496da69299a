// SPDX-License-Identifier: Apache-2.0

/// Decides when a worker renews its lease and when it must stop.
///
/// It holds no clock and does no I/O: ``LeaseKeeper`` feeds it instants and carries out what it
/// returns. A lease is counted from the moment the renewal was *sent*, the earliest at which the
/// store can have counted it, so this side always ends first.
struct LeaseStateMachine<Instant: InstantProtocol>: Sendable
where Instant: Sendable, Instant.Duration == Duration {
    enum Action: Equatable {
        /// Ask the store for another lease.
        case renew
        /// Nothing to do until then.
        case sleep(until: Instant)
        /// The lease has run out or was taken: stop.
        case abandon
    }

    private enum State {
        case held(expiresAt: Instant, renewAt: Instant)
        case lost
    }

    /// How long one renewal lasts.
    let lease: Duration
    /// How long after a confirmed renewal the next one is due.
    let heartbeat: Duration
    private var state: State

    /// A lease that the store confirmed for a request sent at this instant.
    init(lease: Duration, heartbeat: Duration, confirmedAt sent: Instant) {
        self.lease = lease
        self.heartbeat = heartbeat
        state = .held(
            expiresAt: sent.advanced(by: lease), renewAt: sent.advanced(by: heartbeat))
    }

    /// Whether the fence is known to be gone.
    var isLost: Bool {
        switch state {
        case .held: false
        case .lost: true
        }
    }

    /// How much of the lease is left; nothing once it is lost.
    func remaining(at now: Instant) -> Duration {
        switch state {
        case .held(let expiresAt, _): max(.zero, now.duration(to: expiresAt))
        case .lost: .zero
        }
    }

    func next(at now: Instant) -> Action {
        switch state {
        case .lost: return .abandon
        case .held(let expiresAt, let renewAt):
            guard now < expiresAt else { return .abandon }
            return now < renewAt ? .sleep(until: min(renewAt, expiresAt)) : .renew
        }
    }

    /// The store confirmed a renewal that was sent at this instant.
    mutating func confirmed(sentAt sent: Instant) {
        switch state {
        case .lost: return
        case .held(let expiresAt, _):
            // Replies may overtake each other; the lease never gets shorter by a late one.
            state = .held(
                expiresAt: max(expiresAt, sent.advanced(by: lease)),
                renewAt: sent.advanced(by: heartbeat))
        }
    }

    /// A renewal failed without an answer: try again soon, well before the lease ends.
    mutating func unanswered(at now: Instant) {
        switch state {
        case .lost: return
        case .held(let expiresAt, _):
            let pause = min(heartbeat, max(now.duration(to: expiresAt) / 8, .milliseconds(50)))
            state = .held(expiresAt: expiresAt, renewAt: now.advanced(by: pause))
        }
    }

    /// The store said that the fence is gone.
    mutating func fenced() { state = .lost }
}
