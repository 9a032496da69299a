// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Sends one HTTP request and tells what became of it; never sends one twice.
///
/// Its connections are closed when it is let go of.
final class HTTPTransport: Sendable {
    /// How long an idle connection is kept: shorter than servers do, so that few requests meet one
    /// which is being closed.
    static let idleLimit = TimeAmount.seconds(4)

    private let client: HTTPClient
    private let callLimit: Duration

    init(_ settings: S3Settings) {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(
                connect: TimeAmount(settings.connectLimit), read: TimeAmount(settings.silenceLimit),
                write: TimeAmount(settings.silenceLimit)))
        configuration.httpVersion = .http1Only
        configuration.connectionPool = .init(
            idleTimeout: Self.idleLimit,
            concurrentHTTP1ConnectionsPerHostSoftLimit: settings.connectionsPerHost)
        // Whether to try again is decided in one place, and not here.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.dnsOverride = settings.addressOverrides
        if let path = settings.trustedCertificates {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(path)
            configuration.tlsConfiguration = tls
        }
        client = HTTPClient(
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup, configuration: configuration)
        callLimit = settings.callLimit
    }

    deinit {
        // The client keeps itself alive until its connections are closed.
        client.shutdown { _ in }
    }

    /// The answer's head; its body is read through the reply.
    ///
    /// - Parameter limit: How long until the head must be there, if shorter than usual.
    func send(_ request: HTTPMessage, limit: Duration? = nil) async throws(CallFailure) -> HTTPReply
    {
        var outgoing = HTTPClientRequest(url: request.url)
        outgoing.method = HTTPMethod(rawValue: request.method)
        for field in request.headers { outgoing.headers.add(name: field.name, value: field.value) }
        if !request.body.isEmpty { outgoing.body = .bytes(ByteBuffer(bytes: request.body)) }
        do {
            let response = try await client.execute(
                outgoing, timeout: TimeAmount(limit ?? callLimit))
            return HTTPReply(response, isHead: request.method == "HEAD")
        } catch {
            throw CallFailure(transportError: error)
        }
    }
}

/// An HTTP request with everything in it.
struct HTTPMessage: Sendable {
    var method: String
    var url: String
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []
}

extension CallFailure {
    private static let neverSent: Set<String> = Set(
        [
            HTTPClientError.connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout,
            .invalidURL, .emptyHost,
        ].map(\.description))

    /// Whether a request left is what counts; anything unknown may have.
    init(transportError error: any Error) {
        switch error {
        case let error as CallFailure: self = error
        case is CancellationError: self = .cancelled
        case let error as HTTPClientError where error == .cancelled: self = .cancelled
        case let error as HTTPClientError where Self.neverSent.contains(error.description):
            self = .notSent(reason: error.shortDescription)
        case let error as HTTPClientError: self = .broken(reason: error.shortDescription)
        case let error as NIOConnectionError:
            let cause = error.connectionErrors.first.map { "\($0.error)" } ?? "no address"
            self = .notSent(reason: "no connection to \(error.host):\(error.port): \(cause)")
        case let error as IOError where error.errnoCode == ECONNREFUSED:
            // Only connecting is answered so.
            self = .notSent(reason: "no connection: it was refused")
        case let error as ChannelError where error.isConnectTimeout:
            self = .notSent(reason: "no connection in time")
        case let error as NIOSSLError: self = Self.handshake(error)
        default: self = .broken(reason: "the connection failed: \(error)")
        }
    }

    private static func handshake(_ error: NIOSSLError) -> CallFailure {
        switch error {
        case .handshakeFailed, .noCertificateToValidate, .unableToValidateCertificate:
            .notSent(reason: "the TLS handshake failed: \(error)")
        default: .broken(reason: "the TLS connection failed: \(error)")
        }
    }
}

extension ChannelError {
    fileprivate var isConnectTimeout: Bool {
        if case .connectTimeout = self { true } else { false }
    }
}

extension TimeAmount {
    fileprivate init(_ duration: Duration) { self = .milliseconds(duration.milliseconds) }
}
