// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import Maintenance
import TestSupport
import Testing
import WireFormat

@Suite struct ExpireSnapshotsPlannerTests {
    /// One row of the table: a history, what is asked, which snapshots go.
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let build: @Sendable (inout History) -> Void
        var options = ExpireSnapshotsOptions()
        var ages: [Int64] = [500, 400, 300, 200, 100]
        let expired: [Int64]
        var removedReferences: [String] = []
    }

    static let cases: [Case] = [
        Case(testDescription: "nothing is old under the defaults", build: { _ in }, expired: []),
        Case(
            testDescription: "age is counted to the millisecond, and the limit itself stays",
            build: { $0.properties = [("history.expire.max-snapshot-age-ms", "300"), minimum(1)] },
            expired: [1, 2]),
        Case(
            testDescription: "the minimum count keeps old snapshots",
            build: { $0.properties = [("history.expire.max-snapshot-age-ms", "1"), minimum(4)] },
            expired: [1]),
        Case(
            testDescription: "the default count keeps three",
            build: { $0.properties = [("history.expire.max-snapshot-age-ms", "1")] },
            expired: [1, 2]),
        Case(
            testDescription: "older_than and retain_last keep the union",
            build: { _ in },
            options: .init(olderThan: History.now.advanced(by: .milliseconds(-150)), retainLast: 2),
            expired: [1, 2, 3]),
        Case(
            testDescription: "older_than in the future still keeps what references point to",
            build: { $0.references.append(.init(name: "t", snapshot: 2, kind: "tag")) },
            options: .init(olderThan: History.now.advanced(by: .seconds(999)), retainLast: 1),
            expired: [1, 3, 4]),
        Case(
            testDescription: "a branch's own settings win over the request",
            build: {
                $0.references[0].minimum = 2
                $0.references[0].snapshotAge = 350
            },
            options: .init(olderThan: History.now, retainLast: 5), expired: [1, 2]),
        Case(
            testDescription: "a reference older than its limit goes, and main never",
            build: {
                $0.references[0].age = 1
                $0.references += [
                    .init(name: "old", snapshot: 1, kind: "tag", age: 499),
                    .init(name: "kept", snapshot: 1, kind: "tag", age: 500),
                ]
            },
            expired: [], removedReferences: ["old"]),
        Case(
            testDescription: "the table's limit for references holds where they have none",
            build: {
                $0.properties = [("history.expire.max-ref-age-ms", "250")]
                $0.references += [
                    .init(name: "b", snapshot: 3), .init(name: "own", snapshot: 3, age: 400),
                ]
            },
            expired: [], removedReferences: ["b"]),
        Case(
            testDescription: "the snapshots of a dropped branch go once they are old",
            build: {
                $0.snapshots.append(.init(id: 9, parent: 2, time: History.now.milliseconds - 90))
                $0.references.append(.init(name: "b", snapshot: 9, age: 10))
            },
            options: .init(olderThan: History.now.advanced(by: .milliseconds(-80)), retainLast: 5),
            expired: [9], removedReferences: ["b"]),
        Case(
            testDescription: "a staged snapshot stays while it is young",
            build: {
                $0.snapshots += [
                    .init(id: 8, parent: 5, time: History.now.milliseconds - 50),
                    .init(id: 9, parent: 5, time: History.now.milliseconds - 5),
                ]
            },
            options: .init(olderThan: History.now.advanced(by: .milliseconds(-10)), retainLast: 5),
            expired: [8]),
        Case(
            testDescription: "after a rollback the abandoned line goes by age alone",
            build: { $0.references[0].snapshot = 2 },
            options: .init(olderThan: History.now.advanced(by: .milliseconds(-250)), retainLast: 9),
            expired: [3]),
        Case(
            testDescription:
                "the walk ends at the first old ancestor, however young those behind it",
            build: { $0.snapshots[0].time = History.now.milliseconds },
            options: .init(olderThan: History.now.advanced(by: .milliseconds(-350)), retainLast: 1),
            expired: [1, 2]),
        Case(
            testDescription: "snapshots named by id go though they are young",
            build: { _ in }, options: .init(snapshotIDs: [2, 4, 77]), expired: [2, 4]),
        Case(
            testDescription: "snapshots named by id go besides those that are old",
            build: { _ in },
            options: .init(
                olderThan: History.now.advanced(by: .milliseconds(-450)), retainLast: 1,
                snapshotIDs: [4]),
            expired: [1, 4]),
        Case(
            testDescription: "the newest snapshot of each Flink job stays",
            build: {
                for index in 0...2 { $0.snapshots[index].summary["flink.job-id"] = "a" }
                $0.snapshots[0].summary["flink.job-id"] = "b"
            },
            options: .init(olderThan: History.now, retainLast: 1), expired: [2, 4]),
        Case(
            testDescription: "a Flink job's snapshot that is named by id goes",
            build: { $0.snapshots[2].summary["flink.job-id"] = "a" },
            options: .init(olderThan: History.now, retainLast: 1, snapshotIDs: [3]),
            expired: [1, 2, 3, 4]),
        Case(
            testDescription: "a table without main loses all that is old and unreferenced",
            build: { $0.references = [] },
            options: .init(olderThan: History.now.advanced(by: .milliseconds(-200)), retainLast: 9),
            expired: [1, 2, 3]),
        Case(
            testDescription: "an empty table has nothing to expire", build: { _ in }, ages: [],
            expired: []),
    ]

    private static func minimum(_ count: Int) -> (String, String) {
        ("history.expire.min-snapshots-to-keep", "\(count)")
    }

    @Test func `what a tag holds stays for a slow reader, and unasked nothing is young, P-24`()
        throws
    {
        let day: Int64 = 86_400_000
        var history = History(ages: [5 * day + 1, 5 * day, 4 * day, 2, 1])
        history.properties = [Self.minimum(1)]
        let unasked = try history.plan(.init()).expiredSnapshotIDs
        history.references.append(.init(name: "reader", snapshot: 1, kind: "tag"))
        let held = try history.plan(.init()).expiredSnapshotIDs
        let forced = try history.plan(.init(olderThan: History.now, retainLast: 1))
            .expiredSnapshotIDs

        #expect(unasked == [1])
        #expect(held.isEmpty)
        #expect(forced == [2, 3, 4])
    }

    @Test(arguments: cases)
    func `the retention policy decides, P-22, P-23, P-27`(row: Case) throws {
        var history = History(ages: row.ages)
        row.build(&history)

        let plan = try history.plan(row.options)

        #expect(plan.expiredSnapshotIDs == row.expired)
        #expect(plan.removedReferences == row.removedReferences)
        #expect(
            Set(plan.retained.map(\.id))
                == Set(history.snapshots.map(\.id)).subtracting(row.expired))
        #expect(plan.isEmpty == (row.expired.isEmpty && row.removedReferences.isEmpty))
    }

    @Test func `a snapshot that a reference points to is never expired by id`() throws {
        var history = History(ages: [30, 20, 10])
        history.references += [
            .init(name: "t", snapshot: 1, kind: "tag"), .init(name: "b", snapshot: 1),
        ]

        #expect(throws: ExpireSnapshotsRefusal.referenced(3, by: ["main"])) {
            try history.plan(.init(snapshotIDs: [3]))
        }
        #expect(throws: ExpireSnapshotsRefusal.referenced(1, by: ["t", "b"])) {
            try history.plan(.init(snapshotIDs: [1]))
        }
    }

    @Test func `ids that are not there are ignored with a warning`() throws {
        let plan = try History(ages: [20, 10]).plan(.init(snapshotIDs: [8, 9]))

        #expect(plan.isEmpty)
        #expect(plan.warnings == ["2 of the snapshot_ids are not in the table and were ignored"])
    }

    @Test func `statistics go with their snapshots and only with them, P-25`() throws {
        var history = History(ages: [30, 20, 10])
        history.statistics = [1, 1, 3, 99]
        history.partitionStatistics = [2, 3]

        let plan = try history.plan(.init(olderThan: History.now, retainLast: 1))

        #expect(plan.removedStatistics == [1])
        #expect(plan.removedPartitionStatistics == [2])
        #expect(
            plan.updates(unusedPartitionSpecIDs: []) == [
                .removeStatistics(snapshotID: 1), .removePartitionStatistics(snapshotID: 2),
                .removeSnapshots([1, 2]),
            ])
    }

    @Test func `schemas that a retained snapshot names stay, and so does the current one`() throws {
        var history = History(ages: [30, 20, 10])
        history.schemas = [0, 1, 2, 3]
        history.specs = [0, 1, 2]
        for index in 0..<3 { history.snapshots[index].schema = index }
        history.references.append(.init(name: "t", snapshot: 2, kind: "tag"))
        var options = ExpireSnapshotsOptions(olderThan: History.now, retainLast: 1)

        #expect(try history.plan(options).removedSchemaIDs == [])
        options.cleansExpiredMetadata = true
        let plan = try history.plan(options)

        #expect(plan.expiredSnapshotIDs == [1])
        #expect(plan.removedSchemaIDs == [0])
        #expect(plan.removablePartitionSpecIDs == [0, 1])
        #expect(plan.updates(unusedPartitionSpecIDs: [1]).last == .removePartitionSpecs([1]))
    }

    @Test func `the commit requires every reference and default that the plan looked at`() throws {
        var history = History(ages: [30, 20, 10])
        history.references.append(.init(name: "t", snapshot: 1, kind: "tag"))
        let metadata = try history.metadata()
        let plan = try history.plan(.init(snapshotIDs: [2]))

        #expect(
            plan.requirements(on: metadata, unusedPartitionSpecIDs: [1]) == [
                .assertTableUUID("9c12d441-03fe-4693-9a96-a0705ddf69c1"),
                .assertRefSnapshotID(ref: "main", snapshotID: 3),
                .assertRefSnapshotID(ref: "t", snapshotID: 1), .assertDefaultSpecID(0),
            ])
    }

    @Test(arguments: [
        ("true", true), ("TRUE", true), ("false", false), ("no", false), ("", false),
    ])
    func `files are removed only when gc-enabled is true`(text: String, removes: Bool) throws {
        var history = History(ages: [10])

        #expect(try history.plan().removesFiles)
        history.properties = [("gc.enabled", text)]

        #expect(try history.plan().removesFiles == removes)
    }
}
