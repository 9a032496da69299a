// SPDX-License-Identifier: Apache-2.0

import FileSystemCatalog
import Foundation
import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import Synchronization
import TestSupport
import WireFormat

/// A table of any format version in a Hadoop catalog, whose commits the tests write themselves;
/// its data files need not exist.
struct ManifestTable {
    static let identifier = TableIdentifier(namespace: ["ns"], name: "t")

    let folder: ScratchFolder
    private(set) var version: FormatVersion
    let storage = LocalStorage()
    /// What its locations begin with: nothing, or `file://`, which some engines need.
    let scheme: String

    typealias Tables = FileSystemCatalog<LocalStorage>

    var catalog: Tables {
        FileSystemCatalog(name: "test", warehouse: folder.location, storage: storage)
    }

    var location: String { scheme + folder.appending("ns/t").rawValue }

    /// A table with the columns `id` and `region`, and specs 0 (none), 1 (`region`) and
    /// 2 (`id_bucket`).
    ///
    /// - Parameter columns: More columns, as the schema's JSON has them.
    init(
        _ version: FormatVersion, properties: [String: String] = [:], columns: [JSONValue] = [],
        scheme: String = ""
    ) async throws {
        folder = try ScratchFolder()
        self.scheme = scheme
        self.version = version
        let schema = Self.schema(columns)
        var document = JSONObject()
        document["format-version"] = .integer(version.rawValue)
        document["table-uuid"] = "7b1f4c5e-0000-4000-8000-000000000002"
        document["location"] = .string(location)
        if version > .v1 { document["last-sequence-number"] = 0 }
        document["last-updated-ms"] = 1_700_000_000_000
        document["last-column-id"] = .integer(2 + columns.count)
        document["schema"] = schema
        document["schemas"] = [schema]
        document["current-schema-id"] = 0
        document["partition-spec"] = []
        document["partition-specs"] = [
            ["spec-id": 0, "fields": []],
            [
                "spec-id": 1,
                "fields": [
                    [
                        "source-id": 2, "field-id": 1000, "name": "region",
                        "transform": "identity",
                    ]
                ],
            ],
            [
                "spec-id": 2,
                "fields": [
                    [
                        "source-id": 1, "field-id": 1001, "name": "id_bucket",
                        "transform": "bucket[4]",
                    ]
                ],
            ],
        ]
        document["default-spec-id"] = 1
        document["last-partition-id"] = 1001
        document["sort-orders"] = [["order-id": 0, "fields": []]]
        document["default-sort-order-id"] = 0
        document["properties"] = .object(
            JSONObject(
                properties.sorted { $0.key < $1.key }.map {
                    .init(key: $0.key, value: .string($0.value))
                }))
        document["current-snapshot-id"] = .null
        document["snapshots"] = []
        if version == .v3 { document["next-row-id"] = 0 }
        try await storage.write(
            JSONValue.object(document).bytes(),
            to: Location("\(location)/metadata/v1.metadata.json"), condition: .absent)
        try await storage.write(
            Array("1".utf8), to: Location("\(location)/metadata/version-hint.text"),
            condition: .none)
    }

    private static func schema(_ columns: [JSONValue]) -> JSONValue {
        [
            "type": "struct", "schema-id": 0,
            "fields": .array(
                [
                    ["id": 1, "name": "id", "required": false, "type": "long"],
                    ["id": 2, "name": "region", "required": false, "type": "string"],
                ] + columns),
        ]
    }

    /// The same table, taken for one of another version.
    init(_ other: ManifestTable, version: FormatVersion) {
        folder = other.folder
        scheme = other.scheme
        self.version = version
    }

    /// Makes another spec the current one.
    func setDefaultSpec(_ id: Int) async throws {
        try await changeMetadata { $0["default-spec-id"] = .integer(id) }
    }

    /// Upgrades the table to format version 3, which leaves snapshots as they are.
    @discardableResult
    func upgraded() async throws -> ManifestTable {
        try await changeMetadata { document in
            document["format-version"] = 3
            document["next-row-id"] = 0
        }
        var upgraded = self
        upgraded.version = .v3
        return upgraded
    }

    /// Changes the table's metadata where they are.
    func changeMetadata(_ change: (inout JSONObject) -> Void) async throws {
        let table = try await load()
        var document = table.metadata.document
        change(&document)
        try await storage.write(
            JSONValue.object(document).bytes(), to: table.metadataLocation, condition: .none)
    }

    func load() async throws -> LoadedTable { try await catalog.loadTable(Self.identifier) }

    /// A data or delete file that is to be added.
    static func entry(
        _ partition: [PartitionValue?] = [], rows: Int64 = 10, content: DataFileContent = .data,
        path: String = "/data/\(UUID().uuidString).parquet"
    ) -> CompleteEntry {
        var metrics = ColumnMetrics()
        metrics.valueCounts = [ColumnFact(id: 1, value: rows)]
        metrics.lowerBounds = [ColumnFact(id: 1, value: Array(path.utf8.suffix(16)))]
        return CompleteEntry(
            entry: ManifestEntry(
                status: .added, snapshotID: nil, sequenceNumber: nil, fileSequenceNumber: nil,
                dataFile: DataFile(
                    content: content, filePath: path, fileFormat: .parquet, recordCount: rows,
                    fileSizeInBytes: 1000)),
            partition: partition, metrics: metrics)
    }

