// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A bounded set of connections that tasks share.
///
/// Connections are opened when somebody waits for one, replaced when they break (the reactor sees
/// that at once, so a dead one is not handed out), and closed when they have been idle for long.
public final class PostgresPool: Sendable {
    /// How large a pool is and how patient its callers are.
    public struct Limits: Hashable, Sendable {
        /// Connections that stay open once the pool has been used.
        public var minimumConnections = 1
        /// Connections at the same time.
        public var maximumConnections = 8
        /// How long a caller waits for a connection.
        public var acquireTimeout: Duration = .seconds(5)
        /// How long a connection beyond the minimum may be idle.
        public var idleTimeout: Duration = .seconds(60)

        /// Takes both sizes; the other limits keep their defaults.
        public init(minimumConnections: Int = 1, maximumConnections: Int = 8) {
            self.maximumConnections = max(1, maximumConnections)
            self.minimumConnections = max(0, min(minimumConnections, self.maximumConnections))
        }
    }

    private typealias Waiter = UnsafeContinuation<Result<PostgresConnection, PostgresError>, Never>

    private struct State {
        var machine: PoolStateMachine<PostgresConnection, Waiter>
        var trimTimer: UInt64?
        var closers: [UnsafeContinuation<Void, Never>] = []
        var cancelledInAdvance: Set<UInt64> = []
    }

    /// Where the connections lead.
    public let configuration: PostgresConfiguration
    /// Its limits.
    public let limits: Limits

    private let state: Mutex<State>
    private let waiterIDs = Atomic<UInt64>(0)

    /// Makes an empty pool; nothing is opened before the first use.
    public init(_ configuration: PostgresConfiguration, limits: Limits = Limits()) {
        self.configuration = configuration
        self.limits = limits
        state = Mutex(
            State(
                machine: PoolStateMachine(
                    minimum: limits.minimumConnections, maximum: limits.maximumConnections)))
    }

    /// Runs one statement as a transaction of its own.
    @discardableResult
    public func query(_ statement: PostgresStatement) async throws(PostgresError) -> PostgresResult
    {
        let results = try await batch([statement])
        guard let result = results.first else {
            throw .decoding(reason: "the server returned no result")
        }
        return result
    }

    /// Runs one statement as a transaction of its own.
    @discardableResult
    public func query(
        _ sql: String, _ parameters: [PostgresValue] = [],
        effect: PostgresStatement.Effect = .writes
    ) async throws(PostgresError) -> PostgresResult {
        try await query(PostgresStatement(sql, parameters, effect: effect))
    }

    /// Runs statements in one round trip and as one transaction: all take effect, or none.
    public func batch(
        _ statements: [PostgresStatement]
    ) async throws(PostgresError) -> [PostgresResult] {
        try await withConnection { connection throws(PostgresError) in
            try await connection.batch(statements)
        }
    }

    /// Runs a script of several commands, as one transaction unless it holds its own.
    public func execute(script: String) async throws(PostgresError) {
        try await withConnection { connection throws(PostgresError) in
            try await connection.execute(script: script)
        }
    }

    /// Lends a connection to the body, which must not keep it.
    ///
    /// A connection left in a transaction is closed, which rolls back.
    public func withConnection<Value>(
        _ body: (PostgresConnection) async throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        for _ in 0..<Self.staleConnectionLimit {
            let connection = try await acquire()
            defer { release(connection) }
            do throws(PostgresError) {
                return try await body(connection)
            } catch {
                // It broke between the pool and here, before anything was sent on it.
                guard case .closed = error, !state.withLock({ $0.machine.isClosed }) else {
                    throw error
                }
            }
        }
        throw .unavailable(reason: "connections break as soon as they are opened")
    }

    private static let staleConnectionLimit = 4

    /// Lets no new caller in, waits for the connections in use, and closes them all.
    ///
    /// Connections that are not back within the time given are closed under their users.
    public func shutdown(within limit: Duration = .seconds(5)) async {
        let (closing, waiters) = state.withLock { $0.machine.close() }
        for connection in closing { connection.close() }
        for waiter in waiters { waiter.resume(returning: .failure(.closed)) }
        guard let reactor = try? Reactor.shared() else { return }
        let timer = reactor.schedule(after: limit) { [self] in closeLeased() }
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            let isDrained = state.withLock { state in
                if !state.machine.isDrained { state.closers.append(continuation) }
                return state.machine.isDrained
            }
            if isDrained { continuation.resume() }
        }
        reactor.cancelTimer(timer)
        if let timer = state.withLock({ $0.trimTimer.take() }) { reactor.cancelTimer(timer) }
    }

    /// Connections that are open now, lent or idle.
    public var openConnections: Int { state.withLock { $0.machine.openCount } }
}

// MARK: - Lending

extension PostgresPool {
    private func acquire() async throws(PostgresError) -> PostgresConnection {
        if Task.isCancelled { throw .cancelled }
        if let connection = state.withLock({ $0.machine.takeIdle() }) { return connection }
        let reactor = try Reactor.shared()
        let id = waiterIDs.add(1, ordering: .relaxed).newValue
        let timer = Mutex<UInt64?>(nil)
        let outcome = await withTaskCancellationHandler {
            await withUnsafeContinuation { (waiter: Waiter) in
                admit(waiter, id: id)
                // Only now: a timer that ran before there was anybody to wake would wake nobody.
                timer.withLock {
                    $0 = reactor.schedule(after: limits.acquireTimeout) { [self] in expire(id) }
                }
            }
        } onCancel: {
            withdraw(id, because: .cancelled)
        }
        // If it is not set yet, because the connection came so soon, it will find nobody waiting.
        if let timer = timer.withLock({ $0 }) { reactor.cancelTimer(timer) }
        state.withLock { _ = $0.cancelledInAdvance.remove(id) }
        return try outcome.get()
    }

