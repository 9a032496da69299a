// SPDX-License-Identifier: Apache-2.0

import Fleet
import Jobs
import Testing

@Suite struct EnrolmentTests {
    private static let enabled = "icepack.maintenance_enabled"

    @Test(
        arguments: [
            ([:], nil, .optOut, nil), ([:], nil, .optIn, .notEnrolled),
            ([enabled: "true"], nil, .optIn, nil), ([enabled: "FALSE"], nil, .optOut, .notEnrolled),
            ([enabled: "maybe"], nil, .optOut, nil),
            ([enabled: "maybe"], nil, .optIn, .notEnrolled),
            (["snowpack.maintenance_enabled": "false"], nil, .optOut, .notEnrolled),
            (
                ["snowpack.maintenance_enabled": "false", enabled: "true"], nil, .optIn, nil
            ),
            ([enabled: "true"], ["other"], .optIn, .notAllowlisted), ([:], ["db"], .optOut, nil),
            ([:], [], .optOut, .notAllowlisted),
            (["compaction_skip": "true", enabled: "true"], ["other"], .optOut, .skipProperty),
            (["compaction_skip": "no"], nil, .optOut, nil),
        ] as [([String: String], [String]?, Enrolment.Mode, Enrolment.SkipReason?)])
    func `the reasons to skip a table are asked in their order`(
        properties: [String: String], allowlist: [String]?, mode: Enrolment.Mode,
        reason: Enrolment.SkipReason?
    ) {
        let table = CachedTable(
            name: TableName(database: "db", table: "t"), properties: properties)

        #expect(Enrolment(allowlist: allowlist, mode: mode).skipReason(for: table) == reason)
    }
}
