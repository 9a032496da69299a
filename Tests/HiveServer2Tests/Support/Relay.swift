// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Synchronization

/// Passes bytes on to a server on the loopback address, until it is cut.
final class Relay: Sendable {
    let port: Int
    private let open: Connections

    private final class Connections: Sendable {
        private let channels = Mutex<[any Channel]>([])

        func add(_ channel: any Channel) { channels.withLock { $0.append(channel) } }

        func closeAll() async {
            let all = channels.withLock { channels in
                defer { channels = [] }
                return channels
            }
            // One that has ended already cannot be closed, which is as well.
            for channel in all { try? await channel.close() }
        }
    }

    private init(port: Int, open: Connections) {
        self.port = port
        self.open = open
    }

    /// Ends every connection that there is; new ones may be made.
    func cut() async { await open.closeAll() }

    /// Runs the body while the relay is there.
    static func with(to port: Int, _ body: (Relay) async throws -> Void) async throws {
        let open = Connections()
        let group = MultiThreadedEventLoopGroup.singleton
        let server = try await ServerBootstrap(group: group)
            .childChannelOption(.autoRead, value: true)
            .childChannelInitializer { near in
                open.add(near)
                // On the near side's event loop, where the handlers may meet.
                return ClientBootstrap(group: near.eventLoop)
                    .connect(host: "127.0.0.1", port: port)
                    .flatMapThrowing { far in
                        open.add(far)
                        try near.pipeline.syncOperations.addHandler(Passing(to: far))
                        try far.pipeline.syncOperations.addHandler(Passing(to: near))
                    }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            try await body(Relay(port: server.localAddress?.port ?? 0, open: open))
        } catch {
            await open.closeAll()
            try await server.close()
            throw error
        }
        await open.closeAll()
        try await server.close()
    }

    private final class Passing: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let other: any Channel

        init(to other: any Channel) { self.other = other }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            other.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
