// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Hears `NOTIFY` on some channels over a connection of its own, which it replaces when it breaks.
///
/// Notifications sent while there is no connection are lost; the events say when that was, so that
/// whoever listens can look for itself afterwards.
public final class PostgresListener: Sendable {
    /// What is heard.
    public enum Event: Hashable, Sendable {
        /// Notifications arrive from now on. Some may have been missed before, so look.
        case connected
        /// A notification.
        case notification(channel: String, payload: String)
        /// Notifications are being missed.
        case disconnected(reason: String)
    }

    /// How often a silent connection is asked whether it is still there.
    public static let checkInterval: Duration = .seconds(30)
    static let firstRetry: Duration = .milliseconds(50)
    static let slowestRetry: Duration = .seconds(5)

    private let configuration: PostgresConfiguration
    private let channels: [String]
    private let handler: @Sendable (Event) -> Void
    private let state = Mutex(State())

    private struct State {
        var task: Task<Void, Never>?
        var connection: PostgresConnection?
        var sleeper: Sleeper?
        var isClosed = false
    }

    /// Somebody who waits for time to pass or something to happen.
    private struct Sleeper {
        let continuation: UnsafeContinuation<Void, Never>
        let timer: UInt64
    }

    /// Starts listening.
    ///
    /// It goes on until ``close()``, which must be called.
    ///
    /// - Parameter handler: called for every event. Notifications come on the thread that serves
    ///   every connection, so it must not wait; other events may come at the same time.
    public init(
        _ configuration: PostgresConfiguration, channels: [String],
        handler: @escaping @Sendable (Event) -> Void
    ) {
        self.configuration = configuration
        self.channels = channels
        self.handler = handler
        // Unstructured because it lives until `close()`, which ends it.
        let task = Task { await run() }
        state.withLock { $0.task = task }
    }

    /// Stops listening, and returns when no event will follow.
    public func close() async {
        let (task, connection, sleeper) = state.withLock { state in
            state.isClosed = true
            return (state.task, state.connection.take(), state.sleeper.take())
        }
        connection?.close()
        wake(sleeper)
        await task?.value
    }

    private var isClosed: Bool { state.withLock { $0.isClosed } }

    private func run() async {
        var failures = 0
        while !isClosed {
            do throws(PostgresError) {
                try await listen { failures = 0 }
            } catch {
                guard !isClosed else { return }
                handler(.disconnected(reason: error.description))
            }
            let delay = min(Self.firstRetry * (1 << min(failures, 10)), Self.slowestRetry)
            failures += 1
            await sleep(for: delay)
        }
    }

    /// One connection's life.
    private func listen(whenConnected: () -> Void) async throws(PostgresError) {
        let connection = try await PostgresConnection.connect(configuration)
        defer { connection.close() }
        let isWanted = state.withLock { state in
            if !state.isClosed { state.connection = connection }
            return !state.isClosed
        }
        guard isWanted else { return }
        let isOpen = connection.observe(
            PostgresConnection.Observers(
                notification: { [handler] channel, payload in
                    handler(.notification(channel: channel, payload: payload))
                },
                broken: { [weak self, weak connection] _ in
                    if let self, let connection { noteLoss(of: connection) }
                }))
        guard isOpen else { throw .unavailable(reason: "the connection broke at once") }
        for channel in channels {
            let name = channel.split(separator: "\"", omittingEmptySubsequences: false)
                .joined(separator: "\"\"")
            try await connection.query(
                PostgresStatement("LISTEN \"\(name)\"", effect: .reads, preparation: .once))
        }
        whenConnected()
        handler(.connected)
        while isCurrent(connection) {
            await sleep(for: Self.checkInterval, while: connection)
            guard isCurrent(connection) else { break }
            try await connection.query(PostgresStatement("SELECT 1", effect: .reads))
        }
        if !isClosed { throw .unavailable(reason: "the connection was lost") }
    }

    private func isCurrent(_ connection: PostgresConnection) -> Bool {
        state.withLock { $0.connection == connection }
    }

    private func noteLoss(of connection: PostgresConnection) {
        state.withLock { if $0.connection == connection { $0.connection = nil } }
        wakeSleeper()
    }

    // MARK: Waiting

    /// Returns after the time given, or earlier if the connection breaks or the listener closes.
    private func sleep(
        for duration: Duration, while connection: PostgresConnection? = nil
    ) async {
        guard let reactor = try? Reactor.shared() else { return }
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            // The timer cannot run before the lock is free.
            let mustWait = state.withLock { state in
                // It may have broken before anybody slept who could be woken.
                if state.isClosed || connection != nil && state.connection != connection {
                    return false
                }
                let timer = reactor.schedule(after: duration) { [self] in wakeSleeper() }
                state.sleeper = Sleeper(continuation: continuation, timer: timer)
                return true
            }
            if !mustWait { continuation.resume() }
        }
    }

    private func wakeSleeper() { wake(state.withLock { $0.sleeper.take() }) }

    private func wake(_ sleeper: Sleeper?) {
        guard let sleeper else { return }
        if let reactor = try? Reactor.shared() { reactor.cancelTimer(sleeper.timer) }
        sleeper.continuation.resume()
    }
}
