// SPDX-License-Identifier: Apache-2.0

import Testing
import WireFormat

@Suite struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000000+00:00"),
        (1_777_127_700_000_000, "2026-04-25T14:35:00.000000+00:00"),
        (951_782_400_000_001, "2000-02-29T00:00:00.000001+00:00"),
        (-1, "1969-12-31T23:59:59.999999+00:00"),
    ])
    func `text is ISO 8601 with six decimals and reads back`(microseconds: Int64, text: String) {
        let timestamp = Timestamp(microseconds: microseconds)

        #expect(timestamp.description == text)
        #expect(Timestamp(iso8601: text) == timestamp)
    }

    @Test(arguments: [
        ("2026-01-31T00:00:00Z", "2026-01-31T00:00:00.000000+00:00"),
        ("2026-01-31", "2026-01-31T00:00:00.000000+00:00"),
        ("2026-01-31 02:03", "2026-01-31T02:03:00.000000+00:00"),
        ("2026-01-31T02:00:00.123456789+02:00", "2026-01-31T00:00:00.123456+00:00"),
        ("2026-01-31T02:00:00-0130", "2026-01-31T03:30:00.000000+00:00"),
    ])
    func `the usual spellings are read`(text: String, expected: String) {
        #expect(Timestamp(iso8601: text)?.description == expected)
    }

    @Test(arguments: [
        "", "2026", "2026-13-01", "2026-02-29", "2026-01-31T", "2026-01-31T25:00:00Z",
        "2026-01-31T00:00:00.Z", "2026-01-31T00:00:00Zx", "yesterday", "2026-01-31T00:00:00+1",
    ])
    func `anything else is no timestamp`(text: String) {
        #expect(Timestamp(iso8601: text) == nil)
    }
}
