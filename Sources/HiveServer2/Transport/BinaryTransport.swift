// SPDX-License-Identifier: Apache-2.0

internal import NIOSSL
internal import Synchronization

/// Calls over connections: one for each session, and one more for a call while that is taken.
///
/// A server ends a session with the connection that opened it, so each session has its own and
/// nothing else endangers it. Handles work from any connection: a call that finds its session's
/// connection waiting in a long poll, or that is about a session opened elsewhere, makes a
/// connection for itself alone.
final class BinaryTransport: Sendable {
    private struct State {
        var connections: [SessionHandle: BinaryConnection] = [:]
        /// Where each operation's session has its connection.
        var sessions: [OperationHandle: SessionHandle] = [:]
        /// Those of calls that have one for themselves, and of sessions that are being opened.
        var transient: [ObjectIdentifier: BinaryConnection] = [:]
        var isShutDown = false
    }

    private let configuration: HiveServer2Configuration
    private let tls: NIOSSLContext?
    private let state = Mutex(State())

    init(_ configuration: HiveServer2Configuration) throws(HiveServer2Error) {
        self.configuration = configuration
        guard let tls = try configuration.tlsConfiguration() else {
            self.tls = nil
            return
        }
        do {
            self.tls = try NIOSSLContext(configuration: tls)
        } catch {
            throw .misuse(reason: "TLS: \(error)")
        }
    }

    // MARK: Sessions

    /// Opens a connection and a session that belongs to it.
    func openSession(
        _ request: Request, sequence: Int32
    ) async throws(HiveServer2Error) -> SessionHandle {
        let connection = try await connect()
        defer { release(connection) }
        guard connection.take() else {
            throw .connectionLost(reason: "it ended at once", session: .notOpened)
        }
        let reply: OpenSessionReply = try await call(
            request, sequence: sequence, over: connection, fate: .notOpened)
        let session: SessionHandle
        do {
            session = try reply.session()
        } catch {
            throw HiveServer2Error(error, in: request.method, limits: configuration.limits)
        }
        let isShutDown = state.withLock {
            if !$0.isShutDown { $0.connections[session] = connection }
            return $0.isShutDown
        }
        guard !isShutDown else { throw .closed }
        return session
    }

    /// The session is closed: so is its connection.
    func forget(_ session: SessionHandle) {
        let connection = state.withLock {
            $0.sessions = $0.sessions.filter { $0.value != session }
            return $0.connections.removeValue(forKey: session)
        }
        connection?.close()
    }

    /// The operation runs in the session.
    func remember(_ operation: OperationHandle, in session: SessionHandle) {
        state.withLock {
            if $0.connections[session] != nil { $0.sessions[operation] = session }
        }
    }

    /// The operation is closed.
    func forget(_ operation: OperationHandle) {
        state.withLock { _ = $0.sessions.removeValue(forKey: operation) }
    }

    /// The session that an operation was begun in by this client.
    func session(of operation: OperationHandle) -> SessionHandle? {
        state.withLock { $0.sessions[operation] }
    }

    // MARK: Calls

    /// Makes a call over the session's connection, or over one of its own when that is taken or
    /// there is none.
    func call<Success: Reply>(
        _ request: Request, in session: SessionHandle?, sequence: Int32
    ) async throws(HiveServer2Error) -> Success {
        let own = state.withLock { state in session.flatMap { state.connections[$0] } }
        if let own {
            if own.take() {
                return try await call(request, sequence: sequence, over: own, fate: .gone)
            }
            // A session whose connection has ended is being closed by the server.
            if let reason = own.ended { throw reason.errorOfLaterCall }
        }
        let connection = try await connect()
        defer {
            release(connection)
            connection.close()
        }
        guard connection.take() else {
            throw .connectionLost(reason: "it ended at once", session: .kept)
        }
        return try await call(request, sequence: sequence, over: connection, fate: .kept)
    }

    private func call<Success: Reply>(
        _ request: Request, sequence: Int32, over connection: BinaryConnection,
        fate: HiveServer2Error.SessionFate
    ) async throws(HiveServer2Error) -> Success {
        let limits = configuration.limits
        switch await connection.exchange(request.encoded(sequence: sequence)) {
        case .failure(let reason):
            throw reason.error(in: request.method, session: fate, limits: limits)
        case .success(let bytes):
            do throws(HiveServer2Error) {
                return try ReplyReader.read(
                    from: bytes, to: request, sequence: sequence, limits: limits)
            } catch {
                // After a reply that cannot be read, nobody knows what the next bytes belong to.
                if error.breaksConversation { connection.close(.lost(error.description)) }
                throw error
            }
        }
    }

    private func connect() async throws(HiveServer2Error) -> BinaryConnection {
        guard !state.withLock({ $0.isShutDown }) else { throw .closed }
        let connection = try await BinaryConnection.open(configuration, tls: tls)
        let isShutDown = state.withLock {
            if !$0.isShutDown { $0.transient[ObjectIdentifier(connection)] = connection }
            return $0.isShutDown
        }
        guard !isShutDown else { throw .closed }
        return connection
    }

    private func release(_ connection: BinaryConnection) {
        state.withLock { _ = $0.transient.removeValue(forKey: ObjectIdentifier(connection)) }
    }

    /// Closes every connection, which ends their sessions.
    func shutDown() {
        let connections = state.withLock { state in
            let all = Array(state.connections.values) + state.transient.values
            state = State(isShutDown: true)
            return all
        }
        for connection in connections { connection.close() }
    }
}

extension ConversationEnd {
    /// What it means to a call that comes after the connection of its session has ended.
    fileprivate var errorOfLaterCall: HiveServer2Error {
        switch self {
        case .closed: .closed
        case .lost(let text): .connectionLost(reason: text, session: .gone)
        case .stalled(let limit):
            .connectionLost(reason: "an earlier call had no reply in \(limit)", session: .gone)
        case .unreadable(let error):
            .connectionLost(reason: "an earlier reply: \(error)", session: .gone)
        case .neverOpened(let error): .connectionLost(reason: "\(error)", session: .gone)
        case .abandoned: .connectionLost(reason: "an earlier call was left", session: .gone)
        }
    }
}

extension HiveServer2Error {
    /// Whether the reply was no answer to the call, rather than an answer of any kind.
    fileprivate var breaksConversation: Bool {
        switch self {
        case .malformed, .limitExceeded: true
        case .misuse, .unreachable, .untrusted, .rejected, .connectionLost, .stalled,
            .handleLost, .statement, .exception, .httpStatus, .cancelled, .closed:
            false
        }
    }
}
