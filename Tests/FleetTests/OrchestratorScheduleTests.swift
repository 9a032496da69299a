// SPDX-License-Identifier: Apache-2.0

import Fleet
import Jobs
import Logging
import Synchronization
import TestSupport
import Testing
import WireFormat

@Suite(.timeLimit(.minutes(15))) struct OrchestratorScheduleTests {
    private static let due = Timestamp(microseconds: 1_777_127_700_000_000)

    private func schedule(
        on store: InMemoryJobStore, _ orchestrate: @escaping @Sendable () async -> OrchestratorRun
    ) throws -> OrchestratorSchedule<InMemoryJobStore> {
        OrchestratorSchedule(
            try CronSchedule("* * * * *"), store: store, logger: Logger(label: "test"),
            now: { Self.due }, orchestrate: { _ in await orchestrate() })
    }

    @Test func `of many replicas one runs, and those that come later find its record`()
        async throws
    {
        let store = InMemoryJobStore()
        let runs = Mutex(0)
        let run = OrchestratorRun(
            startedAt: Self.due, completedAt: Self.due.advanced(by: .seconds(1)),
            status: .completed)
        let schedule = try schedule(on: store) {
            runs.withLock { $0 += 1 }
            _ = try? await store.record(run)
            return run
        }

        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { await schedule.runOnce(due: Self.due) } }
        }
        await schedule.runOnce(due: Self.due)
        #expect(runs.withLock { $0 } == 1)

        await schedule.runOnce(due: Self.due.advanced(by: .seconds(60)))
        #expect(runs.withLock { $0 } == 2)
    }

    @Test func `dry runs, and runs of the future, do not stop the schedule`() async throws {
        let store = InMemoryJobStore()
        let runs = Mutex(0)
        var dry = OrchestratorRun(startedAt: Self.due, completedAt: Self.due, status: .completed)
        dry.isDryRun = true
        let later = Self.due.advanced(by: .seconds(10 * 365 * 86_400))
        let future = OrchestratorRun(startedAt: later, completedAt: later, status: .completed)
        let schedule = try schedule(on: store) { [dry] in
            runs.withLock { $0 += 1 }
            return dry
        }
        for record in [dry, future] { _ = try await store.record(record) }

        await schedule.runOnce(due: Self.due)

        #expect(runs.withLock { $0 } == 1)
    }

    @Test func `a store that fails costs one scheduled time`() async throws {
        let store = InMemoryJobStore()
        let runs = Mutex(0)
        let schedule = try schedule(on: store) {
            runs.withLock { $0 += 1 }
            return OrchestratorRun(
                startedAt: Self.due, completedAt: Self.due, status: .completed)
        }
        store.inject(.every(.orchestratorRuns, .beforeEffect))
        await schedule.runOnce(due: Self.due)
        #expect(runs.withLock { $0 } == 0)

        store.inject(.none)
        await schedule.runOnce(due: Self.due)
        #expect(runs.withLock { $0 } == 1)
    }
}
