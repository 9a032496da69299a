// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Synchronization

/// Calls as POSTs, each over a connection of its own.
///
/// A connection that is kept open may be closed by the server just as a call is sent over it, and
/// then nobody knows whether the call arrived. Calls are seconds apart, so a new connection for
/// each costs nothing that matters and leaves no such doubt. Cookies are neither kept nor sent.
final class HTTPTransport: Sendable {
    private let configuration: HiveServer2Configuration
    private let path: String
    private let client: HTTPClient
    private let isShutDown = Mutex(false)

    init(_ configuration: HiveServer2Configuration, path: String) throws(HiveServer2Error) {
        self.configuration = configuration
        self.path = path
        var settings = HTTPClient.Configuration(
            tlsConfiguration: try configuration.tlsConfiguration(),
            redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(configuration.connectLimit)))
        settings.httpVersion = .http1Only
        settings.maximumUsesPerConnection = 1
        // Whoever calls decides whether to try again.
        settings.connectionPool.retryConnectionEstablishment = false
        // A long poll keeps a connection busy; another call must not wait for it.
        settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 64
        client = HTTPClient(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: settings)
    }

    deinit { if !isShutDown.withLock({ $0 }) { client.shutdown { _ in } } }

    /// Makes a call.
    func call<Success: Reply>(
        _ request: Request, sequence: Int32, fate: HiveServer2Error.SessionFate
    ) async throws(HiveServer2Error) -> Success {
        guard !isShutDown.withLock({ $0 }) else { throw .closed }
        let bytes = try await post(request.encoded(sequence: sequence), fate: fate)
        return try ReplyReader.read(
            from: bytes, to: request, sequence: sequence, limits: configuration.limits)
    }

    /// Ends every call and closes the connections.
    func shutDown() async {
        let wasShutDown = isShutDown.withLock { flag in
            defer { flag = true }
            return flag
        }
        guard !wasShutDown else { return }
        // It throws when calls were under way, which is what shutting down ends.
        try? await client.shutdown()
    }

    private func post(
        _ message: [UInt8], fate: HiveServer2Error.SessionFate
    ) async throws(HiveServer2Error) -> [UInt8] {
        let limit = configuration.replyLimit
        let body = RequestBody(message)
        let result = await withTaskGroup(
            of: Result<[UInt8], HiveServer2Error>.self
        ) { group in
            group.addTask { await self.send(body, fate: fate) }
            group.addTask {
                do {
                    try await ContinuousClock().sleep(for: limit)
                } catch {
                    return .failure(.cancelled)
                }
                guard body.isSent else {
                    return .failure(.unreachable(reason: "no connection within \(limit)"))
                }
                return .failure(.stalled(limit: limit, session: fate))
            }
            defer { group.cancelAll() }
            return await group.next() ?? .failure(.cancelled)
        }
        return try result.get()
    }

    private func send(
        _ body: RequestBody, fate: HiveServer2Error.SessionFate
    ) async -> Result<[UInt8], HiveServer2Error> {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        let credentials = configuration.basicCredentials
        request.setBasicAuth(username: credentials.user, password: credentials.password)
        request.headers.add(name: "Accept", value: "application/x-thrift")
        request.headers.add(name: "Content-Type", value: "application/x-thrift")
        request.body = .stream(body, length: .known(Int64(body.message.count)))
        let limits = configuration.limits
        do {
            let response = try await client.execute(request, deadline: .distantFuture)
            switch response.status.code {
            case 200: break
            case 401, 403:
                return .failure(.rejected(reason: "HTTP status \(response.status.code)"))
            default:
                return .failure(.httpStatus(Int(response.status.code), session: fate))
            }
            let reply = try await response.body.collect(upTo: limits.messageBytes)
            return .success(Array(buffer: reply))
        } catch is NIOTooManyBytesError {
            return .failure(.limitExceeded(.messageBytes, maximum: limits.messageBytes))
        } catch {
            return .failure(failure(error, isSent: body.isSent, fate: fate))
        }
    }

    private func failure(
        _ error: any Error, isSent: Bool, fate: HiveServer2Error.SessionFate
    ) -> HiveServer2Error {
        if Task.isCancelled || error is CancellationError { return .cancelled }
        if isShutDown.withLock({ $0 }) { return .closed }
        if isSent { return .connectionLost(reason: "\(error)", session: fate) }
        if TLSFailure.isOne(error) { return .untrusted(reason: TLSFailure.text(error)) }
        return .unreachable(reason: ConnectFailure.text(error))
    }

    private var url: String {
        let scheme = configuration.tls == .off ? "http" : "https"
        let host = configuration.host
        let place = host.contains(":") ? "[\(host)]" : host
        let path = path.hasPrefix("/") ? String(path.dropFirst()) : path
        return "\(scheme)://\(place):\(configuration.port)/\(path)"
    }
}

/// The body of a request, which notices when it is wanted: only then is there a connection, and
/// whatever fails before has failed before anything was sent.
private struct RequestBody: AsyncSequence, Sendable {
    let message: [UInt8]
    private let sending = Sending()

    private final class Sending: Sendable {
        let hasBegun = Atomic(false)
    }

    init(_ message: [UInt8]) { self.message = message }

    /// Whether some of it may have been sent.
    var isSent: Bool { sending.hasBegun.load(ordering: .acquiring) }

    func makeAsyncIterator() -> Iterator { Iterator(body: self) }

    struct Iterator: AsyncIteratorProtocol {
        let body: RequestBody
        private var isAtEnd = false

        init(body: RequestBody) { self.body = body }

        mutating func next() async -> ByteBuffer? {
            guard !isAtEnd else { return nil }
            isAtEnd = true
            body.sending.hasBegun.store(true, ordering: .releasing)
            return ByteBuffer(bytes: body.message)
        }
    }
}
