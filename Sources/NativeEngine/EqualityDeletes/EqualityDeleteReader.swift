// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import ParquetFormat

/// Reads the keys of equality delete files.
struct EqualityDeleteReader<Storage: ObjectStorage>: Sendable {
    let storage: Storage
    let columns: EqualityColumns
    let mapping: NameMapping?

    typealias Keys = ParquetKeys<Storage>

    /// Visits the keys of a delete file, until the body says that this is enough.
    func forEachBatch(
        of file: LiveFile, _ body: (KeyBatch) throws(GroupFailure) -> Bool
    ) async throws(GroupFailure) {
        guard file.format == .parquet else {
            let keys = AvroKeys(storage: storage, columns: columns)
            return try await keys.forEachBatch(of: file) { (values, _) throws(GroupFailure) in
                try body(try Self.batch(values, file))
            }
        }
        let opened = try await open(file)
        let keys: Keys
        do throws(Unsupported) {
            keys = try Keys(opened.file, opened.schema, columns) { column throws(Unsupported) in
                throw Unsupported(reason: "it lacks the column \(column.name)")
            }
        } catch {
            throw .unsupported("\(file.path) cannot be read: \(error)")
        }
        try await keys.forEachBatch { (batch, _) throws(GroupFailure) in try body(batch) }
    }

    /// Opens a delete file in Parquet, and tells its schema with all field ids.
    func open(
        _ file: LiveFile
    ) async throws(GroupFailure) -> (file: Keys.File, schema: ParquetSchema) {
        let source = DataFileSource(Location(file.path), size: file.sizeInBytes, in: storage)
        let opened: Keys.File
        do throws(ParquetReadError<MaintenanceError>) {
            opened = try await Keys.File.opening(
                source, isLoaded: file.sizeInBytes <= DataFileSource<Storage>.smallFile)
        } catch {
            let failure = GroupFailure(error, in: file.path)
            // One that is missing concerns the groups that it applies to, as a damaged one does.
            guard let reason = failure.reason(ofFile: file.path) else { throw failure }
            throw .unsupported(reason)
        }
        guard opened.rowCount == file.recordCount else {
            throw .unsupported(
                "\(file.path) has \(opened.rowCount) rows, and its manifest says "
                    + "\(file.recordCount)")
        }
        do throws(Unsupported) {
            let ids = try FieldNaming.ids(for: opened.schema, mapping)
            do throws(ParquetError) { return (opened, try opened.schema.addingFieldIDs(ids)) } catch
            {
                throw Unsupported(reason: "\(error)")
            }
        } catch {
            throw .unsupported("\(file.path) cannot be read: \(error)")
        }
    }

    private static func batch(
        _ values: [[AvroKeyValue]], _ file: LiveFile
    ) throws(GroupFailure) -> KeyBatch {
        var columns: [KeyValues] = []
        for column in values {
            var keys = KeyValues()
            for value in column {
                switch value {
                case .null: keys.appendNull()
                case .boolean(let truth): keys.append(truth)
                case .integer(let number): keys.append(number)
                case .number(let number): keys.append(number)
                case .bytes(let bytes): keys.append(bytes)
                case .decimal(let bytes):
                    guard keys.append(decimal: bytes) else {
                        throw .unsupported(
                            "\(file.path) has a decimal of more digits than any may have")
                    }
                }
            }
            columns.append(keys)
        }
        return KeyBatch(columns, count: values.first?.count ?? 0)
    }
}
