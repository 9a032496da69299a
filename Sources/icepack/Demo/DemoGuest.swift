// SPDX-License-Identifier: Apache-2.0

import ServiceLifecycle
import Synchronization

/// Runs something once the service listens, and keeps what came of it.
final class DemoGuest: ServiceGuest {
    private let body: @Sendable (String) async throws -> Bool
    private let addresses: AsyncStream<String>
    private let announce: AsyncStream<String>.Continuation
    private let failure = Mutex<(any Error)?>(CancellationError())

    /// - Parameter body: Takes the service's address, and tells whether the service shall go on.
    init(_ body: @escaping @Sendable (String) async throws -> Bool) {
        self.body = body
        (addresses, announce) = AsyncStream.makeStream()
    }

    func serviceListens(at url: String) {
        announce.yield(url)
        announce.finish()
    }

    /// Runs until the body and, where it says so, the service have ended.
    func run() async throws {
        do {
            let goesOn = try await cancelWhenGracefulShutdown { [addresses, body] in
                for await url in addresses { return try await body(url) }
                throw CancellationError()
            }
            failure.withLock { $0 = nil }
            guard goesOn else { return }
        } catch {
            // Whatever a request died of then, it was stopped.
            let wasStopped = Task.isShuttingDownGracefully
            failure.withLock { $0 = wasStopped ? CancellationError() : error }
            return
        }
        try await gracefulShutdown()
    }

    /// Ends the process with a sentence and a status where the body did not get to its end.
    func checkOutcome() throws {
        switch failure.withLock({ $0 }) {
        case nil: return
        case is CancellationError:
            Console.note("icepack: stopped before the end")
        case let error?:
            Console.note("icepack: \(error)")
        }
        throw ExitStatus.failed.exit
    }
}
