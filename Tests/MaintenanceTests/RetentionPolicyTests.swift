// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import Maintenance
import Testing
import WireFormat

@Suite struct RetentionPolicyTests {
    private let now = History.now
    private static let day: Int64 = 86_400_000

    private func resolve(
        _ properties: KeyValuePairs<String, String>, _ options: ExpireSnapshotsOptions = .init()
    ) throws -> (policy: RetentionPolicy, warnings: [String]) {
        try RetentionPolicy.resolve(
            properties: TableProperties(properties), options: options, now: now)
    }

    @Test func `without anybody saying anything it is five days, three snapshots and for ever`()
        throws
    {
        let (policy, warnings) = try resolve([:])

        #expect(policy.expireOlderThan == .init(now.milliseconds - 5 * Self.day, .byDefault))
        #expect(policy.minSnapshotsToKeep == .init(3, .byDefault))
        #expect(policy.maxRefAgeMilliseconds == .init(.max, .byDefault))
        #expect(warnings.isEmpty)
    }

    @Test func `request over policy over Iceberg's property over default`() throws {
        let iceberg: KeyValuePairs = [
            "history.expire.max-snapshot-age-ms": "7", "history.expire.min-snapshots-to-keep": "8",
        ]
        let ours: KeyValuePairs = [
            "history.expire.max-snapshot-age-ms": "7", "history.expire.min-snapshots-to-keep": "8",
            "icepack.max_snapshot_age_days": "2", "icepack.min_snapshots_to_keep": "9",
        ]

        let first = try resolve(iceberg).policy
        let second = try resolve(ours).policy
        let third = try resolve(ours, .init(olderThan: Timestamp(milliseconds: 4), retainLast: 6))
            .policy

        #expect(
            first.expireOlderThan
                == .init(
                    now.milliseconds - 7, .tableProperty("history.expire.max-snapshot-age-ms")))
        #expect(first.minSnapshotsToKeep.value == 8)
        #expect(
            second.expireOlderThan
                == .init(
                    now.milliseconds - 2 * Self.day,
                    .policy(property: "icepack.max_snapshot_age_days")))
        #expect(second.minSnapshotsToKeep.value == 9)
        #expect(third.expireOlderThan == .init(4, .request))
        #expect(third.minSnapshotsToKeep == .init(6, .request))
    }

    @Test func `the older prefix is an alias with a warning, and the new one wins`() throws {
        let alias = try resolve(["snowpack.min_snapshots_to_keep": "4"])
        let both = try resolve(
            ["snowpack.min_snapshots_to_keep": "4", "icepack.min_snapshots_to_keep": "6"])

        #expect(
            alias.policy.minSnapshotsToKeep
                == .init(4, .policy(property: "snowpack.min_snapshots_to_keep")))
        #expect(alias.warnings.count == 1)
        #expect(both.policy.minSnapshotsToKeep.value == 6)
    }

    @Test(arguments: ["three", "0", "-1", "1.5", ""])
    func `a value of ours that does not parse is ignored with a warning`(text: String) throws {
        let (policy, warnings) = try resolve(["icepack.min_snapshots_to_keep": text])

        #expect(policy.minSnapshotsToKeep == .init(3, .byDefault))
        #expect(warnings.count == 1)
    }

    @Test(arguments: ["history.expire.max-snapshot-age-ms", "history.expire.max-ref-age-ms"])
    func `a value of Iceberg's that does not parse stops the expiry`(key: String) {
        for text in ["soon", "-1", "1e99"] {
            #expect(throws: UnreadableProperty.self) {
                try RetentionPolicy.resolve(
                    properties: TableProperties([:]).setting(key, to: text),
                    options: .init(), now: now)
            }
        }
    }

    @Test func `a value of Iceberg's that nobody asks does not matter`() throws {
        let (policy, _) = try resolve(
            ["history.expire.max-snapshot-age-ms": "soon"],
            .init(olderThan: Timestamp(milliseconds: 1)))

        #expect(policy.expireOlderThan.value == 1)
    }

    @Test(arguments: ["9223372036854775807", "106751991167301"])
    func `an age beyond the beginning of time keeps everything`(days: String) throws {
        let (policy, _) = try resolve(["icepack.max_snapshot_age_days": days])

        #expect(policy.expireOlderThan.value < -9_000_000_000_000_000_000)
    }
}

extension TableProperties {
    /// These properties with one more.
    fileprivate func setting(_ key: String, to value: String) -> TableProperties {
        TableProperties([key: value])
    }
}
