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
    /// Every table of which what the metadata names is where it says.
    static let tables = [
        "add_columns_with_defaults/default.db/add_columns_with_defaults",
        "case_sensitive_names/default.db/case_sensitive_names",
        "column_mapping/warehouse/default.db/my_table", "hive_partitioned_table",
        "iceberg/lineitem_iceberg_gz", "iceberg_v1_deprecated/default/legacy_v1",
        "iceberg_v1_repro/repro/merch_v1",
        "legacy_bare_deletion_vector/warehouse/default/legacy_bare_deletion_vector",
        "map_stats/default.db/map_stats", "null_stats/default/test_nulls", "partition_binary",
        "partition_bool",
        "partition_decimal_hugeint", "partition_decimal_integer",
        "partition_double", "partition_timestamptz/default.db/partition_timestamptz", "uuid",
    ]

    let folder: ScratchFolder
    let storage: LocalStorage
    private let isUnreadable: Bool
    /// Those that none of the engines reads in its place: one has no list of manifests, and the
    /// other a vector without its Puffin file.
    static let unreadable: Set = [
        "iceberg_v1_deprecated/default/legacy_v1",
        "legacy_bare_deletion_vector/warehouse/default/legacy_bare_deletion_vector",
    ]
    /// Its locations begin here and not where the others' do.
    private static let ownRoot = "iceberg/"

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
        let top = "data/persistent/"
        let isOwn = path.hasPrefix(Self.ownRoot)
        let below = isOwn ? String(path.dropFirst(Self.ownRoot.count)) : path
        let root = isOwn ? "" : top
        let name = below.prefix { $0 != "/" }
        let target = URL(filePath: folder.path).appending(path: root)
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: Fixtures.url("iceberg-tables/\(top)\(isOwn ? Self.ownRoot : "")\(name)"),
            to: target.appending(path: name))
        storage = try LocalStorage(relativeTo: folder.location)
        let location = Location("\(root)\(below)")
        isUnreadable = Self.unreadable.contains { path.hasPrefix($0) }
        metadataFolder = String(location.rawValue.dropLast(location.lastComponent.count + 1))
        table = try await MetadataFiles(storage: storage).load(location, of: Self.identifier)
        catalog = MemoryCatalog(table)
    }

    /// Everything that snapshots reach, read in full, entry by entry.
    func reach(_ metadata: TableMetadata) async throws -> Set<String> {
        var files: Set<String> = []
        for snapshot in metadata.snapshots {
            if let list = snapshot.manifestList { files.insert(list) }
            for manifest in try await manifests(of: snapshot) {
                files.insert(manifest.path)
                let entries = try await ManifestReader(storage: storage).entries(in: manifest)
                files.formUnion(entries.filter(\.isLive).map(\.dataFile.filePath))
            }
        }
        return files
    }

    /// The manifests of a snapshot, also of one that has no list of them.
    func manifests(of snapshot: Snapshot) async throws -> [ManifestFile] {
        if let list = snapshot.manifestList {
            return try await ManifestListReader(storage: storage).manifests(in: Location(list))
        }
        var found: [ManifestFile] = []
        for path in snapshot.manifests ?? [] {
            found.append(try await ManifestReader(storage: storage).describe(Location(path)))
        }
        return found
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
        defer { try? FileManager.default.removeItem(atPath: "\(folder.path)/\(location)") }
        let output = try await Oracles.run(
            "live_entries.py",
            [
                "--root", folder.path, "--metadata-location", location.rawValue,
                "--engines",
                (engines ?? ["duckdb", "datafusion", "pyiceberg"]).joined(separator: ","),
            ] + (engines == nil ? ["--if-able"] : []))
        let seen = try #require(output.objectValue)
        let readers = try #require(seen["rows"]?.objectValue).keys
        #expect(readers.isEmpty == isUnreadable, "\(seen["unable"] ?? nil)")
        return seen
    }
}
