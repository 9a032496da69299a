// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

/// A run that is cancelled from inside, by a storage that it uses.
final class CancelledRun: Sendable {
    private let task = Mutex<Task<Void, any Error>?>(nil)

    /// Cancels what runs.
    func cancel() { task.withLock { $0?.cancel() } }

    /// Runs something to its end.
    func run(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let gate = AsyncStream<Void>.makeStream()
        let running = task.withLock { task in
            // Not before it is known here whom to cancel.
            let made = Task {
                for await _ in gate.stream {}
                try await body()
            }
            task = made
            return made
        }
        gate.continuation.finish()
        try await running.value
    }
}
