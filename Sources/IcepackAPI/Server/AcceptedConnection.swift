// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes
import Synchronization

/// HTTP/1.1 over connections that may be dropped before anybody serves them.
///
/// A server that is cancelled forgets the connections that it has accepted and not begun to serve.
/// To NIO a channel that is forgotten without being closed is a mistake that ends the process.
struct GuardedHTTP1Channel: ServerChildChannel {
    let http: HTTP1Channel

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<AcceptedConnection> {
        http.setup(channel: channel, logger: logger).map { AcceptedConnection($0) }
    }

    func handle(value: AcceptedConnection, logger: Logger) async {
        await http.handle(value: value.take(), logger: logger)
    }
}

/// A connection from when it was accepted until it is served; one that is dropped is closed.
final class AcceptedConnection: ServerChildChannelValue {
    typealias HTTPChannel = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    private let http: HTTPChannel
    private let isTaken = Mutex(false)

    init(_ http: HTTPChannel) { self.http = http }

    var channel: any Channel { http.channel }

    /// The connection, for somebody who closes it.
    func take() -> HTTPChannel {
        isTaken.withLock { $0 = true }
        return http
    }

    deinit {
        guard !isTaken.withLock({ $0 }) else { return }
        let http = http
        // Nobody waits for it: whoever dropped it is gone.
        Task { try? await http.executeThenClose { _, _ in } }
    }
}
