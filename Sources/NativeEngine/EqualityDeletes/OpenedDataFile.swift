// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import ObjectStorage
import ParquetFormat

/// A data file that is open, with what its manifest says.
struct OpenedDataFile<Storage: ObjectStorage>: Sendable {
    let live: LiveFile
    let file: ParquetFile<DataFileSource<Storage>>
    /// The file's schema with all field ids.
    let schema: ParquetSchema
    /// The ids that the file lacks, by the paths of names.
    let fieldIDs: [[String]: Int32]
    let entry: SourceEntry
    let spec: PartitionSpec

    /// Reads the keys of its rows.
    func keys(_ columns: EqualityColumns) throws(GroupFailure) -> ParquetKeys<Storage> {
        let missing = MissingKeys(
            partition: entry.partition, spec: spec,
            known: Set(schema.nodes.compactMap(\.fieldID)))
        do throws(Unsupported) {
            return try ParquetKeys(file, schema, columns) { column throws(Unsupported) in
                try missing.constant(column)
            }
        } catch {
            throw .unsupported("\(live.path): \(error)")
        }
    }
}
