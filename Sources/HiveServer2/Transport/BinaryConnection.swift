// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// Whether a connection is open, taken or over; shared by its handler and by those who call.
final class Occupancy: Sendable {
    private enum State {
        case opening
        case free
        case taken
        case ended(ConversationEnd)
    }

    private let state = Mutex(State.opening)
    private let opening = OneShot<Result<Void, HiveServer2Error>>()

    init() {}

    /// Takes a free connection; whether it was.
    func take() -> Bool {
        state.withLock {
            guard case .free = $0 else { return false }
            $0 = .taken
            return true
        }
    }

    /// Why it ended, if it did.
    var ended: ConversationEnd? {
        state.withLock { if case .ended(let reason) = $0 { reason } else { nil } }
    }

    /// Waits until it can be used, or cannot.
    func waitUntilOpen() async throws(HiveServer2Error) {
        try await opening.value(whenCancelled: .failure(.cancelled)).get()
    }

    /// It can be used, or cannot; whether this was news.
    func opened(_ result: Result<Void, HiveServer2Error>) {
        state.withLock {
            guard case .opening = $0 else { return }
            switch result {
            case .success: $0 = .free
            case .failure(let error): $0 = .ended(.neverOpened(error))
            }
        }
        opening.fulfil(result)
    }

    /// The call that took it is over.
    func release() {
        state.withLock { if case .taken = $0 { $0 = .free } }
    }

    /// It is of no more use; the first reason counts and is returned.
    @discardableResult
    func end(_ reason: ConversationEnd) -> ConversationEnd {
        let first: ConversationEnd = state.withLock {
            if case .ended(let first) = $0 { return first }
            $0 = .ended(reason)
            return reason
        }
        opening.fulfil(.failure(first.whenOpening))
        return first
    }
}

extension ConversationEnd {
    /// What it means to whoever waits for the connection to open.
    fileprivate var whenOpening: HiveServer2Error {
        switch self {
        case .neverOpened(let error): error
        case .lost(let text): .unreachable(reason: text)
        case .stalled(let limit): .unreachable(reason: "nothing within \(limit)")
        case .unreadable(let error): .unreachable(reason: error.description)
        case .abandoned: .cancelled
        case .closed: .closed
        }
    }

    /// What it means to whoever made a call, by what becomes of the session.
    func error(
        in call: String, session: HiveServer2Error.SessionFate, limits: HiveServer2Limits
    ) -> HiveServer2Error {
        switch self {
        case .neverOpened(let error): error
        case .lost(let text): .connectionLost(reason: text, session: session)
        case .stalled(let limit): .stalled(limit: limit, session: session)
        case .unreadable(let error): HiveServer2Error(error, in: call, limits: limits)
        case .abandoned: .cancelled
        case .closed: .closed
        }
    }
}

/// A connection of the binary transport, which carries one call at a time.
final class BinaryConnection: Sendable {
    private let channel: any Channel
    private let configuration: HiveServer2Configuration
    private let occupancy: Occupancy

    private init(
        channel: any Channel, configuration: HiveServer2Configuration, occupancy: Occupancy
    ) {
        self.channel = channel
        self.configuration = configuration
        self.occupancy = occupancy
    }

    deinit { close() }

    /// Connects, with TLS and authentication, within the limit for connecting.
    static func open(
        _ configuration: HiveServer2Configuration, tls: NIOSSLContext?
    ) async throws(HiveServer2Error) -> BinaryConnection {
        let occupancy = Occupancy()
        let limit = configuration.connectLimit
        let connected = OneShot<Result<any Channel, HiveServer2Error>>()
        let group = MultiThreadedEventLoopGroup.singleton
        ClientBootstrap(group: group)
            .connectTimeout(TimeAmount(limit))
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        let handler = try NIOSSLClientHandler(
                            context: tls, serverHostname: configuration.serverName)
                        try pipeline.addHandler(handler)
                    }
                    try pipeline.addHandler(
                        ConversationHandler(configuration: configuration, occupancy: occupancy))
                }
            }
            .connect(host: configuration.host, port: configuration.port)
            .whenComplete { result in
                switch result {
                case .success(let channel):
                    // Nobody waits for it any more: it would stay open for ever.
                    if !connected.fulfil(.success(channel)) { channel.close(promise: nil) }
                case .failure(let error):
                    let text = ConnectFailure.text(error)
                    let isTrust = TLSFailure.isOne(error)
                    connected.fulfil(
                        .failure(isTrust ? .untrusted(reason: text) : .unreachable(reason: text)))
                }
            }
        let channel = try await connected.value(whenCancelled: .failure(.cancelled)).get()
        let connection = BinaryConnection(
            channel: channel, configuration: configuration, occupancy: occupancy)
        // Counted from here and not from the start, so connecting takes twice the limit at most.
        let timer = channel.eventLoop.scheduleTask(in: TimeAmount(limit)) {
            occupancy.opened(
                .failure(.unreachable(reason: "TLS and authentication took over \(limit)")))
        }
        defer { timer.cancel() }
        try await occupancy.waitUntilOpen()
        return connection
    }

    /// Takes the connection for one call, if it is free.
    func take() -> Bool { occupancy.take() }

    /// Why the connection can no longer be used, if so.
    var ended: ConversationEnd? { occupancy.ended }

    /// Sends a message over the connection, which must have been taken, and waits for its reply.
    ///
    /// When the calling task is cancelled the wait ends at once, and the connection stays taken
    /// until the reply has come.
    func exchange(_ message: [UInt8]) async -> Result<[UInt8], ConversationEnd> {
        let reply = OneShot<Result<[UInt8], ConversationEnd>>()
        let call = PendingCall(message: message, limit: configuration.replyLimit, reply: reply)
        channel.writeAndFlush(call).whenFailure { [occupancy] error in
            reply.fulfil(.failure(occupancy.ended ?? .lost("\(error)")))
        }
        return await reply.value(whenCancelled: .failure(.abandoned))
    }

    /// Ends the connection and, with it, a session that belongs to it.
    func close(_ reason: ConversationEnd = .closed) {
        occupancy.end(reason)
        channel.close(promise: nil)
    }
}

/// Words for a connection that did not come about.
enum ConnectFailure {
    static func text(_ error: any Error) -> String {
        guard let error = error as? NIOConnectionError else { return TLSFailure.text(error) }
        let reasons =
            error.connectionErrors.map { "\($0.error)" }
            + [error.dnsAError, error.dnsAAAAError].compactMap { $0.map { "\($0)" } }
        return reasons.first ?? "no address"
    }
}
