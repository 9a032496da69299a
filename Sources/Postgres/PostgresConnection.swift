// SPDX-License-Identifier: Apache-2.0

internal import CPQ
internal import Synchronization

/// One session with the server, for one caller at a time.
///
/// Invariants: libpq is only touched under the mutex; at most one exchange is under way; while
/// `state.raw` is not nil its socket is registered with the reactor. A connection that broke, or on
/// which a cancel was sent, is never used again: a late cancel could hit the next statement.
public final class PostgresConnection: Sendable {
    /// Most statements in one exchange.
    ///
    /// All are written before the first reply is read, so this also bounds what the server has to
    /// hold back.
    public static let maximumBatch = 64

    /// What the connection is to do with messages and with its own end.
    struct Observers: Sendable {
        /// Called on the reactor's thread for every notification.
        var notification: @Sendable (_ channel: String, _ payload: String) -> Void = { _, _ in }
        /// Called once, when the connection has broken by itself.
        var broken: @Sendable (_ reason: String) -> Void = { _ in }
    }

    /// `@unchecked Sendable`: libpq lets any thread use a connection as long as one does at a time,
    /// which the mutex around this sees to.
    struct State: @unchecked Sendable {
        var raw: OpaquePointer?
        var token: UInt64 = 0
        var operation: Operation?
        var statements = StatementCache()
        var buffer = ParameterBuffer()
        var isWaitingToWrite = false
        var isRetired = false
        /// An exchange whose cancellation came before it was sent.
        var cancelledInAdvance: UInt64?
        var observers = Observers()
    }

    let reactor: Reactor
    let configuration: PostgresConfiguration
    private let operationIDs = Atomic<UInt64>(0)
    let state: Mutex<State>

    /// Opens a session.
    ///
    /// - Throws: ``PostgresError/unavailable(reason:)`` with libpq's reason, or `cancelled` if the
    ///   task was; the attempt then ends by itself.
    public static func connect(
        _ configuration: PostgresConfiguration
    ) async throws(PostgresError) -> PostgresConnection {
        if Task.isCancelled { throw .cancelled }
        let outcome = await withUnsafeContinuation { continuation in
            BlockingCalls.connect(configuration) { continuation.resume(returning: $0) }
        }
        return try outcome.get()
    }

    /// Takes over an open libpq connection.
    init(adopting raw: OpaquePointer, configuration: PostgresConfiguration) throws(PostgresError) {
        self.configuration = configuration
        do throws(PostgresError) {
            reactor = try Reactor.shared()
        } catch {
            PQfinish(raw)
            throw error
        }
        guard PQsetnonblocking(raw, 1) == 0, PQenterPipelineMode(raw) == 1 else {
            PQfinish(raw)
            throw .unavailable(reason: "libpq refused the pipeline mode")
        }
        // Notices would go to standard error; what matters arrives as errors.
        _ = PQsetNoticeProcessor(raw, { _, _ in }, nil)
        var initial = State()
        initial.raw = raw
        state = Mutex(initial)
        try register(socket: PQsocket(raw))
    }

    private func register(socket: Int32) throws(PostgresError) {
        // Under the lock, so that an event cannot come before the token is known.
        let registered: Result<UInt64, PostgresError> = state.withLock { state in
            Result { () throws(PostgresError) in
                state.token = try reactor.add(self, socket: socket)
                return state.token
            }
        }
        if case .failure(let error) = registered {
            state.withLock { state in
                if let raw = state.raw { PQfinish(raw) }
                state.raw = nil
            }
            throw error
        }
    }

    /// Whether another exchange may be started: open, idle, outside a transaction, never cancelled.
    var isReusable: Bool {
        state.withLock { state in
            guard let raw = state.raw, state.operation == nil, !state.isRetired else {
                return false
            }
            return PQtransactionStatus(raw) == PQTRANS_IDLE
        }
    }

    /// Sets who hears of notifications and of the connection's end.
    ///
    /// If it has ended already, nobody is called and the result is false.
    func observe(_ observers: Observers) -> Bool {
        state.withLock { state in
            state.observers = observers
            return state.raw != nil
        }
    }

    /// Ends the session.
    ///
    /// An exchange under way fails as a lost connection would.
    public func close() {
        let abandoned = state.withLock { state in
            shutDown(&state)
            return state.operation.take()
        }
        if let abandoned {
            abandoned.continuation.resume(returning: abandoned.lost("the connection was closed"))
        }
    }

    /// Runs one statement.
    ///
    /// Cancelling the task asks the server to stop; the call still waits for what became of the
    /// statement. The connection must not be in use.
    @discardableResult
    public func query(
        _ statement: PostgresStatement
    ) async throws(PostgresError) -> PostgresResult {
        let results = try await batch([statement])
        guard let result = results.first else {
            throw .decoding(reason: "the server returned no result")
        }
        return result
    }

    /// Runs statements in one round trip and, unless a transaction is open, as one transaction.
    ///
    /// If one fails none takes effect. The results are in the statements' order.
    public func batch(
        _ statements: [PostgresStatement]
    ) async throws(PostgresError) -> [PostgresResult] {
        guard !statements.isEmpty else { return [] }
        guard statements.count <= Self.maximumBatch else {
            throw .misuse(
                reason: "\(statements.count) statements at once; at most \(Self.maximumBatch)")
        }
        return try await exchange { (connection, state, id, continuation) in
            connection.send(statements, id: id, continuation: continuation, in: &state)
        }
    }

