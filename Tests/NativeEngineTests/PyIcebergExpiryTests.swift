// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import SQLCatalog
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// Tables with branches and a tag that PyIceberg wrote, checked by programs that share no code
/// with this one: fastavro walks the references, DuckDB and PyIceberg read the rows.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct PyIcebergExpiryTests {
    private struct Made {
        let folder: ScratchFolder
        let catalogURI: String

        var catalogFile: String { folder.path + "/catalog.db" }
    }

    private func make(_ arguments: [String]) async throws -> Made {
        let folder = try ScratchFolder()
        let made = try await Oracles.run(
            "make_table.py", ["--warehouse", folder.path] + arguments)
        let uri = try #require(made.objectValue?["catalog_uri"]?.stringValue)
        return Made(folder: folder, catalogURI: uri)
    }

    private func references(_ made: Made) async throws -> (
        referenced: Set<String>, present: Set<String>, json: JSONObject
    ) {
        let output = try await Oracles.run(
            "references.py", ["--catalog-file", made.catalogFile, "--files", "--strict"])
        let json = try #require(output.objectValue)
        let referenced = try #require(json["referenced"]?.objectValue?.keys)
        let present = try #require(json["present"]?.arrayValue)
        return (Set(referenced), Set(present.compactMap(\.stringValue)), json)
    }

    private func rows(_ made: Made) async throws -> [String: JSONValue] {
        let json = try await Oracles.run("read_rows.py", ["--catalog-uri", made.catalogURI])
        let snapshots = try #require(json.objectValue?["snapshots"]?.objectValue)
        return Dictionary(uniqueKeysWithValues: snapshots.members.map { ($0.key, $0.value) })
    }

    @Test(arguments: [
        ["--commits", "12"], ["--commits", "12", "--partitioned", "--seed", "2"],
        ["--commits", "8", "--format-version", "1", "--seed", "3"],
    ])
    func `other engines read the same rows, and every file left is referenced`(
        arguments: [String]
    ) async throws {
        let made = try await make(arguments)
        let rowsBefore = try await rows(made)
        let before = try await references(made)
        let storage = LocalStorage()
        let engine = NativeEngine(
            catalog: try SQLCatalog(name: "default", uri: made.catalogURI, storage: storage),
            storage: storage)
        let journal = MemoryJournal()

        let report = try await engine.run(
            ActionRequest(
                table: TableIdentifier(namespace: ["demo"], name: "events"),
                action: .expireSnapshots,
                options: try ActionOptions.validating(
                    ["older_than": "2100-01-01T00:00:00Z", "retain_last": 2],
                    for: .expireSnapshots), now: TestTable.now), in: TestTable.context(journal))

        let after = try await references(made)
        let rowsAfter = try await rows(made)
        let expired = try #require(report.metrics["expired_snapshots_count"]?.intValue)
        #expect(expired > 0)
        #expect(rowsAfter.count == rowsBefore.count - expired)
        for (snapshot, digest) in rowsAfter { #expect(digest == rowsBefore[snapshot]) }
        let references = try #require(after.json["refs"]?.arrayValue)
        let removed = report.metrics["removed_references_count"]?.intValue
        #expect(references.count + (removed ?? 0) == before.json["refs"]?.arrayValue?.count)
        #expect(after.present.subtracting(before.present).count == 1, "one new metadata file")
        let gone = before.present.subtracting(after.present)
        #expect(gone == before.referenced.subtracting(after.referenced))
        let noted = journal.all.filter { $0.kind != FileKind.metadataFile.rawValue }
        #expect(gone.count == noted.count)
        #expect(after.json["unreferenced"] == before.json["unreferenced"])
    }
}
