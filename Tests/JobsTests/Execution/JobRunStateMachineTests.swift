// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Jobs

@Suite struct JobRunStateMachineTests {
    private let retry = RetryPolicy(maxAttempts: 3, delay: .seconds(30))

    private func machine(
        _ actions: [String] = ["a", "b"], finished: Set<String> = [], attempt: Int = 1
    ) -> JobRunStateMachine {
        JobRunStateMachine(actions: actions, finished: finished, retry: retry, attempt: attempt)
    }

    private func done(_ action: String) -> ActionResult {
        ActionResult(action: action, isSuccess: true, message: "done", elapsedSeconds: 1)
    }

    private func broken(_ action: String) -> ActionResult {
        ActionResult(
            action: action, isSuccess: false, message: "broke", error: "broke", elapsedSeconds: 1)
    }

    @Test func `actions run one after another and the job completes`() {
        var machine = machine()

        #expect(machine.handle(.started) == [.run(0)])
        #expect(machine.handle(.actionEnded(done("a"), nil)) == [.record(done("a")), .run(1)])
        #expect(
            machine.handle(.actionEnded(done("b"), nil))
                == [.record(done("b")), .settle(.completed)])
        #expect(machine.isOver)
    }

    @Test func `actions that an earlier attempt finished are not run again`() {
        var machine = machine(["a", "b", "c"], finished: ["a", "c"], attempt: 2)

        #expect(machine.handle(.started) == [.run(1)])
        #expect(
            machine.handle(.actionEnded(done("b"), nil))
                == [.record(done("b")), .settle(.completed)])
    }

    @Test func `a job whose every action was finished completes at once`() {
        var machine = machine(finished: ["a", "b"], attempt: 2)

        #expect(machine.handle(.started) == [.settle(.completed)])
    }

    @Test(arguments: [
        ActionFailure.failed("broke"), .commitUnknown("broke"), .cancelled,
    ])
    func `a job stops at its first failed action`(failure: ActionFailure) {
        var machine = machine()
        _ = machine.handle(.started)

        #expect(
            machine.handle(.actionEnded(broken("a"), failure))
                == [.record(broken("a")), .settle(.failed(error: "broke", lock: .release))])
        #expect(machine.handle(.started) == [])
    }

    @Test func `a passing fault is retried with a delay that doubles`() {
        for (attempt, seconds) in [(1, 30), (2, 60), (3, 120)] {
            var machine = machine(attempt: attempt)
            _ = machine.handle(.started)

            let steps = machine.handle(.actionEnded(broken("a"), .retryable("broke")))

            #expect(
                steps.last
                    == .settle(
                        .retry(error: "broke", after: .seconds(seconds), maxAttempts: 3)))
        }
    }

    @Test func `a delay never passes its maximum`() {
        #expect(retry.delay(afterAttempt: 100) == RetryPolicy.maximumDelay)
        #expect(retry.delay(afterAttempt: 0) == .seconds(30))
    }

    @Test func `after the fence is lost nothing is recorded or settled`() {
        var machine = machine()
        _ = machine.handle(.started)

        #expect(machine.handle(.fenceLost) == [.cancelEngine])
        #expect(machine.handle(.terminate) == [])
        #expect(
            machine.handle(.actionEnded(done("a"), nil)) == [.abandon(engineStopped: true)])
        #expect(machine.isOver)
    }

    @Test func `an engine that does not stop leaves the lock to its lease`() {
        var lost = machine()
        _ = lost.handle(.started)
        _ = lost.handle(.fenceLost)
        #expect(lost.handle(.engineStopLimitReached) == [.abandon(engineStopped: false)])

        var told = machine()
        _ = told.handle(.started)
        #expect(told.handle(.terminate) == [.cancelEngine])
        #expect(
            told.handle(.engineStopLimitReached)
                == [.settle(.failed(error: "Worker received SIGTERM", lock: .leaveToLease))])
    }

    @Test func `SIGTERM fails the job and frees its lock once the engine has stopped`() {
        var machine = machine()
        _ = machine.handle(.started)
        _ = machine.handle(.terminate)

        #expect(
            machine.handle(.actionEnded(broken("a"), .cancelled))
                == [.settle(.failed(error: "Worker received SIGTERM", lock: .release))])
    }

    @Test func `a fence lost while stopping for SIGTERM wins`() {
        var machine = machine()
        _ = machine.handle(.started)
        _ = machine.handle(.terminate)
        #expect(machine.handle(.fenceLost) == [])

        #expect(machine.handle(.engineStopLimitReached) == [.abandon(engineStopped: false)])
    }

    @Test func `before the first action both endings are immediate`() {
        var told = machine()
        var lost = machine()

        #expect(
            told.handle(.terminate)
                == [.settle(.failed(error: "Worker received SIGTERM", lock: .release))])
        #expect(lost.handle(.fenceLost) == [.abandon(engineStopped: true)])
    }

    @Test(arguments: UInt64(0)..<300)
    func `any order of events ends an attempt exactly once`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var machine = machine(["a", "b", "c"])
        var endings = 0
        var running = 0
        let events: [JobRunStateMachine.Event] = [
            .started, .actionEnded(done("a"), nil), .actionEnded(broken("a"), .retryable("x")),
            .fenceLost, .terminate, .engineStopLimitReached,
        ]

        for _ in 0..<40 {
            let wasOver = machine.isOver
            let steps = machine.handle(events[Int(random.next() % UInt64(events.count))])
            #expect(!wasOver || steps.isEmpty, "nothing follows the end")
            for step in steps {
                switch step {
                case .run: running += 1
                case .settle, .abandon: endings += 1
                case .record, .cancelEngine: break
                }
            }
        }

        #expect(endings <= 1)
        #expect(!machine.isOver || endings == 1)
        #expect(running <= 3)
    }
}
