// SPDX-License-Identifier: Apache-2.0

import HiveServer2
import TestSupport

extension SparkThriftServer {
    /// The server that this process's tests share, over a transport.
    ///
    /// It is nobody's turn after this: good only where tests run one after the other, as
    /// `make test-spark` has them.
    static func shared(_ transport: Transport) async throws -> SparkThriftServer {
        try await withShared(Options(transport)) { $0 }
    }

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
