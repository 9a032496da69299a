// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Fleet

@Suite struct ScheduleTests {
    private let schedule = SyncSchedule(
        interval: .seconds(300), firstRetryDelay: .seconds(5))

    @Test(arguments: UInt64(0)..<50)
    func `the interval is spread by a tenth either way`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let delay = schedule.delay(afterFailures: 0, using: &random)

        #expect(delay >= .seconds(270))
        #expect(delay <= .seconds(330))
    }

    @Test(arguments: [(1, 5.0), (2, 10.0), (3, 20.0), (7, 300.0), (1000, 300.0)])
    func `after failures the next try comes sooner, doubling up to the interval`(
        failures: Int, seconds: Double
    ) {
        var random = SeededGenerator(seed: 1)
        let delay = schedule.delay(afterFailures: failures, using: &random)

        #expect(delay >= .seconds(seconds * 0.9))
        #expect(delay <= .seconds(seconds * 1.1))
    }
}
