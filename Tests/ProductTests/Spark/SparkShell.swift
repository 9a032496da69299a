// SPDX-License-Identifier: Apache-2.0

import HiveServer2
import TestSupport

/// Runs statements on a Thrift Server: what tests make tables with, and look at them.
struct SparkShell: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let client: HiveServer2Client
    private let session: SessionHandle

    static func open(
        _ server: SparkThriftServer, settings: [String: String] = [:]
    ) async throws -> SparkShell {
        let client = try HiveServer2Client(server.client)
        do {
            return SparkShell(
                client: client, session: try await client.openSession(settings: settings))
        } catch {
            await client.shutdown()
            throw Failure(description: "\(error)\n\(server.logTail)")
        }
    }

    func close() async { await client.shutdown() }

    /// Runs statements one after the other.
    func run(_ statements: [String]) async throws {
        for statement in statements { _ = try await run(statement) }
    }

    /// Runs a statement to its end and fetches its result.
    @discardableResult
    func run(_ statement: String) async throws -> ResultSet {
        let operation = try await client.execute(statement, in: session)
        let status = try await end(of: operation)
        guard status.state == .finished else {
            let message = HiveServer2Error.firstLine(of: status.errorMessage ?? "")
            throw Failure(description: "\(status.state): \(message) in: \(statement.prefix(300))")
        }
        let rows = try await client.rows(of: operation)
        try await client.closeOperation(operation)
        return rows
    }

    /// What the server says of a statement that it must refuse: the message in full.
    func refusal(of statement: String) async throws -> String {
        let operation = try await client.execute(statement, in: session)
        let status = try await end(of: operation)
        guard status.state == .error, let message = status.errorMessage else {
            throw Failure(description: "\(status.state), and was to fail: \(statement)")
        }
        try await client.closeOperation(operation)
        return message
    }

    private func end(of operation: OperationHandle) async throws -> OperationStatus {
        try await withDeadline("the statement ends", limit: .seconds(120)) {
            while true {
                let status = try await client.status(of: operation)
                if status.state.isTerminal { return status }
            }
        }
    }
}

extension SparkThriftServer {
    /// How our client reaches it.
    var client: HiveServer2Configuration {
        let ann = HiveServer2Configuration.Authentication.plain(user: "ann", password: "any")
        return switch options.transport {
        case .binaryNoSASL: .init(host: "127.0.0.1", port: port, authentication: .nosasl)
        case .binaryPlain: .init(host: "127.0.0.1", port: port, authentication: ann)
        case .http: .init(host: "127.0.0.1", port: port, transport: .http(), authentication: ann)
        }
    }
}
