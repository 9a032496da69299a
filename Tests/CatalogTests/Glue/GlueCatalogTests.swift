// SPDX-License-Identifier: Apache-2.0

import AWSSigning
import Foundation
import HTTPExchange
import IcebergCatalog
import IcebergSpec
import IcebergTable
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

@testable import GlueCatalog

/// moto's Glue, with a database of the test's own.
private struct GlueBed {
    let scratch: ScratchFolder
    let server: GlueServer
    let database: String
    let storage = FaultyStorage(LocalStorage())

    init(own: Bool = false) async throws {
        scratch = try ScratchFolder()
        server = own ? try await .start() : try await .shared()
        database = "d\(UInt64.random(in: 0 ... .max))"
    }

    func table(_ name: String = "t") -> TableIdentifier {
        TableIdentifier(namespace: [database], name: name)
    }

    func catalog(secret: String? = nil) -> GlueCatalog<TestStorage> {
        let credentials = AWSCredentials(
            accessKeyID: server.accessKeyID, secretAccessKey: secret ?? server.secretAccessKey)
        let signer = AWSCallSigner(
            region: "us-east-1", service: "glue",
            now: { Int64(Date().timeIntervalSince1970 * 1000) },
            credentials: { () throws(SigningFailure) in credentials })
        let settings = GlueCatalogSettings(name: "test", endpoint: server.endpoint) {
            (call) throws(SigningFailure) in try await signer.headers(for: call)
        }
        return GlueCatalog(settings, storage: storage, pause: { _ in })
    }

    /// A table with three snapshots.
    func addTable(_ name: String = "t") async throws {
        let sample = SampleTable(location: scratch.appending("wh/\(name)"))
        try await LocalStorage().write(sample.bytes, to: sample.firstFile, condition: .none)
        try await server.pyIceberg("register", "\(database).\(name)", sample.firstFile.rawValue)
    }
}

@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct GlueCatalogTests {
    private let update = [TableUpdate.removeSnapshots([1])]

    @Test func `PyIceberg and we commit to one table in turns`() async throws {
        let bed = try await GlueBed()
        let name = "\(bed.database).t"
        let made = try await bed.server.pyIceberg("create", name, bed.scratch.path)
        let catalog = bed.catalog()
        let base = try await catalog.loadTable(bed.table())
        let first = try #require(base.metadata.snapshots.first)

        let outcome = await catalog.commit(
            [.removeSnapshots([first.id])],
            requirements: [
                .assertRefSnapshotID(ref: "main", snapshotID: base.metadata.currentSnapshotID)
            ], to: bed.table(), base: base)
        let seen = try await bed.server.pyIceberg("look", name)
        let appended = try await bed.server.pyIceberg("append", name)

        guard case .committed(let after) = outcome else {
            Issue.record("the commit was \(outcome)")
            return
        }
        #expect(seen["location"]?.stringValue == after.metadataLocation.rawValue)
        #expect(seen["rows"] == made["rows"])
        #expect(seen["columns"] == made["columns"], "what else Glue knows of the table stays")
        #expect(
            seen["parameters"]?.objectValue?["previous_metadata_location"]
                == made["location"])
        #expect(appended["rows"]?.arrayValue?.count == 40)
        #expect(
            try await catalog.loadTable(bed.table()).metadataLocation.rawValue
                == appended["location"]?.stringValue)
        let sent = try await bed.server.updates().last {
            $0["DatabaseName"]?.stringValue == bed.database && $0["SkipArchive"] == true
        }
        #expect(sent?["VersionId"]?.stringValue?.isEmpty == false)
    }

    @Test func `Iceberg tables of all pages are listed, and nothing else`() async throws {
        let bed = try await GlueBed()
        for name in ["a", "b", "c", "d", "e"] { try await bed.addTable(name) }
        try await bed.server.pyIceberg("plain", "\(bed.database).plain")

        let tables = try await bed.catalog().listTables()

        #expect(
            tables.filter { $0.namespace == [bed.database] }.map(\.name)
                == ["a", "b", "c", "d", "e"])
        #expect(tables == tables.sorted())
        let error = await catalogError { () throws(CatalogError) in
            try await bed.catalog().loadTable(bed.table("plain"))
        }
        #expect(error?.kind == "unreadable")
        #expect(error?.description.contains("table_type") == true)
    }

    @Test func `what is not there is said to be missing`() async throws {
        let bed = try await GlueBed()
        try await bed.addTable()
        let missing = [
            bed.table("none"), TableIdentifier("none.t"), TableIdentifier("a.b.t"),
            TableIdentifier(namespace: [], name: "t"),
        ]

        for table in missing {
            let error = await catalogError { () throws(CatalogError) in
                try await bed.catalog().loadTable(table)
            }
            #expect(error == .noSuchTable(table))
        }
    }

    @Test func `a metadata file that is gone is that table's error`() async throws {
        let bed = try await GlueBed()
        try await bed.addTable()
        let location = try await bed.catalog().loadTable(bed.table()).metadataLocation
        _ = await LocalStorage().remove([location])

        let error = await catalogError { () throws(CatalogError) in
            try await bed.catalog().loadTable(bed.table())
        }

        #expect(error?.kind == "unreadable")
    }

    @Test func `a wrong key is refused`() async throws {
        let bed = try await GlueBed()

        let error = await catalogError { () throws(CatalogError) in
            try await bed.catalog(secret: "wrong-secret").listTables()
        }

        #expect(error?.kind == "denied")
        #expect(error?.description.contains("wrong-secret") == false)
    }

    @Test func `of concurrent commits on one version one gets in, and no file is left behind`()
        async throws
    {
        let bed = try await GlueBed()
        try await bed.addTable()
        let base = try await bed.catalog().loadTable(bed.table())

        let outcomes = await withTaskGroup(of: String.self) { group in
            for index in 0..<5 {
                group.addTask {
                    await bed.catalog().commit(
                        [.setProperties(TableProperties(["a": "\(index)"]))], requirements: [],
                        to: bed.table(), base: base
                    ).kind
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }

        #expect(outcomes.count { $0 == "committed" } == 1)
        #expect(outcomes.count { $0 == "conflict" } == 4)
        let folder = bed.scratch.appending("wh/t/metadata")
        #expect(try await LocalStorage().children(of: folder).count == 2)
    }

    @Test func `a stale base and a closed guard keep a commit out, P-33`() async throws {
        let bed = try await GlueBed()
        try await bed.addTable()
        let catalog = bed.catalog()
        let base = try await catalog.loadTable(bed.table())

        let guarded = await catalog.commit(
            update, requirements: [], to: bed.table(), base: base, under: CommitGuard { false })
        let first = await catalog.commit(update, requirements: [], to: bed.table(), base: base)
        let stale = await catalog.commit(
            [.removeSnapshots([2])], requirements: [], to: bed.table(), base: base)

        #expect([guarded.kind, first.kind, stale.kind] == ["rejected", "committed", "conflict"])
    }
}

/// What becomes of a commit when its answer is a bad one, or none (P-30).
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)), .serialized)
struct GlueFaultTests {
    private static let faults: [(JSONObject, String, Bool)] = [
        (["status": 502, "after": true], "unknown", true), (["status": 502], "unknown", false),
        (["cut": "after"], "unknown", true), (["cut": "before"], "unknown", false),
        (["status": 500, "type": "InternalServiceException"], "unknown", false),
        (["status": 400, "type": "OperationTimeoutException", "after": true], "unknown", true),
        (["status": 400, "type": "com.amazonaws.glue#ThrottlingException"], "unavailable", false),
        (["status": 400, "type": "ConcurrentModificationException:http"], "conflict", false),
        (["status": 400, "type": "AccessDeniedException"], "rejected", false),
        (["status": 400, "type": "EntityNotFoundException"], "rejected", false),
    ]

