// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergSpec
import IcebergTable
import ObjectStorage
import TestSupport
import Testing
import WireFormat

/// The readers against fastavro, file by file and field by field.
@Suite struct ManifestGoldenTests {
    private let lists = ManifestListReader(storage: LocalStorage())
    private let manifests = ManifestReader(storage: LocalStorage())

    private func check(list path: String, _ expected: [JSONValue]) async throws {
        let found = try await lists.manifests(in: Location(path)).map(\.golden)

        #expect(found == expected.map { $0.completed(with: ["515", "516", "517"]) }, "\(path)")
    }

    private func check(manifest path: String, _ expected: [JSONValue]) async throws {
        let content = try await manifests.describe(Location(path)).content
        let manifest = Inherited.manifest(path: path, content: content)

        let entries = try await manifests.entries(in: manifest)
        var live: [String] = []
        try await manifests.forEachLiveFile(in: manifest) { content, bytes in
            live.append("\(content) \(String(decoding: bytes, as: UTF8.self))")
        }

        #expect(entries.map(\.golden) == expected.map { $0.completed(with: []) }, "\(path)")
        let alive = entries.filter(\.isLive).map {
            "\($0.dataFile.content) \($0.dataFile.filePath)"
        }
        #expect(live == alive, "\(path)")
    }

    @Test func `lists of every format version read as another reader has them`() async throws {
        let written = try ManifestGoldens.rows("list", in: "written.json")
        #expect(written.count == 3)
        for (name, rows) in written { try await check(list: ManifestGoldens.path(name), rows) }
    }

    @Test func `manifests of every format version read as another reader has them`() async throws {
        let written = try ManifestGoldens.rows("manifest", in: "written.json")
        #expect(written.count == 4)
        for (name, rows) in written { try await check(manifest: ManifestGoldens.path(name), rows) }
    }

    @Test func `files without any field id are read by the names of the specification`()
        async throws
    {
        let lists = try ManifestGoldens.rows("list", in: "written.json")
        let manifests = try ManifestGoldens.rows("manifest", in: "written.json")
        let list = try #require(lists.first { $0.0 == "v2-list.avro" })
        let manifest = try #require(manifests.first { $0.0 == "v2-manifest.avro" })

        try await check(list: ManifestGoldens.path("bare-list.avro"), list.1)
        try await check(manifest: ManifestGoldens.path("bare-manifest.avro"), manifest.1)
    }

    @Test(.enabled(if: Fixtures.isAvailable, "\(Fixtures.reason)"))
    func `every list among the fixtures reads as another reader has it`() async throws {
        let expected = try ManifestGoldens.rows("list", in: "fixtures.json")
        #expect(expected.count == 37)
        for (path, rows) in expected { try await check(list: Fixtures.url(path).path, rows) }
    }

    @Test(.enabled(if: Fixtures.isAvailable, "\(Fixtures.reason)"))
    func `every manifest among the fixtures reads as another reader has it`() async throws {
        let expected = try ManifestGoldens.rows("manifest", in: "fixtures.json")
        #expect(expected.count == 34)
        for (path, rows) in expected { try await check(manifest: Fixtures.url(path).path, rows) }
    }

    @Test(.enabled(if: Fixtures.isAvailable, "\(Fixtures.reason)"))
    func `no Avro file among the fixtures is left out`() throws {
        let found = try ["iceberg-tables", "manifest-lists"].flatMap {
            try Fixtures.files(below: $0).filter { $0.hasSuffix(".avro") }
        }
        let expected = try ["list", "manifest"].flatMap {
            try ManifestGoldens.rows($0, in: "fixtures.json").map(\.0)
        }

        #expect(
            Set(found).subtracting(expected)
                == ["manifest-lists/manifest-list-v3-encrypted.avro"])
    }
}
