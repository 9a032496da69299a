// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergCatalog
import IcebergSpec
import IcebergTable
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// A copy of a table among the fixtures, with a catalog that has it as its only table.
struct FixtureCopy {
    static let identifier = TableIdentifier(namespace: ["ns"], name: "t")

    let folder: ScratchFolder
    let storage: LocalStorage
    /// Where the table's metadata is.
    let metadataFolder: String
    /// The table as it was found.
    let table: LoadedTable
    let catalog: MemoryCatalog

    /// Copies the table in a folder, as the newest of its metadata files has it.
    init(newestOf path: String) async throws {
        let metadata = "iceberg-tables/data/persistent/\(path)/metadata"
        let names = try FileManager.default.contentsOfDirectory(
            atPath: Fixtures.url(metadata).path)
        let newest = names.filter { $0.hasSuffix(".metadata.json") && !$0.hasPrefix(".") }.max()
        try await self.init("\(path)/metadata/\(try #require(newest))")
    }

    /// Copies a table, as one of its metadata files has it.
    init(_ path: String) async throws {
        folder = try ScratchFolder()
        let name = String(path.prefix { $0 != "/" })
        let root = URL(filePath: folder.path).appending(path: "data/persistent")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: Fixtures.url("iceberg-tables/data/persistent/\(name)"),
            to: root.appending(path: name))
        storage = try LocalStorage(relativeTo: folder.location)
        let location = Location("data/persistent/\(path)")
        metadataFolder = String(location.rawValue.dropLast(location.lastComponent.count + 1))
        table = LoadedTable(
            identifier: Self.identifier, metadataLocation: location,
            metadata: try TableMetadata(
                parsing: try await storage.read(location, limit: 1 << 20)))
        catalog = MemoryCatalog(table)
    }

    /// Everything that snapshots reach, read in full, entry by entry.
    func reach(_ metadata: TableMetadata) async throws -> Set<String> {
        var files: Set<String> = []
        for snapshot in metadata.snapshots {
            guard let list = snapshot.manifestList else { continue }
            files.insert(list)
            for manifest in try await ManifestListReader(storage: storage).manifests(
                in: Location(list))
            {
                files.insert(manifest.path)
                let entries = try await ManifestReader(storage: storage).entries(in: manifest)
                files.formUnion(entries.filter(\.isLive).map(\.dataFile.filePath))
            }
        }
        return files
    }
}

extension FixtureCopy {
    func load() async throws -> LoadedTable {
        try await catalog.loadTable(Self.identifier)
    }

    /// What fastavro finds in the current snapshot, and what engines read.
    ///
    /// - Parameter engines: Nil for all that can read the table.
    func look(engines: [String]? = nil) async throws -> JSONObject {
        let table = try await load()
        let location = Location("\(metadataFolder)/90000-look.metadata.json")
        try await storage.write(
            table.metadata.json.bytes(), to: location, condition: .none)
        let output = try await Oracles.run(
            "live_entries.py",
            [
                "--root", folder.path, "--metadata-location", location.rawValue,
                "--engines",
                (engines ?? ["duckdb", "datafusion", "pyiceberg"]).joined(separator: ","),
            ] + (engines == nil ? ["--if-able"] : []))
        return try #require(output.objectValue)
    }
}
