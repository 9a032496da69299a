// SPDX-License-Identifier: Apache-2.0

import Fleet
import Testing
import WireFormat

@Suite struct CronScheduleTests {
    private func time(_ text: String) throws -> Timestamp {
        try #require(Timestamp(iso8601: text))
    }

    @Test(arguments: [
        ("* * * * *", "2026-11-21T07:30:00Z", "2026-11-21T07:31:00Z"),
        ("* * * * *", "2026-11-21T07:30:59.999999Z", "2026-11-21T07:31:00Z"),
        ("0 2 * * *", "2026-11-21T02:00:00Z", "2026-11-22T02:00:00Z"),
        ("0 2 * * *", "2026-11-21T01:59:59Z", "2026-11-21T02:00:00Z"),
        ("*/15 8-18/5 * * *", "2026-11-21T08:46:00Z", "2026-11-21T13:00:00Z"),
        ("5/20 * * * *", "2026-11-21T08:26:00Z", "2026-11-21T08:45:00Z"),
        ("0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"),
        ("0 0 31 dec *", "2026-12-31T00:00:00Z", "2027-12-31T00:00:00Z"),
        ("30 4 * * mon-fri", "2026-11-20T05:00:00Z", "2026-11-23T04:30:00Z"),
        ("0 0 * * 7", "2026-11-21T07:00:00Z", "2026-11-22T00:00:00Z"),
        ("0 0 * * SUN", "2026-11-21T07:00:00Z", "2026-11-22T00:00:00Z"),
        ("0 0 * * */2", "2026-11-22T00:00:00Z", "2026-11-24T00:00:00Z"),
        // Either day where both are named, both where one is a star.
        ("0 0 1 * mon", "2026-11-21T00:00:00Z", "2026-11-23T00:00:00Z"),
        ("0 0 24 * *", "2026-11-21T00:00:00Z", "2026-11-24T00:00:00Z"),
        ("0 0 */10 * mon", "2026-11-21T00:00:00Z", "2026-12-21T00:00:00Z"),
        ("@hourly", "2026-11-21T07:30:00Z", "2026-11-21T08:00:00Z"),
        ("@weekly", "2026-11-21T07:30:00Z", "2026-11-22T00:00:00Z"),
        ("@monthly", "2026-11-21T07:30:00Z", "2026-12-01T00:00:00Z"),
        ("@yearly", "2026-11-21T07:30:00Z", "2027-01-01T00:00:00Z"),
        ("  0   2 *\t* * ", "2026-11-21T03:00:00Z", "2026-11-22T02:00:00Z"),
        ("0 0 * * *", "1969-12-30T12:00:00Z", "1969-12-31T00:00:00Z"),
    ])
    func `the next time is the first minute that fits`(
        schedule: String, after: String, expected: String
    ) throws {
        #expect(try CronSchedule(schedule).next(after: time(after)) == time(expected))
    }

    @Test(arguments: [
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *",
        "* * * 13 *", "* * * 0 *", "* * * * 8", "5-1 * * * *", "*/0 * * * *", "a * * * *",
        "1,,2 * * * *", "1-2-3 * * * *", "*/2/3 * * * *", "-1 * * * *", "+1 * * * *",
        "0 0 30 2 *", "0 0 31 4,6,9,11 *", "@reboot", "@every 5m", "001 * * * *",
    ])
    func `what is no schedule, or never comes, is refused`(text: String) {
        #expect(throws: InvalidCronSchedule.self) { try CronSchedule(text) }
    }
}
