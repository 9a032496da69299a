// SPDX-License-Identifier: Apache-2.0

import Jobs
import Postgres
import Synchronization

/// Sends signals to other processes after the changes they tell of were committed.
///
/// A transaction that notifies holds a lock of the whole server while it commits, so sending
/// within each change would make all commits queue up, each behind the other's wait for the disk.
/// Here whatever has gathered goes out together, the first at once and the next after a pause. A
/// process that dies in between loses hints, never truth: everybody polls as well.
final class SignalSender: Sendable {
    /// Between two transactions that notify: keeps their cost down at no loss to a waiting worker.
    static let pause: Duration = .milliseconds(10)
    /// Beyond this many signals in one pause, receivers are told to look at everything instead.
    static let batchLimit = 100

    private struct State {
        var gathered: [JobSignal] = []
        var task: Task<Void, Never>?
        var isFinished = false
    }

    private let pool: PostgresPool
    private let state = Mutex(State())

    init(pool: PostgresPool) { self.pool = pool }

    /// Sends soon; returns at once.
    func send(_ signals: [JobSignal]) {
        guard !signals.isEmpty else { return }
        state.withLock { state in
            guard !state.isFinished else { return }
            // One more than the limit is kept, as the sign that there were too many.
            let room = Self.batchLimit + 1 - state.gathered.count
            state.gathered += signals.prefix(max(0, room))
            guard state.task == nil else { return }
            // Unstructured: no caller waits for it. It ends when nothing is left to send, and
            // `finish()` waits for it.
            state.task = Task { await self.sendGathered() }
        }
    }

    /// Sends what is left and nothing after that.
    func finish() async {
        let task = state.withLock { state in
            state.isFinished = true
            return state.task
        }
        await task?.value
    }

    private func sendGathered() async {
        while let signals = take() {
            let notifications = Self.notifications(for: signals)
            // A hint that cannot be sent is a hint lost; its readers poll.
            _ = try? await pool.query(
                Statement.notify,
                [.texts(notifications.map(\.channel)), .texts(notifications.map(\.payload))],
                effect: .reads)
            let isLast = state.withLock { $0.isFinished }
            if !isLast { try? await Task.sleep(for: Self.pause) }
        }
    }

    private func take() -> [JobSignal]? {
        state.withLock { state in
            guard !state.gathered.isEmpty else {
                state.task = nil
                return nil
            }
            defer { state.gathered = [] }
            return state.gathered
        }
    }

    static func notifications(for signals: [JobSignal]) -> [(channel: String, payload: String)] {
        var kept: [JobSignal] = signals
        if signals.count > batchLimit {
            kept = [.jobAvailable, .resync]
        }
        // The server drops repeats within a transaction by itself.
        return kept.map { signal in
            let notification = SignalChannel.notification(for: signal)
            return (notification.channel.rawValue, notification.payload)
        }
    }
}
