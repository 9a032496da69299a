// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import TestSupport
import Testing
import WireFormat

@testable import RESTCatalog

/// How the server and we share the checks of a commit.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct RESTCommitTests {
    @Test func `of concurrent commits that move a branch one gets in`() async throws {
        let bed = try await RESTBed()
        let table = try await bed.addTable()
        let base = try await bed.catalog().loadTable(table)
        let branch = SnapshotReference(snapshotID: 2, kind: .branch)

        let outcomes = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    await (try bed.catalog()).commit(
                        [.setSnapshotRef(name: "b", branch)],
                        requirements: [.assertRefSnapshotID(ref: "b", snapshotID: nil)],
                        to: table, base: base
                    ).kind
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }

        #expect(outcomes.count { $0 == "committed" } == 1)
        #expect(outcomes.count { $0 == "conflict" } == 5)
    }

    @Test func `a branch that moved between our look and the commit is a conflict`() async throws {
        let bed = try await RESTBed()
        let table = try await bed.addTable()
        let catalog = try bed.catalog()
        let base = try await catalog.loadTable(table)
        // What the caller requires says nothing of main; what the adapter adds does.
        let requirements = RESTCommit.requirements(of: base, beside: [])

        #expect(requirements.contains(.assertRefSnapshotID(ref: "main", snapshotID: 3)))
        #expect(requirements.contains(.assertTableUUID(SampleTable.uuid)))
        #expect(requirements.contains(.assertCurrentSchemaID(0)))
        #expect(requirements.contains(.assertDefaultSpecID(0)))
        let outcome = await catalog.commit(
            [.setProperties(TableProperties(["a": "1"]))], requirements: [], to: table, base: base)
        #expect(outcome.kind == "committed")
        let sent = try await bed.commits().first?["body"]?.stringValue ?? ""
        #expect(sent.contains("assert-ref-snapshot-id") && sent.contains(SampleTable.uuid))
    }
}