    /// Runs a script of several commands without parameters; outside a transaction it is one.
    public func execute(script: String) async throws(PostgresError) {
        guard !script.utf8.contains(0) else { throw .misuse(reason: "a script contains U+0000") }
        _ = try await exchange { (connection, state, id, continuation) in
            connection.send(script: script, id: id, continuation: continuation, in: &state)
        }
    }
}

// MARK: - Exchanges

extension PostgresConnection {
    private func exchange(
        _ send:
            @Sendable (PostgresConnection, inout State, UInt64, Operation.Continuation) ->
            PostgresError?
    ) async throws(PostgresError) -> [PostgresResult] {
        let id = operationIDs.add(1, ordering: .relaxed).newValue
        let outcome = await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: Operation.Continuation) in
                let refusal = state.withLock { state in
                    refuse(id, in: &state) ?? send(self, &state, id, continuation)
                }
                if let refusal { continuation.resume(returning: .failure(refusal)) }
            }
        } onCancel: {
            cancel(id)
        }
        return try outcome.get()
    }

    private func refuse(_ id: UInt64, in state: inout State) -> PostgresError? {
        if state.cancelledInAdvance == id { return .cancelled }
        if state.raw == nil || state.isRetired { return .closed }
        if state.operation != nil {
            return .misuse(reason: "a connection carries one exchange at a time")
        }
        return nil
    }

    private func send(
        _ statements: [PostgresStatement], id: UInt64, continuation: Operation.Continuation,
        in state: inout State
    ) -> PostgresError? {
        guard let raw = state.raw else { return .closed }
        var commands: [Operation.Command] = []
        commands.reserveCapacity(statements.count)
        var effect = PostgresStatement.Effect.reads
        for statement in statements {
            if statement.effect == .writes { effect = .writes }
            do throws(PostgresError) {
                try state.buffer.encode(statement.parameters)
                try send(statement, raw: raw, in: &state, commands: &commands)
            } catch {
                return abandon(error, in: &state, hasSent: !commands.isEmpty)
            }
        }
        state.operation = Operation(
            id: id, commands: commands, end: .synchronisation, effect: effect,
            deadline: replyDeadline(), continuation: continuation)
        // Whatever goes wrong from here on may go wrong after the server has committed. Libpq keeps
        // a failed write to itself until the next read, which the reactor will do.
        if PQpipelineSync(raw) != 1 { severLater(&state) }
        flush(raw, in: &state)
        return nil
    }

    private func send(
        _ statement: PostgresStatement, raw: OpaquePointer, in state: inout State,
        commands: inout [Operation.Command]
    ) throws(PostgresError) {
        let count = Int32(statement.parameters.count)
        var isSent = true
        switch statement.preparation {
        case .once:
            isSent = state.buffer.withPointers {
                PQsendQueryParams(raw, statement.sql, count, nil, $0, nil, nil, 0) == 1
            }
        case .kept:
            let name: String
            switch state.statements.look(up: statement.sql) {
            case .prepared(let known): name = known
            case .prepare(let new, let evicted):
                name = new
                if let evicted {
                    isSent =
                        PQsendQueryParams(raw, "DEALLOCATE \(evicted)", 0, nil, nil, nil, nil, 0)
                        == 1
                    commands.append(.deallocate)
                }
                isSent = isSent && PQsendPrepare(raw, new, statement.sql, 0, nil) == 1
                commands.append(.prepare(statement.sql))
            }
            isSent =
                isSent
                && state.buffer.withPointers {
                    PQsendQueryPrepared(raw, name, count, $0, nil, nil, 0) == 1
                }
        }
        guard isSent else { throw .unavailable(reason: BlockingCalls.lastMessage(of: raw)) }
        commands.append(.execute(statement.sql))
    }

    private func send(
        script: String, id: UInt64, continuation: Operation.Continuation, in state: inout State
    ) -> PostgresError? {
        guard let raw = state.raw else { return .closed }
        guard PQexitPipelineMode(raw) == 1, PQsendQuery(raw, script) == 1 else {
            return abandon(
                .unavailable(reason: BlockingCalls.lastMessage(of: raw)), in: &state, hasSent: true)
        }
        state.operation = Operation(
            id: id, commands: [], end: .lastResult, effect: .writes, deadline: replyDeadline(),
            continuation: continuation)
        flush(raw, in: &state)
        return nil
    }

    /// Gives up before the synchronisation point was sent, so nothing can be committed.
    ///
    /// What was sent cannot be taken back: the session ends.
    private func abandon(
        _ error: PostgresError, in state: inout State, hasSent: Bool
    ) -> PostgresError {
        if hasSent || error.isConnectionFault { shutDown(&state) }
        return error
    }

    private func replyDeadline() -> UInt64 {
        let patience = configuration.statementTimeout + configuration.replyGrace
        return Reactor.now() &+ UInt64(clamping: max(0, patience.milliseconds)) &* 1_000_000
    }
}

extension PostgresError {
    fileprivate var isConnectionFault: Bool {
        switch self {
        case .unavailable, .outcomeUnknown, .closed: true
        case .server, .cancelled, .misuse, .decoding: false
        }
    }
}
