// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import TestSupport
import Testing
import WireFormat

@testable import RESTCatalog

/// The contract of catalogs, but for what concerns metadata files: here the server writes them.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct RESTCatalogContractTests {
    private func contract() async throws -> CatalogContract<RESTBed> {
        CatalogContract(bed: try await RESTBed())
    }

    @Test func `tables are listed in order, broken ones too`() async throws {
        try await contract().lists()
    }
    @Test func `a missing table is said to be missing`() async throws {
        try await contract().missingTable()
    }
    @Test func `a commit is what the next reader finds`() async throws {
        try await contract().commits()
    }
    @Test func `nothing to change is no commit`() async throws {
        try await contract().emptyCommit()
    }
    @Test func `a guard that closes before the commit keeps it out, P-33`() async throws {
        try await contract().closedGuard()
    }
    @Test func `a stale base is a conflict`() async throws {
        try await contract().staleBase()
    }
    @Test func `what does not hold or fit changes nothing`() async throws {
        try await contract().refusals()
    }

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
