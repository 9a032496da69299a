// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Sends HTTP requests, each once, and tells what became of it.
///
/// It follows no redirect and repeats nothing: whether a call may be made again is for the caller
/// to say. Connections are kept for a while, and closed when it is let go of.
public final class HTTPExchanger: Sendable {
    /// How patient it is, and whom it trusts.
    public struct Settings: Hashable, Sendable {
        /// How long until a connection stands.
        public var connectLimit = Duration.seconds(10)
        /// How long a server may be silent in the middle of a call.
        public var silenceLimit = Duration.seconds(60)
        /// How long a whole call may take.
        public var callLimit = Duration.seconds(120)
        /// The most connections to one host that are kept.
        public var connectionsPerHost = 8
        /// A file with the certificates to trust, in PEM, instead of the system's.
        public var trustedCertificates: String?
        /// Addresses for host names that no resolver knows.
        public var addressOverrides: [String: String] = [:]

        /// The usual ones.
        public init() {}
    }

    /// Shorter than servers keep idle connections, so that few requests meet one that is being
    /// closed, of which nobody could tell whether they arrived.
    private static let idleLimit = TimeAmount.seconds(4)

    private let client: HTTPClient
    private let callLimit: Duration

    /// Connects to nothing yet.
    public init(_ settings: Settings = Settings()) {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(
                connect: TimeAmount(settings.connectLimit), read: TimeAmount(settings.silenceLimit),
                write: TimeAmount(settings.silenceLimit)))
        configuration.httpVersion = .http1Only
        configuration.connectionPool = .init(
            idleTimeout: Self.idleLimit,
            concurrentHTTP1ConnectionsPerHostSoftLimit: settings.connectionsPerHost)
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

    /// The whole answer to a request.
    ///
    /// - Parameter limit: the most bytes of the answer's body.
    public func send(_ call: HTTPCall, limit: Int) async throws(HTTPFailure) -> HTTPAnswer {
        let response = try await open(call)
        let body = try await Self.body(of: response, limit: limit)
        return HTTPAnswer(
            status: Int(response.status.code),
            headers: response.headers.map { HTTPField($0.name, $0.value) }, body: body)
    }

    /// The head of the answer to a request, whose body is still to come; what reading it throws is
    /// for ``HTTPFailure/init(bodyError:)``.
    ///
    /// - Parameter limit: how long until the head must be there, if not as long as a call may take.
    package func open(
        _ call: HTTPCall, limit: Duration? = nil
    ) async throws(HTTPFailure) -> HTTPClientResponse {
        var request = HTTPClientRequest(url: call.url)
        request.method = HTTPMethod(rawValue: call.method)
        for field in call.headers { request.headers.add(name: field.name, value: field.value) }
        if !call.body.isEmpty { request.body = .bytes(ByteBuffer(bytes: call.body)) }
        do {
            return try await client.execute(request, timeout: TimeAmount(limit ?? callLimit))
        } catch {
            throw HTTPFailure(transportError: error)
        }
    }

    private static func body(
        of response: HTTPClientResponse, limit: Int
    ) async throws(HTTPFailure) -> [UInt8] {
        let announced = response.headers.first(name: "content-length").flatMap(Int.init)
        if let announced, announced > limit { throw .tooLarge(limit: limit) }
        var bytes: [UInt8] = []
        do {
            for try await piece in response.body {
                guard bytes.count + piece.readableBytes <= limit else {
                    throw HTTPFailure.tooLarge(limit: limit)
                }
                bytes.append(contentsOf: piece.readableBytesView)
            }
        } catch let error as HTTPFailure {
            throw error
        } catch {
            throw HTTPFailure(bodyError: error)
        }
        if let announced, bytes.count != announced {
            throw .broken(reason: "the answer ended after \(bytes.count) of \(announced) bytes")
        }
        return bytes
    }
}

extension HTTPFailure {
    private static let neverSent: Set<String> = Set(
        [
            HTTPClientError.connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout,
            .invalidURL, .emptyHost, .emptyScheme,
        ].map(\.description))

    /// Whether the request left is what counts; anything unknown may have.
    fileprivate init(transportError error: any Error) {
        switch error {
        case is CancellationError: self = .cancelled
        case let error as HTTPClientError where error == .cancelled: self = .cancelled
        case let error as HTTPClientError where Self.neverSent.contains(error.description):
            self = .notSent(reason: "no connection: \(error.shortDescription)")
        case let error as HTTPClientError:
            self = .broken(reason: "the call broke off: \(error.shortDescription)")
        case let error as NIOConnectionError:
            let cause = error.connectionErrors.first.map { "\($0.error)" } ?? "no address"
            self = .notSent(reason: "no connection to \(error.host):\(error.port): \(cause)")
        case let error as IOError where error.errnoCode == ECONNREFUSED:
            // Only connecting is answered so.
            self = .notSent(reason: "no connection: it was refused")
        case let error as ChannelError where error.isConnectTimeout:
            self = .notSent(reason: "no connection in time")
        case let error as NIOSSLError: self = Self.ofTLS(error)
        default: self = .broken(reason: "the connection failed: \(error)")
        }
    }

    /// In the middle of an answer the request was sent, whatever the error.
    package init(bodyError error: any Error) {
        switch HTTPFailure(transportError: error) {
        case .notSent(let reason): self = .broken(reason: reason)
        case let failure: self = failure
        }
    }

    private static func ofTLS(_ error: NIOSSLError) -> HTTPFailure {
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
    fileprivate init(_ duration: Duration) {
        self = .milliseconds(Int64(duration / .milliseconds(1)))
    }
}
