// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import Maintenance
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOPosix
import TestSupport
import Testing

@testable import IcepackAPI

@Suite(.timeLimit(.minutes(15))) struct ShutdownTests {
    private static let planPath = TestAPI.submitPath + "/plan"

    @Test func `a request in flight is finished before the server ends`() async throws {
        let (started, start) = AsyncStream<Void>.makeStream()
        let (released, release) = AsyncStream<Void>.makeStream()
        try await withAPI { configuration in
            configuration.planner = { table, action, options async throws(MaintenanceError) in
                start.yield()
                for await _ in released { break }
                return try await plannedExpiry(table, action, options)
            }
        } _: { api in
            async let reply = api.send(.POST, Self.planPath, body: TestAPI.expire)
            _ = await started.first { _ in true }

            await api.stop()
            release.yield()

            let status = try await reply.status
            #expect(status == 200)
        }
    }

    @Test func `a request that does not end is cut off at the limit`() async throws {
        let (started, start) = AsyncStream<Void>.makeStream()
        try await withAPI { configuration in
            configuration.limits.shutdownLimit = .milliseconds(50)
            configuration.planner = { _, _, _ async throws(MaintenanceError) in
                start.yield()
                return try await forever()
            }
        } _: { api in
            async let reply = api.send(.POST, Self.planPath, body: TestAPI.expire)
            _ = await started.first { _ in true }

            await api.stop()

            // What the client sees is the end of the connection or an error, never a plan.
            let status = try? await reply.status
            #expect(status != 200)
        }
    }

    @Test func `an idle connection does not hold the server back`() async throws {
        try await withAPI { api in
            try await withRawConnection(to: api) { connection in
                try await connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try await connection.response().status == 200)

                await api.stop()

                #expect(try await connection.readToEnd() == "")
            }
        }
    }

    @Test func `an event stream ends when the server is told to stop`() async throws {
        try await withAPI { api in
            let id = try await api.submit()
            try await withRawConnection(to: api) { connection in
                try await connection.send("GET /jobs/\(id)/events HTTP/1.1\r\nHost: x\r\n\r\n")
                _ = try await connection.read(until: "\"status\":\"pending\"")

                await api.stop()

                #expect(try await connection.readToEnd().hasSuffix("0\r\n\r\n"))
            }
        }
    }

    @Test func `a connection that nobody serves any more is closed`() async throws {
        let channel = NIOAsyncTestingChannel()
        let server = GuardedHTTP1Channel(
            http: HTTP1Channel { _, writer, _ in try await writer.writeResponse(.init(status: .ok))
            })
        var accepted: AcceptedConnection? = try await channel.eventLoop.flatSubmit {
            server.setup(channel: channel, logger: .silent)
        }.get()
        #expect(accepted?.channel === channel)

        accepted = nil

        try await channel.closeFuture.get()
    }

    @Test func `a server that is cancelled forgets no connection`() async throws {
        // An address of its own: once the server is gone, another one may get its port, and keep
        // connections that come late.
        let host = "127.0.0.42"
        for _ in 0..<10 {
            let (ports, listening) = AsyncStream<Int>.makeStream()
            let store = InMemoryJobStore()
            let server = APIServer(
                configuration: APIConfiguration(
                    store: store, planner: plannedExpiry, inspector: inspectedTable,
                    quarantine: .holding, router: .everything, now: { TestAPI.now },
                    logger: .silent), host: host, port: 0
            ) { listening.yield($0) }
            let run = Task { try await server.run() }
            let port = try #require(await ports.first { _ in true })
            let clients = (0..<50).map { _ in
                ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                    .connect(host: host, port: port)
            }
            run.cancel()
            _ = await run.result

            for client in clients {
                // One that came too late is refused.
                guard let channel = try? await client.get() else { continue }
                try await channel.closeFuture.get()
            }
        }
    }
}
