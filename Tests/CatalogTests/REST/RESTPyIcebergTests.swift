// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import ObjectStorage
import TestSupport
import Testing
import WireFormat

@testable import RESTCatalog

/// One server, two clients; that PyIceberg's finds its way shows that the server is a true one.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct RESTPyIcebergTests {
    private static let credential = "icepack:s3cret"

    @Test func `PyIceberg and we commit to one table in turns`() async throws {
        let bed = try await RESTBed([
            "oauth": ["id": "icepack", "secret": "s3cret"], "prefix": "main", "page_size": 2,
        ])
        var settings = bed.settings
        settings.authentication = .clientCredentials(OAuthClient(credential: Self.credential))
        let catalog = try bed.catalog(settings)
        let table = TableIdentifier("db.deep.t")

        let made = try await client(bed, "create")
        let base = try await catalog.loadTable(table)
        let first = try #require(base.metadata.snapshots.first)
        let outcome = await catalog.commit(
            [
                .removeSnapshots([first.id]),
                .setProperties(TableProperties(["icepack.note": "caf\u{E9}"])),
            ],
            requirements: [
                .assertRefSnapshotID(ref: "main", snapshotID: base.metadata.currentSnapshotID)
            ], to: table, base: base)
        let seen = try await client(bed, "look")
        let appended = try await client(bed, "append")
        let expired = try await client(bed, "expire")
        let ours = try await catalog.loadTable(table)

        guard case .committed(let after) = outcome else {
            Issue.record("the commit was \(outcome)")
            return
        }
        #expect(try await catalog.listTables() == [table])
        #expect(made["location"]?.stringValue == base.metadataLocation.rawValue)
        #expect(seen["location"]?.stringValue == after.metadataLocation.rawValue)
        #expect(seen["rows"] == made["rows"], "expiring an old snapshot removes no row")
        #expect(seen["snapshots"]?.arrayValue?.count == 2)
        #expect(seen["properties"]?.objectValue?["icepack.note"] == "caf\u{E9}")
        #expect(appended["rows"]?.arrayValue?.count == 40)
        #expect(expired["rows"] == appended["rows"])
        #expect(ours.metadataLocation.rawValue == expired["location"]?.stringValue)
        #expect(ours.metadata.snapshots.count == 2)
        let stale = await catalog.commit(
            [.removeSnapshots([first.id])], requirements: [], to: table, base: after)
        #expect(stale.kind == "conflict")
    }

    private func client(_ bed: RESTBed, _ command: String) async throws -> JSONObject {
        let found = try await Oracles.run(
            "rest_client.py",
            [
                command, bed.server.uri, "--table", "db.deep.t",
                "credential=\(Self.credential)",
                "oauth2-server-uri=\(bed.server.uri)/v1/oauth/tokens",
            ])
        return try #require(found.objectValue)
    }
}
