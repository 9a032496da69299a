// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
public import Jobs
import Logging
import NIOCore
public import ServiceLifecycle

/// Serves the REST contract over HTTP/1.1.
///
/// On graceful shutdown it stops listening, ends event streams and idle connections, and gives
/// requests in flight ``APILimits/shutdownLimit`` to finish.
public struct APIServer<Store: JobStore>: Service {
    private let configuration: APIConfiguration<Store>
    private let host: String
    private let port: Int
    private let onListening: @Sendable (Int) async -> Void

    /// Listens on a host and port once it runs; port 0 takes a free one.
    ///
    /// - Parameter onListening: Called with the port once connections are accepted.
    public init(
        configuration: APIConfiguration<Store>, host: String, port: Int,
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.host = host
        self.port = port
        self.onListening = onListening
    }

    /// Serves until graceful shutdown or cancellation.
    ///
    /// - Throws: When the address cannot be listened on.
    public func run() async throws {
        let application = makeApplication()
        let logger = configuration.logger
        let limit = configuration.limits.shutdownLimit
        try await withThrowingTaskGroup(of: Ending.self) { group in
            group.addTask {
                do { try await application.run() } catch is CancellationError {}
                return .finished
            }
            group.addTask {
                // Cancelled when the server ends by itself.
                do {
                    try await gracefulShutdown()
                    try await Task.sleep(for: limit)
                } catch { return .finished }
                return .outOfTime
            }
            if case .outOfTime? = try await group.next() {
                logger.warning(
                    "requests in flight were cut off", metadata: ["limit": "\(limit)"])
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    private enum Ending {
        case finished
        case outOfTime
    }

    private func makeApplication() -> Application<APIResponder> {
        let limits = configuration.limits
        let connections = min(
            limits.maximumConnections, OpenFileLimit.connectionsThatFit() ?? .max)
        let http = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionGuard(limits: limits)],
            idleTimeout: TimeAmount(limits.idleLimit),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: limits.maximumHeaderBytes,
                maxHeaderListSize: limits.maximumHeaderBytes,
                maxHeaderFieldCount: limits.maximumHeaderCount))
        let onListening = onListening
        let fallback = port
        return Application(
            responder: APIResponder(
                table: APIHandlers(configuration).table, logger: configuration.logger),
            server: HTTPServerBuilder { responder in
                GuardedHTTP1Channel(
                    http: HTTP1Channel(responder: responder, configuration: http))
            },
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port), backlog: 1024,
                availableConnectionsDelegate: MaximumAvailableConnections(
                    connections, logger: configuration.logger)),
            onServerRunning: { await onListening($0.localAddress?.port ?? fallback) },
            logger: Self.quiet(configuration.logger))
    }

    /// The server's own lines are about every connection; below a warning they say nothing that
    /// the access log does not.
    private static func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }
}
