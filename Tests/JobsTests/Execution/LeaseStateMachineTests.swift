// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Jobs

@Suite struct LeaseStateMachineTests {
    private typealias Machine = LeaseStateMachine<ContinuousClock.Instant>
    private let start = ContinuousClock.now

    private func at(_ seconds: Double) -> ContinuousClock.Instant {
        start.advanced(by: .seconds(seconds))
    }

    private func machine(lease: Double = 30, heartbeat: Double = 5) -> Machine {
        Machine(lease: .seconds(lease), heartbeat: .seconds(heartbeat), confirmedAt: start)
    }

    @Test func `a lease is renewed when its heartbeat is due and not before`() {
        let machine = machine()

        #expect(machine.next(at: at(0)) == .sleep(until: at(5)))
        #expect(machine.next(at: at(4.999)) == .sleep(until: at(5)))
        #expect(machine.next(at: at(5)) == .renew)
    }

    @Test func `a lease ends when it was sent plus its length, to the instant`() {
        let machine = machine()

        #expect(machine.next(at: at(29.999)) == .renew)
        #expect(machine.next(at: at(30)) == .abandon)
        #expect(machine.remaining(at: at(29)) == .seconds(1))
        #expect(machine.remaining(at: at(31)) == .zero)
    }

    @Test func `a confirmed renewal counts from when it was sent`() {
        var machine = machine()

        machine.confirmed(sentAt: at(5))

        #expect(machine.remaining(at: at(10)) == .seconds(25))
        #expect(machine.next(at: at(9)) == .sleep(until: at(10)))
    }

    @Test func `a reply that was overtaken does not shorten the lease`() {
        var machine = machine()

        machine.confirmed(sentAt: at(10))
        machine.confirmed(sentAt: at(5))

        #expect(machine.remaining(at: at(10)) == .seconds(30))
    }

    @Test func `without an answer the next try comes well before the lease ends`() {
        var machine = machine()

        machine.unanswered(at: at(28))

        #expect(machine.next(at: at(28)) == .sleep(until: at(28.25)))
        #expect(machine.next(at: at(28.25)) == .renew)
        #expect(machine.next(at: at(30)) == .abandon)
    }

    @Test func `a lost fence stays lost whatever arrives later`() {
        var machine = machine()

        machine.fenced()
        machine.confirmed(sentAt: at(1))
        machine.unanswered(at: at(2))

        #expect(machine.isLost)
        #expect(machine.next(at: at(2)) == .abandon)
        #expect(machine.remaining(at: at(2)) == .zero)
    }
}
