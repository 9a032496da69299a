// SPDX-License-Identifier: Apache-2.0

import IcepackRuntime
import Jobs
import ServiceLifecycle
import Synchronization

/// Looks into the queue once and runs what it finds, heeding SIGTERM.
final class PassService<Store: JobStore>: Service {
    private let worker: Worker<Store, ContinuousClock>
    private let result = Mutex<WorkerOutcome?>(nil)

    init(worker: Worker<Store, ContinuousClock>) { self.worker = worker }

    func run() async throws {
        let pass = await withGracefulShutdownHandler {
            await worker.runOnce()
        } onGracefulShutdown: {
            self.worker.terminate()
        }
        result.withLock { $0 = pass }
    }

    /// What `worker --once` ends with.
    var status: ExitStatus {
        switch result.withLock({ $0 }) {
        case nil, .storeFailed: .unavailable
        case .idle, .ran, .terminated: isSuccess ? .success : .failed
        }
    }

    private var isSuccess: Bool { result.withLock { $0?.isSuccess ?? false } }
}