    private func admit(_ waiter: Waiter, id: UInt64) {
        let (admission, openings) = state.withLock { state in
            if state.cancelledInAdvance.contains(id) {
                return (
                    PoolStateMachine<PostgresConnection, Waiter>.Admission.refused(.cancelled), 0
                )
            }
            return (state.machine.admit(waiter, id: id), state.machine.connectionsToOpen())
        }
        switch admission {
        case .member(let connection): waiter.resume(returning: .success(connection))
        case .refused(let error): waiter.resume(returning: .failure(error))
        case .waiting: break
        }
        open(openings)
    }

    private func withdraw(_ id: UInt64, because error: PostgresError) {
        let waiter = state.withLock { state in
            let waiter = state.machine.withdraw(id)
            if waiter == nil, error == .cancelled { state.cancelledInAdvance.insert(id) }
            return waiter
        }
        waiter?.resume(returning: .failure(error))
    }

    private func expire(_ id: UInt64) {
        let cause = state.withLock { $0.machine.lastFailure }
        withdraw(
            id,
            because: .unavailable(
                reason: cause ?? "all connections (\(limits.maximumConnections)) stayed in use"))
    }

    private func release(_ connection: PostgresConnection) {
        let isReusable = connection.isReusable
        let (placement, openings) = state.withLock { state in
            let placement = state.machine.release(
                connection, isReusable: isReusable, now: Reactor.now())
            return (placement, state.machine.connectionsToOpen())
        }
        settle(connection, placement)
        open(openings)
    }

    private func settle(
        _ connection: PostgresConnection,
        _ placement: PoolStateMachine<PostgresConnection, Waiter>.Placement
    ) {
        switch placement {
        case .handOver(let waiter): waiter.resume(returning: .success(connection))
        case .keep: break
        case .close: connection.close()
        }
        finishClosingIfDrained()
    }

    private func finishClosingIfDrained() {
        let closers = state.withLock { state -> [UnsafeContinuation<Void, Never>] in
            guard state.machine.isDrained else { return [] }
            defer { state.closers = [] }
            return state.closers
        }
        for closer in closers { closer.resume() }
    }

    private func closeLeased() {
        for connection in state.withLock({ $0.machine.leased }) { connection.close() }
    }
}

// MARK: - Opening and closing

extension PostgresPool {
    private func open(_ count: Int) {
        for _ in 0..<count {
            BlockingCalls.connect(configuration) { [self] outcome in
                switch outcome {
                case .success(let connection): opened(connection)
                case .failure(let error): openingFailed(error)
                }
            }
        }
    }

    private func opened(_ connection: PostgresConnection) {
        _ = connection.observe(
            PostgresConnection.Observers(broken: { [weak self, weak connection] _ in
                if let self, let connection { broke(connection) }
            }))
        let placement = state.withLock { $0.machine.connected(connection, now: Reactor.now()) }
        settle(connection, placement)
        scheduleTrim()
        open(state.withLock { $0.machine.connectionsToOpen() })
    }

    private func openingFailed(_ error: PostgresError) {
        let reason = error.description
        let (delay, dismissed) = state.withLock { state in
            let delay = state.machine.connectFailed(reason)
            // Waiting does not turn a wrong password into a right one.
            let isHopeless = ServerRefusal.isPermanent(reason)
            return (delay, isHopeless ? state.machine.dismissWaiters() : [])
        }
        for waiter in dismissed { waiter.resume(returning: .failure(error)) }
        finishClosingIfDrained()
        guard let delay, let reactor = try? Reactor.shared() else { return }
        _ = reactor.schedule(after: delay) { [weak self] in
            guard let self else { return }
            open(
                state.withLock { state in
                    state.machine.retryIsDue()
                    return state.machine.connectionsToOpen()
                })
        }
    }

    private func broke(_ connection: PostgresConnection) {
        let openings = state.withLock { state in
            state.machine.broke(connection)
            return state.machine.connectionsToOpen()
        }
        open(openings)
    }

    private func scheduleTrim() {
        guard limits.minimumConnections < limits.maximumConnections,
            let reactor = try? Reactor.shared()
        else { return }
        state.withLock { state in
            guard state.trimTimer == nil, !state.machine.isClosed else { return }
            state.trimTimer = reactor.schedule(after: limits.idleTimeout / 2) { [weak self] in
                self?.trim()
            }
        }
    }

    private func trim() {
        let idleNanoseconds = UInt64(clamping: max(0, limits.idleTimeout.milliseconds)) &* 1_000_000
        let now = Reactor.now()
        let (old, hasMore) = state.withLock { state in
            state.trimTimer = nil
            let old = state.machine.trim(
                unusedSince: now > idleNanoseconds ? now - idleNanoseconds : 0)
            return (old, state.machine.openCount > limits.minimumConnections)
        }
        for connection in old { connection.close() }
        if hasMore { scheduleTrim() }
    }
}

extension PostgresConnection: Equatable {
    /// Whether both are the same session.
    public static func == (left: PostgresConnection, right: PostgresConnection) -> Bool {
        left === right
    }
}

/// Tells a server that refuses us from one that is only busy or away.
private enum ServerRefusal {
    /// Libpq gives no code for a refused connection, only the server's text; one in another
    /// language counts as permanent, which costs its callers a retry of their own.
    static func isPermanent(_ message: String) -> Bool {
        guard message.contains("FATAL") else { return false }
        return ![
            "starting up", "shutting down", "recovery", "too many", "remaining connection slots",
        ]
        .contains { message.contains($0) }
    }
}
