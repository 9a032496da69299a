// SPDX-License-Identifier: Apache-2.0

import HiveServer2
import Synchronization
import TestSupport

extension SparkThriftServer {
    /// The server of a transport that this process's tests share; started on first use, and gone
    /// with the process.
    static func shared(_ transport: Transport) async throws -> SparkThriftServer {
        let starting = servers.withLock { servers in
            if let task = servers[transport] { return task }
            // Unstructured because it outlives the test that happens to come first.
            let task = Task { try await start(Options(transport)) }
            servers[transport] = task
            return task
        }
        return try await starting.value
    }

    private static let servers = Mutex<[Transport: Task<SparkThriftServer, any Error>]>([:])

    /// How to reach it.
    var configuration: HiveServer2Configuration {
        let plain = HiveServer2Configuration.Authentication.plain(user: "ann", password: "x")
        return switch options.transport {
        case .binaryNoSASL: .init(host: "127.0.0.1", port: port, authentication: .nosasl)
        case .binaryPlain: .init(host: "127.0.0.1", port: port, authentication: plain)
        case .http:
            .init(host: "127.0.0.1", port: port, transport: .http(), authentication: plain)
        }
    }

    /// Runs the body with a client and a session, and closes both.
    func withSession(
        settings: [String: String] = [:],
        _ body: (HiveServer2Client, SessionHandle) async throws -> Void
    ) async throws {
        let client = try HiveServer2Client(configuration)
        do {
            let session = try await client.openSession(settings: settings)
            try await body(client, session)
            try await client.closeSession(session)
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
    }
}
