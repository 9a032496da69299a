// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Postgres

@Suite struct PoolStateMachineTests {
    typealias Machine = PoolStateMachine<Int, Int>

    private func isWaiting(_ admission: Machine.Admission) -> Bool {
        if case .waiting = admission { true } else { false }
    }

    @Test func `callers are served in the order in which they came`() {
        var machine = Machine(minimum: 0, maximum: 1)
        #expect(isWaiting(machine.admit(10, id: 10)))
        #expect(machine.connectionsToOpen() == 1)
        #expect(isWaiting(machine.admit(20, id: 20)))
        #expect(machine.connectionsToOpen() == 0)

        guard case .handOver(10) = machine.connected(1, now: 0) else {
            Issue.record("first")
            return
        }
        guard case .handOver(20) = machine.release(1, isReusable: true, now: 0) else {
            Issue.record("second")
            return
        }
        guard case .keep = machine.release(1, isReusable: true, now: 0) else {
            Issue.record("idle")
            return
        }
        #expect(machine.takeIdle() == 1)
    }

    @Test func `who has withdrawn is not served`() {
        var machine = Machine(minimum: 0, maximum: 1)
        _ = machine.admit(10, id: 10)
        _ = machine.connectionsToOpen()

        #expect(machine.withdraw(10) == 10)
        #expect(machine.withdraw(10) == nil)
        guard case .keep = machine.connected(1, now: 0) else {
            Issue.record("kept")
            return
        }
    }

    @Test func `after a failure one attempt at a time is made, later and later`() {
        var machine = Machine(minimum: 0, maximum: 4)
        for id in UInt64(0)..<4 { _ = machine.admit(Int(id), id: id) }
        #expect(machine.connectionsToOpen() == 4)

        #expect(machine.connectFailed("down") == .milliseconds(50))
        for _ in 0..<3 { #expect(machine.connectFailed("down") == nil) }
        #expect(machine.connectionsToOpen() == 0)
        for delay in [100, 200, 400, 800, 1600, 2000, 2000] {
            machine.retryIsDue()
            #expect(machine.connectionsToOpen() == 1)
            #expect(machine.connectFailed("down") == .milliseconds(delay))
        }
        machine.retryIsDue()
        #expect(machine.connectionsToOpen() == 1)
        _ = machine.connected(1, now: 0)
        #expect(machine.connectionsToOpen() == 3)
    }

    @Test func `idle connections beyond the minimum are trimmed, the oldest first`() {
        var machine = Machine(minimum: 1, maximum: 4)
        for id in 1...3 {
            _ = machine.admit(id, id: UInt64(id))
            _ = machine.connectionsToOpen()
            _ = machine.connected(id, now: 0)
        }
        for id in 1...3 { _ = machine.release(id, isReusable: true, now: UInt64(id)) }

        #expect(machine.trim(unusedSince: 0) == [])
        #expect(machine.trim(unusedSince: 1) == [1])
        #expect(machine.trim(unusedSince: 9) == [2])
        #expect(machine.trim(unusedSince: 9) == [], "one stays")
    }

    @Test func `the number of callers who wait has a limit`() {
        var machine = Machine(minimum: 0, maximum: 1)
        for id in 0..<Machine.maximumWaiters { _ = machine.admit(id, id: UInt64(id)) }

        guard case .refused = machine.admit(-1, id: .max) else {
            Issue.record("refused")
            return
        }
        #expect(machine.waiterCount == Machine.maximumWaiters)
    }

    @Test(arguments: UInt64(0)..<100)
    func `no connection is lost or lent twice`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var machine = Machine(minimum: Int.random(in: 0...2, using: &random), maximum: 3)
        var lent: Set<Int> = []
        var next = 0
        var opening = 0

        for step in UInt64(0)..<300 {
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1:
                if case .member(let member) = machine.admit(0, id: step) {
                    #expect(lent.insert(member).inserted)
                }
            case 2 where opening > 0:
                opening -= 1
                next += 1
                if case .handOver = machine.connected(next, now: step) { lent.insert(next) }
            case 3 where opening > 0:
                opening -= 1
                _ = machine.connectFailed("no")
            case 4:
                if let member = lent.randomElement(using: &random) {
                    let isReusable = Bool.random(using: &random)
                    switch machine.release(member, isReusable: isReusable, now: step) {
                    case .handOver: break
                    case .keep, .close: lent.remove(member)
                    }
                }
            default: machine.retryIsDue()
            }
            opening += machine.connectionsToOpen()
            #expect(machine.openCount + machine.connecting <= 3)
            #expect(Set(machine.leased) == lent && machine.leased.count == lent.count)
            #expect(machine.connecting == opening)
        }
    }
}
