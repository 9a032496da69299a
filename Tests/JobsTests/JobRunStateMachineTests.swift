// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import WireFormat

@testable import Jobs

@Suite struct JobRunStateMachineTests {
    private typealias Machine = JobRunStateMachine

    private func job(_ actions: [String], done: [String] = [], attempt: Int = 1) -> Job {
        var job = Job(
            id: .random(), table: TableName(database: "d", table: "t"), actions: actions,
            isDryRun: false, options: .null, status: .running,
            submittedAt: Timestamp(microseconds: 0))
        job.results = done.map(success)
        job.attemptCount = attempt
        return job
    }

    private func machine(_ actions: [String] = ["a", "b"], done: [String] = []) -> Machine {
        Machine(job: job(actions, done: done), policy: SweepPolicy(maxAttempts: 3))
    }

    private func failure(_ action: String, _ error: String = "no") -> ActionResult {
        ActionResult(
            action: action, isSuccess: false, message: "m", error: error, elapsedSeconds: 0)
    }

    private let terminated = Settlement.failed(error: "Worker received SIGTERM", lock: .release)

    @Test func `each result is recorded before the next action begins`() {
        var machine = machine()

        #expect(machine.start() == [.act("a")])
        #expect(
            machine.handle(.acted(success("a"), nil))
                == [.record(success("a"), markJournalUnknown: false)])
        #expect(machine.handle(.recorded(.done)) == [.act("b")])
        _ = machine.handle(.acted(success("b"), nil))
        #expect(machine.handle(.recorded(.done)) == [.settle(.completed)])
        #expect(machine.handle(.settled(.done)) == [.end(.completed)])
    }

    @Test func `what an earlier attempt recorded as done is skipped`() {
        var machine = machine(done: ["a"])
        var finished = self.machine(done: ["a", "b"])

        #expect(machine.start() == [.act("b")])
        #expect(finished.start() == [.settle(.completed)])
    }

    @Test(arguments: [
        (ActionFailure.failed(message: "x"), Settlement.failed(error: "no", lock: .release)),
        (.commitUnknown(message: "x"), .failed(error: "no", lock: .release)),
        (.retryable(message: "x"), .retry(error: "no", after: .seconds(30), maxAttempts: 3)),
        (.cancelled, .retry(error: "no", after: .seconds(30), maxAttempts: 3)),
    ])
    func `a failure decides the settlement`(failure: ActionFailure, settlement: Settlement) {
        var machine = machine()
        _ = machine.start()

        _ = machine.handle(.acted(self.failure("a"), failure))

        #expect(machine.handle(.recorded(.done)) == [.settle(settlement)])
    }

    @Test func `an unknown commit takes its files out of any replay before anything else`() {
        var machine = machine()
        _ = machine.start()

        let commands = machine.handle(.acted(failure("a"), .commitUnknown(message: "x")))

        #expect(commands == [.record(failure("a"), markJournalUnknown: true)])
    }

    @Test func `a result that is no success fails the job`() {
        var machine = machine()
        _ = machine.start()

        _ = machine.handle(.acted(failure("a", "half done"), nil))

        #expect(
            machine.handle(.recorded(.done))
                == [.settle(.failed(error: "half done", lock: .release))])
    }

    @Test func `a lost fence stops the engine, waits for it and cleans up`() {
        var machine = machine()
        _ = machine.start()

        #expect(
            machine.handle(.fenceLost) == [.stopEngine, .noteEngineStopping, .startStopTimer])
        #expect(machine.handle(.fenceLost) == [])
        #expect(machine.handle(.acted(failure("a"), .cancelled)) == [.cleanUp])
        #expect(machine.handle(.cleanedUp(wasCancelled: true)) == [.end(.cancelled)])
    }

    @Test func `an engine that lost its fence and does not stop is left behind`() {
        var machine = machine()
        _ = machine.start()
        _ = machine.handle(.fenceLost)

        #expect(machine.handle(.graceOver) == [])
        #expect(machine.handle(.stopLimitOver) == [.end(.fenceLost)])
    }

    @Test func `a success that comes after the fence was lost is not recorded`() {
        var machine = machine()
        _ = machine.start()
        _ = machine.handle(.fenceLost)

        #expect(machine.handle(.acted(success("a"), nil)) == [.cleanUp])
    }

    @Test func `a fence that the engine found lost is cleaned up`() {
        var machine = machine()
        _ = machine.start()

        #expect(machine.handle(.acted(failure("a"), .fenceLost)) == [.cleanUp])
        #expect(machine.handle(.cleanedUp(wasCancelled: false)) == [.end(.fenceLost)])
    }

    @Test func `a termination settles once the engine has stopped, and frees the lock`() {
        var machine = machine()
        _ = machine.start()

        #expect(machine.handle(.terminate) == [.stopEngine, .startTimers])
        #expect(machine.handle(.terminate) == [])
        #expect(machine.handle(.acted(failure("a"), .cancelled)) == [.settle(terminated)])
        #expect(machine.handle(.graceOver) == [])
        #expect(machine.handle(.settled(.done)) == [.end(.terminated)])
    }

    @Test func `a termination does not wait for an engine that is stuck, and leaves the lock`() {
        var machine = machine()
        _ = machine.start()
        _ = machine.handle(.terminate)

        #expect(
            machine.handle(.graceOver)
                == [.settle(.failed(error: JobMessages.terminated, lock: .leaveToLease))])
        #expect(machine.handle(.acted(success("a"), nil)) == [])
        #expect(machine.handle(.settled(.done)) == [.end(.terminated)])
    }

    @Test func `a job whose last action is done completes in spite of a termination`() {
        var machine = machine(["a"])
        _ = machine.start()
        _ = machine.handle(.terminate)

        _ = machine.handle(.acted(success("a"), nil))

        #expect(machine.handle(.recorded(.done)) == [.settle(.completed)])
        #expect(machine.handle(.settled(.done)) == [.end(.completed)])
    }

    @Test func `the limit of a termination ends every state`() {
        let stations: [[Machine.Event]] = [
            [], [.acted(success("a"), nil)], [.acted(failure("a"), .fenceLost)], [.fenceLost],
        ]
        for events in stations {
            var machine = machine()
            _ = machine.start()
            for event in events { _ = machine.handle(event) }

            #expect(machine.handle(.terminate).contains(.startTimers))
            let ends = machine.handle(.limitOver).contains {
                if case .end = $0 { true } else { false }
            }
            #expect(ends, "\(events)")
        }
    }

    @Test(arguments: UInt64(0)..<500)
    func `any order of events ends once, settles once and acts on nothing after the fence`(
        seed: UInt64
    ) {
        var random = SeededGenerator(seed: seed)
        var machine = machine(["a", "b", "c"])
        var trace = Trace()
        trace.take(machine.start())
        for _ in 0..<40 {
            let event = event(using: &random)
            if case .fenceLost = event { trace.fenceIsLost() }
            if case .recorded(.fenced) = event { trace.sawFenced = true }
            trace.take(machine.handle(event))
        }
        trace.take(machine.handle(.terminate))
        trace.take(machine.handle(.limitOver))

        #expect(trace.ends == 1)
        #expect(trace.settlements <= 1)
        #expect(!trace.actedAfterFence)
    }

    private struct Trace {
        var ends = 0
        var settlements = 0
        var sawFenced = false
        var actedAfterFence = false
        private var isActing = false
        private var isLost = false

        /// Counts only while an action runs: else the loss is found by the next write.
        mutating func fenceIsLost() { isLost = isLost || (isActing && ends == 0) }

        mutating func take(_ commands: [JobRunStateMachine.Command]) {
            for command in commands {
                switch command {
                case .act:
                    actedAfterFence = actedAfterFence || isLost
                    isActing = true
                case .settle:
                    settlements += 1
                    isActing = false
                case .end: ends += 1
                case .record, .cleanUp: isActing = false
                case .stopEngine, .startTimers, .startStopTimer, .noteEngineStopping: break
                }
            }
        }
    }

    private func event(using random: inout SeededGenerator) -> Machine.Event {
        let outcome: Machine.StoreOutcome =
            switch random.next() % 6 {
            case 0: .fenced
            case 1: .gaveUp(reason: "r")
            default: .done
            }
        return switch random.next() % 12 {
        case 0, 1, 2: .acted(success("a"), nil)
        case 3: .acted(failure("a"), .cancelled)
        case 4: .acted(failure("a"), .fenceLost)
        case 5, 6: .recorded(outcome)
        case 7: .settled(outcome)
        case 8: .cleanedUp(wasCancelled: random.next() % 2 == 0)
        case 9: .fenceLost
        case 10: .terminate
        default: random.next() % 2 == 0 ? .graceOver : .stopLimitOver
        }
    }
}
