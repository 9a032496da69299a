// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import Maintenance
import TestSupport
import Testing
import WireFormat

/// The retention policy again, as slow and as close to the spec's words as it can be written.
private struct RetentionOracle {
    let history: History
    let olderThan: Int64
    let minimum: Int
    let maxRefAge: Int64

    func snapshot(_ id: Int64) -> History.Entry? { history.snapshots.first { $0.id == id } }

    func line(from id: Int64) -> [History.Entry] {
        guard let entry = snapshot(id) else { return [] }
        return [entry] + (entry.parent.map { line(from: $0) } ?? [])
    }

    var keptReferences: [History.Reference] {
        history.references.filter { reference in
            guard reference.name != "main", let entry = snapshot(reference.snapshot) else {
                return reference.name == "main"
            }
            return History.now.milliseconds - entry.time <= (reference.age ?? maxRefAge)
        }
    }

    func retained() -> Set<Int64> {
        var kept: Set<Int64> = []
        var known: Set<Int64> = []
        for reference in keptReferences {
            kept.insert(reference.snapshot)
            known.insert(reference.snapshot)
            guard reference.kind == "branch" else { continue }
            let line = line(from: reference.snapshot)
            known.formUnion(line.map(\.id))
            let oldest = reference.snapshotAge.map { History.now.milliseconds - $0 } ?? olderThan
            let count = reference.minimum.map { Int($0) } ?? minimum
            let end = line.indices.first { $0 >= count && line[$0].time < oldest } ?? line.count
            kept.formUnion(line[..<end].map(\.id))
        }
        for entry in history.snapshots where !known.contains(entry.id) && entry.time >= olderThan {
            kept.insert(entry.id)
        }
        return kept
    }
}

@Suite struct RetentionOracleTests {
    @Test(arguments: UInt64(0)..<400)
    func `random histories keep what the slow reading of the spec keeps, P-22`(seed: UInt64) throws
    {
        var random = SeededGenerator(seed: seed)
        let history = History.random(using: &random)
        var options = ExpireSnapshotsOptions()
        if Bool.random(using: &random) {
            let age = Int64.random(in: -10...1010, using: &random)
            options.olderThan = Timestamp(milliseconds: History.now.milliseconds - age)
        }
        if Bool.random(using: &random) {
            options.retainLast = Int.random(in: 1...5, using: &random)
        }
        func property(_ key: String) -> Int64? {
            history.properties.first { $0.0 == "history.expire.\(key)" }.flatMap { Int64($0.1) }
        }
        let oracle = RetentionOracle(
            history: history,
            olderThan: options.olderThan?.milliseconds
                ?? History.now.milliseconds - (property("max-snapshot-age-ms") ?? 432_000_000),
            minimum: options.retainLast ?? property("min-snapshots-to-keep").map { Int($0) } ?? 3,
            maxRefAge: property("max-ref-age-ms") ?? .max)

        let plan = try history.plan(options)

        #expect(Set(plan.retained.map(\.id)) == oracle.retained())
        #expect(
            Set(plan.retained.map(\.id)).isDisjoint(with: plan.expiredSnapshotIDs))
        #expect(
            plan.removedReferences
                == history.references.map(\.name).filter { name in
                    !oracle.keptReferences.contains { $0.name == name }
                })
    }

    @Test(arguments: UInt64(0)..<50)
    func `a plan that is carried out leaves nothing to expire`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let metadata = try History.random(using: &random).metadata()
        let options = ExpireSnapshotsOptions(
            olderThan: History.now.advanced(by: .milliseconds(-300)), retainLast: 2)
        let plan = try ExpireSnapshotsPlanner.plan(metadata, options: options, now: History.now)

        let after = try metadata.applying(
            plan.updates(unusedPartitionSpecIDs: []), previousMetadataLocation: "/t/m",
            nowMilliseconds: History.now.milliseconds)
        let again = try ExpireSnapshotsPlanner.plan(after, options: options, now: History.now)

        #expect(after.snapshots.map(\.id) == plan.retained.map(\.id))
        // A branch cut short has fewer ancestors, never more: what was young stays known.
        #expect(again.expiredSnapshotIDs.isEmpty)
        #expect(again.removedReferences.isEmpty)
    }
}
