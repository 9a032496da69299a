// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The Thrift Servers of all tests of a process: one of each kind, kept for the next test that
/// wants it, whatever its transport.
///
/// Tests take turns, since a machine with two cores has no room for two that work at once. Servers
/// end with the process.
enum SparkTurn {
    private struct Waiting {
        var isTaken = false
        var line: [CheckedContinuation<Void, Never>] = []
        /// The one that was used last comes last.
        var servers: [SparkThriftServer] = []
    }

    /// A gigabyte each; more are ended, the one that was used longest ago first.
    private static let mostServers = 2

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
        let kept = waiting.withLock { waiting in
            waiting.servers.firstIndex { $0.options.isServed(by: options) }.map {
                waiting.servers.remove(at: $0)
            }
        }
        if let kept, kept.isRunning {
            keep(kept)
            return kept.over(options.transport)
        }
        try await kept?.stop()
        let surplus = waiting.withLock { waiting in
            waiting.servers.count < mostServers ? nil : waiting.servers.removeFirst()
        }
        try await surplus?.stop()
        let began = ContinuousClock.now
        let server = try await SparkThriftServer.start(options)
        let seconds = began.duration(to: .now) / .seconds(1)
        print("spark: \(server.versions), UI at \(server.uiURL), up after \(Int(seconds)) s")
        keep(server)
        return server
    }

    /// Takes note of a server that was just used, or that a test has started again.
    static func keep(_ server: SparkThriftServer) {
        waiting.withLock { waiting in
            waiting.servers.removeAll { $0.options.isServed(by: server.options) }
            waiting.servers.append(server)
        }
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
