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
    let log = RecordedLog()
    let configuration: WorkerConfiguration

    init(maxAttempts: Int = 3, lease: Duration = .seconds(100)) throws {
        configuration = try WorkerConfiguration(
            lease: lease, heartbeat: .seconds(10), maxAttempts: maxAttempts)
    }

    func worker(engine: @escaping ActionEngine) -> Worker<InMemoryJobStore, ManualClock> {
        Worker(
            store: store, id: WorkerID("test"), configuration: configuration, clock: clock,
            logger: log.logger, engine: engine)
    }

    func service() -> JobService<InMemoryJobStore, ManualClock> {
        JobService(
            store: store, clock: clock,
            logger: log.logger)
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

    /// Waits until a termination has begun: its two timers run beside the heartbeat.
    func waitForTerminationTimers() async throws {
        try await eventually("the timers of the termination") { clock.sleeperCount >= 3 }
    }

    /// Waits until time has something to do, then moves both clocks.
    func advanceOnceAsleep(by duration: Duration) async throws {
        try await eventually("nobody sleeps") { clock.sleeperCount > 0 }
        advance(by: duration)
    }

    /// Moves both clocks.
    func advance(by duration: Duration) {
        store.advance(by: duration)
        clock.advance(by: duration)
    }

    /// Runs the body while time jumps from one sleeper's deadline to the next.
    func letTimePass<Value: Sendable>(
        during body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await clock.jumping(advance: { advance(by: $0) }, during: body)
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

/// Remembers the messages that were logged.
final class RecordedLog: Sendable {
    private struct Handler: LogHandler {
        let log: RecordedLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            log.entries.withLock { $0.append("\(event.message)") }
        }
    }

    private let entries = Mutex<[String]>([])

    var messages: [String] { entries.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }
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
