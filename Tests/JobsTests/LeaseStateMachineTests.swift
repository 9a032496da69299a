// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Jobs

@Suite struct LeaseStateMachineTests {
    private typealias Instant = ManualClock.Instant

    private func machine() -> LeaseStateMachine<Instant> {
        LeaseStateMachine(
            lease: .seconds(100), heartbeat: .seconds(30), margin: .seconds(10), sentAt: at(0))
    }

    private func at(_ seconds: Int) -> Instant {
        ManualClock().now.advanced(by: .seconds(seconds))
    }

    @Test func `it sleeps until the heartbeat and renews then`() {
        let machine = machine()

        #expect(machine.next(at: at(0)) == .sleep(until: at(30)))
        #expect(machine.next(at: at(29)) == .sleep(until: at(30)))
        #expect(machine.next(at: at(30)) == .renew)
        #expect(machine.next(at: at(89)) == .renew)
    }

    @Test func `it gives up before the lease ends`() {
        #expect(machine().next(at: at(90)) == .abandon)
    }

    @Test func `the lease counts from when the renewal was sent`() {
        var machine = machine()

        machine.renewed(sentAt: at(40))

        #expect(machine.next(at: at(60)) == .sleep(until: at(70)))
        #expect(machine.remaining(at: at(60)) == .seconds(80))
        #expect(machine.next(at: at(130)) == .abandon)
    }

    @Test func `a reply that was overtaken does not shorten the lease`() {
        var machine = machine()

        machine.renewed(sentAt: at(40))
        machine.renewed(sentAt: at(20))

        #expect(machine.remaining(at: at(40)) == .seconds(100))
    }

    @Test func `a failed renewal is tried again sooner and extends nothing`() {
        var machine = machine()

        machine.renewalFailed(at: at(30))

        #expect(machine.next(at: at(31)) == .sleep(until: at(30).advanced(by: .seconds(7.5))))
        #expect(machine.next(at: at(38)) == .renew)
        #expect(machine.remaining(at: at(38)) == .seconds(62))
        #expect(machine.next(at: at(90)) == .abandon)
    }

    @Test func `a lost fence stays lost`() {
        var machine = machine()

        machine.lose()
        machine.renewed(sentAt: at(10))
        machine.renewalFailed(at: at(10))

        #expect(machine.next(at: at(10)) == .abandon)
        #expect(machine.remaining(at: at(10)) == .zero)
    }

    @Test func `the time for reaching the store ends with the lease`() {
        #expect(machine().deadline(at: at(20)) == at(90))
        #expect(machine().deadline(at: at(200)) == at(200))
    }
}