    /// Commits one more manifest of entries of a spec, as an append does.
    ///
    /// - Parameters:
    ///   - removing: paths of manifests that go, as a rewrite by another writer does.
    @discardableResult
    func append(
        _ entries: [CompleteEntry], specID: Int = 1, content: ManifestContent = .data,
        removing: Set<String> = [], catalog other: (any Catalog)? = nil
    ) async throws -> Int64 {
        let table = try await load()
        let metadata = table.metadata
        let id = Int64.random(in: 1 ... .max)
        let spec = metadata.partitionSpec(specID) ?? metadata.partitionSpecs[0]
        let kind = try ManifestKind(of: metadata, spec: spec, content: content)
        var writer = try ManifestWriter(kind)
        for var entry in entries {
            if version == .v1 { entry.entry.snapshotID = id }
            try writer.append(entry)
        }
        let finished = try writer.finish()
        let manifest = Location("\(location)/metadata/\(UUID().uuidString)-m0.avro")
        try await storage.write(finished.bytes, to: manifest, condition: .absent)
        var row = finished.row
        row.path = manifest.rawValue
        row.addedSnapshotID = id
        let sequence = version == .v1 ? 0 : metadata.lastSequenceNumber + 1
        row.sequenceNumber = sequence
        row.minSequenceNumber = sequence
        let kept = try await manifests(of: metadata).filter { !removing.contains($0.path) }
        var listed = kept + [row]
        let first = metadata.nextRowID ?? 0
        let next = version == .v3 ? Self.assignRowIDs(&listed, from: first) : first
        let list = try await write(listed, id: id, metadata)
        let snapshot = Snapshot(
            id: id, parentID: metadata.currentSnapshotID, sequenceNumber: sequence,
            timestampMilliseconds: metadata.lastUpdatedMilliseconds + 1, manifestList: list,
            summary: SnapshotSummary(
                operation: "append", [("total-data-files", "\(entries.count)")]),
            schemaID: 0, firstRowID: metadata.nextRowID,
            addedRows: version == .v3 ? next - first : nil)
        let outcome = await catalog.commit(
            [
                .addSnapshot(snapshot),
                .setSnapshotRef(
                    name: "main", SnapshotReference(snapshotID: id, kind: .branch)),
            ], requirements: [], to: Self.identifier, base: table)
        guard case .committed = outcome else {
            throw Failure(description: "the test's append was not committed: \(outcome)")
        }
        return id
    }

    /// Gives data manifests that have none row ids, those from before an upgrade too.
    private static func assignRowIDs(_ rows: inout [ManifestFile], from first: Int64) -> Int64 {
        var next = first
        for index in rows.indices where rows[index].content == .data {
            guard rows[index].firstRowID == nil else { continue }
            rows[index].firstRowID = next
            next += (rows[index].addedRowsCount ?? 0) + (rows[index].existingRowsCount ?? 0)
        }
        return next
    }

    private func write(
        _ rows: [ManifestFile], id: Int64, _ metadata: TableMetadata
    ) async throws -> String {
        var writer = try ManifestListWriter(
            version, snapshotID: id, parentID: metadata.currentSnapshotID,
            sequenceNumber: metadata.lastSequenceNumber + 1, firstRowID: metadata.nextRowID)
        for row in rows { try writer.append(row) }
        let location = Location("\(location)/metadata/snap-\(id).avro")
        try await storage.write(try writer.finish(), to: location, condition: .absent)
        return location.rawValue
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    // MARK: Looking

    func manifests(of metadata: TableMetadata? = nil) async throws -> [ManifestFile] {
        let metadata = if let metadata { metadata } else { try await load().metadata }
        guard let list = metadata.currentSnapshot?.manifestList else { return [] }
        return try await ManifestListReader(storage: storage).manifests(in: Location(list))
    }

    /// Every live entry with what it inherits, by path.
    func entries(of metadata: TableMetadata? = nil) async throws -> [String: CompleteEntry] {
        let metadata = if let metadata { metadata } else { try await load().metadata }
        var found: [String: CompleteEntry] = [:]
        for manifest in try await manifests(of: metadata) {
            let spec = metadata.partitionSpec(Int(manifest.partitionSpecID))
            let types = try metadata.partitionType(of: spec ?? metadata.partitionSpecs[0])
            let reader = CompleteManifestReader(storage: storage, partition: types)
            for var entry in try await reader.entries(in: manifest) where entry.entry.isLive {
                // What a rewrite changes on purpose.
                entry.entry.status = .existing
                let file = entry.entry.dataFile
                // Several vectors may be in one file.
                found[file.filePath + (file.contentOffset.map { "#\($0)" } ?? "")] = entry
            }
        }
        return found
    }

    /// The names of the files in the metadata folder.
    func metadataFiles() throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: "\(location)/metadata"))
    }

    // MARK: Running

    func request(_ options: JSONValue = .null) throws -> ActionRequest {
        ActionRequest(
            table: Self.identifier, action: .rewriteManifests,
            options: try ActionOptions.validating(options, for: .rewriteManifests),
            now: TestTable.now)
    }

    @discardableResult
    func rewrite(
        _ options: JSONValue = .null, journal: some MaintenanceJournal = MemoryJournal(),
        settings: NativeEngineSettings = NativeEngineSettings()
    ) async throws -> ActionReport {
        try await rewrite(
            options, journal: journal, catalog: catalog, storage: storage, settings: settings)
    }

    @discardableResult
    func rewrite(
        _ options: JSONValue = .null, journal: some MaintenanceJournal = MemoryJournal(),
        catalog: some Catalog, storage: some ObjectStorage,
        settings: NativeEngineSettings = NativeEngineSettings()
    ) async throws -> ActionReport {
        let engine = NativeEngine(catalog: catalog, storage: storage, settings: settings)
        return try await engine.run(request(options), in: TestTable.context(journal))
    }
}

extension ActionReport {
    /// How many manifests went and came.
    var manifestCounts: [Int?] {
        [
            metrics["rewritten_manifests_count"]?.intValue,
            metrics["added_manifests_count"]?.intValue,
        ]
    }
}