    @Test func `every answer has its outcome, and the new file stays where that is unknown, P-30`()
        async throws
    {
        let bed = try await GlueBed(own: true)
        let catalog = bed.catalog()
        for (index, (fault, kind, isApplied)) in Self.faults.enumerated() {
            let table = bed.table("t\(index)")
            try await bed.addTable(table.name)
            let base = try await catalog.loadTable(table)
            try await bed.server.inject("UpdateTable", fault)

            let outcome = await catalog.commit(
                [.removeSnapshots([1])], requirements: [], to: table, base: base)

            #expect(outcome.kind == kind, "\(fault)")
            let after = try await catalog.loadTable(table)
            #expect((after.metadata.snapshot(1) == nil) == isApplied, "\(fault)")
            let files = try await LocalStorage().children(
                of: bed.scratch.appending("wh/\(table.name)/metadata"))
            #expect(files.count == (kind == "unknown" ? 2 : 1), "\(fault)")
            if case .unknown(_, let location) = outcome {
                #expect((location == after.metadataLocation) == isApplied)
            }
        }
        #expect(try await bed.server.updates().count == Self.faults.count, "none is sent twice")
    }

    @Test func `what became of a lost answer is found in the metadata log, P-30`() async throws {
        let bed = try await GlueBed(own: true)
        try await bed.addTable()
        try await bed.server.inject("UpdateTable", ["cut": "after"])
        let committer = TableCommitter(catalog: bed.catalog())

        let result = await committer.commit(
            to: bed.table(), confirm: {},
            plan: { _ in
                CommitProposal(updates: [.removeSnapshots([1])], requirements: []) { _ in false }
            })

        guard case .committed(let table, attempts: 1) = result else {
            Issue.record("the commit was \(result)")
            return
        }
        #expect(table.metadata.snapshots.map(\.id) == [2, 3])
    }

    @Test func `a look is made again while that may help`() async throws {
        let bed = try await GlueBed(own: true)
        try await bed.addTable()
        for fault in [
            ["status": 503], ["cut": "before"], ["status": 400, "type": "ThrottlingException"],
        ] as [JSONObject] { try await bed.server.inject("GetTable", fault) }

        #expect(try await bed.catalog().loadTable(bed.table()).metadata.snapshots.count == 3)

        for _ in 0..<GlueClient.tries {
            try await bed.server.inject("GetTable", ["status": 503])
        }
        let error = await catalogError { () throws(CatalogError) in
            try await bed.catalog().loadTable(bed.table())
        }
        #expect(error?.kind == "unavailable")
    }
}
