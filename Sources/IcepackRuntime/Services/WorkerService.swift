// SPDX-License-Identifier: Apache-2.0

public import Jobs
public import ServiceLifecycle
import Synchronization

/// Runs a worker until graceful shutdown, which ends its job within two seconds.
public final class WorkerService<Store: JobStore>: Service {
    private let worker: Worker<Store, ContinuousClock>
    private let last = Mutex<WorkerOutcome?>(nil)

    /// Wraps a worker.
    public init(_ worker: Worker<Store, ContinuousClock>) { self.worker = worker }

    /// Runs until graceful shutdown or cancellation.
    public func run() async throws {
        let outcome = await withGracefulShutdownHandler {
            await worker.run()
        } onGracefulShutdown: {
            self.worker.terminate()
        }
        last.withLock { $0 = outcome }
    }

    /// Whether the shutdown cut a job short.
    public var wasInterrupted: Bool {
        switch last.withLock({ $0 }) {
        case .ran(_, .terminated): true
        case nil, .ran, .idle, .storeFailed, .terminated: false
        }
    }
}

/// Sweeps until graceful shutdown.
public struct SweeperService<Queue: JobQueue>: Service {
    private let sweeper: Sweeper<Queue, ContinuousClock>

    /// Wraps a sweeper.
    public init(_ sweeper: Sweeper<Queue, ContinuousClock>) { self.sweeper = sweeper }

    /// Runs until graceful shutdown or cancellation.
    public func run() async throws {
        await cancelWhenGracefulShutdown { await sweeper.run() }
    }
}
