// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// One Thrift Server at a time for all tests of a process, kept for the next test that wants the
/// same kind.
///
/// Tests take turns, since a machine with two cores has no room for two servers. The last one ends
/// with the process.
enum SparkTurn {
    private struct Waiting {
        var isTaken = false
        var line: [CheckedContinuation<Void, Never>] = []
        var server: SparkThriftServer?
    }

    private static let waiting = Mutex(Waiting())

    /// Runs the body with a server when it is its turn.
    static func use<Value>(
        _ options: SparkThriftServer.Options,
        _ body: (SparkThriftServer) async throws -> Value
    ) async throws -> Value {
        await take()
        defer { release() }
        return try await body(try await server(options))
    }

    private static func server(
        _ options: SparkThriftServer.Options
    ) async throws -> SparkThriftServer {
        if let kept = waiting.withLock({ $0.server }) {
            if kept.options == options, kept.isRunning { return kept }
            waiting.withLock { $0.server = nil }
            try await kept.stop()
        }
        let server = try await SparkThriftServer.start(options)
        print("spark: \(server.versions), \(options.transport), UI at \(server.uiURL)")
        waiting.withLock { $0.server = server }
        return server
    }

    /// Takes note of a server that a test has started again.
    static func keep(_ server: SparkThriftServer) {
        waiting.withLock { $0.server = server }
    }

    private static func take() async {
        await withCheckedContinuation { continuation in
            let isMine = waiting.withLock { waiting in
                if waiting.isTaken {
                    waiting.line.append(continuation)
                    return false
                }
                waiting.isTaken = true
                return true
            }
            if isMine { continuation.resume() }
        }
    }

    private static func release() {
        let next: CheckedContinuation<Void, Never>? = waiting.withLock { waiting in
            if waiting.line.isEmpty {
                waiting.isTaken = false
                return nil
            }
            return waiting.line.removeFirst()
        }
        next?.resume()
    }
}

extension SparkThriftServer {
    /// Runs the body with the server that this process's tests share, when it is this one's turn.
    ///
    /// Tables stay from test to test: give yours a name of its own. What the server said is added
    /// to the error when the body throws.
    public static func withShared<Value>(
        _ options: Options, _ body: (SparkThriftServer) async throws -> Value
    ) async throws -> Value {
        try await SparkTurn.use(options) { server in
            do {
                return try await body(server)
            } catch {
                throw Failure(description: "\(error)\n\(server.logTail)")
            }
        }
    }
}
