// SPDX-License-Identifier: Apache-2.0

import Jobs
import Logging
import Synchronization
import TestSupport
import WireFormat

/// A worker over the store in memory, both on clocks that only move together and by hand.
struct WorkerFixture: Sendable {
    let store = InMemoryJobStore()
    let clock = ManualClock()
    let configuration: WorkerConfiguration

    init(maxAttempts: Int = 3, lease: Duration = .seconds(100)) throws {
        configuration = try WorkerConfiguration(
            lease: lease, heartbeat: .seconds(10), maxAttempts: maxAttempts)
    }

    func worker(engine: @escaping ActionEngine) -> Worker<InMemoryJobStore, ManualClock> {
        Worker(
            store: store, id: WorkerID("test"), configuration: configuration, clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, engine: engine)
    }

    func service() -> JobService<InMemoryJobStore, ManualClock> {
        JobService(
            store: store, clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @discardableResult
    func submit(
        _ actions: [String] = ["a"], on table: String = "orders"
    ) async throws -> JobID {
        let submission = submission(actions, on: table)
        _ = try await store.submit(submission)
        return submission.jobID
    }

    func submission(_ actions: [String] = ["a"], on table: String = "orders") -> JobSubmission {
        JobSubmission(
            jobID: .random(), table: TableName(database: "sales", table: table),
            actions: actions, isDryRun: false, options: .null, idempotency: nil, actor: "test",
            lockLease: configuration.lease)
    }

    func job(_ id: JobID) async throws -> Job? {
        try await store.job(id, visibility: .includingDeleted)
    }

    func lock(on table: String = "orders") -> JobID? {
        store.lock(on: TableName(database: "sales", table: table))?.holder
    }

    /// Moves both clocks.
    func advance(by duration: Duration) {
        store.advance(by: duration)
        clock.advance(by: duration)
    }

    /// Runs the body while time passes in small steps, so that waits inside it come to an end.
    func letTimePass<Value: Sendable>(
        step: Duration = .milliseconds(100),
        during body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                while !Task.isCancelled {
                    advance(by: step)
                    await Task.yield()
                }
                return nil
            }
            defer { group.cancelAll() }
            while let value = try await group.next() {
                if let value { return value }
            }
            throw CancellationError()
        }
    }
}

/// A switch that one task throws and others wait for.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var isOpen: Bool { state.withLock { $0.isOpen } }

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns once the gate is open, whether or not the task is cancelled: as an engine does that
    /// is blocked in a call.
    func passIgnoringCancellation() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}

/// What an engine that obeys cancellation does while it has nothing else to do.
func waitForCancellation() async {
    let gate = Gate()
    await withTaskCancellationHandler {
        await gate.passIgnoringCancellation()
    } onCancel: {
        gate.open()
    }
}

func success(_ action: String) -> ActionResult {
    ActionResult(
        action: action, isSuccess: true, message: "done", impact: nil, elapsedSeconds: 0)
}
