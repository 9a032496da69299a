// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import Foundation
import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import WireFormat

extension ManifestTable {
    @discardableResult
    func rewriteDeletes(
        _ options: JSONValue = ["min-input-files": 2],
        journal: some MaintenanceJournal = MemoryJournal(),
        settings: NativeEngineSettings = NativeEngineSettings()
    ) async throws -> ActionReport {
        try await rewriteDeletes(
            options, journal: journal, catalog: catalog, storage: storage, settings: settings)
    }

    @discardableResult
    func rewriteDeletes(
        _ options: JSONValue = ["min-input-files": 2],
        journal: some MaintenanceJournal = MemoryJournal(), catalog: some Catalog,
        storage: some ObjectStorage, settings: NativeEngineSettings = NativeEngineSettings()
    ) async throws -> ActionReport {
        try await NativeEngine(catalog: catalog, storage: storage, settings: settings)
            .run(deleteRequest(options), in: TestTable.context(journal))
    }

    func deleteRequest(_ options: JSONValue) throws -> ActionRequest {
        let action = MaintenanceAction.rewritePositionDeleteFiles
        return ActionRequest(
            table: Self.identifier, action: action,
            options: try ActionOptions.validating(options, for: action), now: TestTable.now)
    }

    /// The live position delete files and vectors, by sequence number.
    func deleteEntries() async throws -> [CompleteEntry] {
        try await entries().values.filter { $0.entry.dataFile.content == .positionDeletes }
            .sorted { ($0.entry.sequenceNumber ?? 0) < ($1.entry.sequenceNumber ?? 0) }
    }

    /// The version that the next commit finds.
    func upgrade(to version: FormatVersion) async throws -> ManifestTable {
        let table = try await load()
        var document = table.metadata.document
        document["format-version"] = .integer(version.rawValue)
        if version == .v3 { document["next-row-id"] = 0 }
        try await storage.write(
            JSONValue.object(document).bytes(), to: table.metadataLocation, condition: .none)
        return ManifestTable(self, version: version)
    }

    /// Writes a position delete file in Avro.
    func avroDeleteFile(
        _ deletes: [(path: String, position: Int64)], region: String
    ) async throws -> CompleteEntry {
        let fields: [JSONValue] = [
            AvroWriting.field("file_path", "string", 2_147_483_546),
            AvroWriting.field("pos", "long", 2_147_483_545),
        ]
        var rows = AvroWriting()
        for delete in deletes {
            rows.string(delete.path)
            rows.long(delete.position)
        }
        let bytes = AvroWriting.file(
            schema: ["type": "record", "name": "delete", "fields": .array(fields)],
            metadata: ["delete-type": "position"], rowCount: deletes.count, rows: rows)
        let location = Location("\(self.location)/data/deletes-\(UUID().uuidString).avro")
        let info = try await storage.write(bytes, to: location, condition: .absent)
        var entry = Self.entry(
            [.string(region)], rows: Int64(deletes.count), content: .positionDeletes,
            path: location.rawValue)
        entry.entry.dataFile.fileFormat = .avro
        entry.entry.dataFile.fileSizeInBytes = info.size
        entry.metrics = ColumnMetrics()
        return entry
    }

    /// The deletes of an Avro file, in its order.
    func avroDeletes(_ path: String) async throws -> [(path: String, position: Int64)] {
        var fields = AvroProjection()
        let name = fields.required(String.self, id: 2_147_483_546, name: "file_path")
        let position = fields.required(Int64.self, id: 2_147_483_545, name: "pos")
        let reader = try await AvroFileReader(
            AvroMemorySource(try await storage.read(Location(path), limit: 1 << 24)))
        let program = try AvroProgram.compile(fields, for: try reader.schema())
        var deletes: [(path: String, position: Int64)] = []
        while try await reader.nextBlock() {
            try reader.forEachRow(program) { (row) throws(AvroError) in
                deletes.append((try row.value(name), row.value(position)))
            }
        }
        return deletes
    }
}

extension ActionReport {
    /// How many delete files went and came.
    var deleteCounts: [Int?] {
        [
            metrics["rewritten_delete_files_count"]?.intValue,
            metrics["added_delete_files_count"]?.intValue,
        ]
    }
}
