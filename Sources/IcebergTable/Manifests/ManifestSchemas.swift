// SPDX-License-Identifier: Apache-2.0

import IcebergSpec

/// A metrics column of a manifest: a map of field ids to facts.
struct ManifestMetricsColumn: Sendable {
    let id: Int
    let name: String
    let keyID: Int
    let valueID: Int
    let doc: String

    static let columnSizes = ManifestMetricsColumn(
        id: 108, name: "column_sizes", keyID: 117, valueID: 118,
        doc: "Map of column id to total size on disk")
    static let valueCounts = ManifestMetricsColumn(
        id: 109, name: "value_counts", keyID: 119, valueID: 120,
        doc: "Map of column id to total count, including null and NaN")
    static let nullValueCounts = ManifestMetricsColumn(
        id: 110, name: "null_value_counts", keyID: 121, valueID: 122,
        doc: "Map of column id to null value count")
    static let nanValueCounts = ManifestMetricsColumn(
        id: 137, name: "nan_value_counts", keyID: 138, valueID: 139,
        doc: "Map of column id to number of NaN values in the column")
    static let lowerBounds = ManifestMetricsColumn(
        id: 125, name: "lower_bounds", keyID: 126, valueID: 127,
        doc: "Map of column id to lower bound")
    static let upperBounds = ManifestMetricsColumn(
        id: 128, name: "upper_bounds", keyID: 129, valueID: 130,
        doc: "Map of column id to upper bound")

    func column(_ type: PrimitiveType) -> FileColumn {
        FileColumn(
            id, name, .map(keyID: keyID, key: .int, valueID: valueID, value: type),
            isRequired: false, doc)
    }
}

/// The columns of the manifests and manifest lists that are written, by format version.
///
/// Iceberg spec, Manifests and Manifest Lists.
enum ManifestSchemas {
    /// The columns of a manifest.
    static func entry(
        _ version: FormatVersion, partition: [PartitionFieldType]
    ) -> [FileColumn] {
        let status = FileColumn(0, "status", .primitive(.int))
        let file = FileColumn(
            2, "data_file", .record(name: "r2", dataFile(version, partition: partition)))
        switch version {
        case .v1: return [status, FileColumn(1, "snapshot_id", .primitive(.long)), file]
        case .v2, .v3:
            return [
                status, FileColumn(1, "snapshot_id", .primitive(.long), isRequired: false),
                FileColumn(3, "sequence_number", .primitive(.long), isRequired: false),
                FileColumn(4, "file_sequence_number", .primitive(.long), isRequired: false), file,
            ]
        }
    }

    private static func dataFile(
        _ version: FormatVersion, partition: [PartitionFieldType]
    ) -> [FileColumn] {
        let tuple = partition.map {
            FileColumn($0.id, $0.name, .primitive($0.type), isRequired: false)
        }
        var columns: [FileColumn] = []
        if version > .v1 {
            columns.append(
                FileColumn(
                    134, "content", .primitive(.int),
                    "Contents of the file: 0=data, 1=position deletes, 2=equality deletes"))
        }
        columns += [
            FileColumn(100, "file_path", .primitive(.string), "Location URI with FS scheme"),
            FileColumn(
                101, "file_format", .primitive(.string),
                "File format name: avro, orc, parquet, or puffin"),
            FileColumn(
                102, "partition", .record(name: "r102", tuple),
                "Partition data tuple, schema based on the partition spec"),
            FileColumn(103, "record_count", .primitive(.long), "Number of records in the file"),
            FileColumn(104, "file_size_in_bytes", .primitive(.long), "Total file size in bytes"),
        ]
        if version == .v1 {
            columns.append(FileColumn(105, "block_size_in_bytes", .primitive(.long)))
        }
        columns += [
            ManifestMetricsColumn.columnSizes.column(.long),
            ManifestMetricsColumn.valueCounts.column(.long),
            ManifestMetricsColumn.nullValueCounts.column(.long),
            ManifestMetricsColumn.nanValueCounts.column(.long),
            ManifestMetricsColumn.lowerBounds.column(.binary),
            ManifestMetricsColumn.upperBounds.column(.binary),
            FileColumn(
                131, "key_metadata", .primitive(.binary), isRequired: false,
                "Encryption key metadata blob"),
            FileColumn(
                132, "split_offsets", .list(elementID: 133, .long), isRequired: false,
                "Splittable offsets"),
        ]
        if version > .v1 {
            columns.append(
                FileColumn(
                    135, "equality_ids", .list(elementID: 136, .int), isRequired: false,
                    "Equality comparison field IDs"))
        }
        columns.append(
            FileColumn(
                140, "sort_order_id", .primitive(.int), isRequired: false, "Sort order ID"))
        columns += deleteColumns(version)
        return columns
    }

    private static func deleteColumns(_ version: FormatVersion) -> [FileColumn] {
        let referenced = FileColumn(
            143, "referenced_data_file", .primitive(.string), isRequired: false,
            "Location of the data file that all deletes refer to")
        switch version {
        case .v1: return []
        case .v2: return [referenced]
        case .v3:
            return [
                FileColumn(
                    142, "first_row_id", .primitive(.long), isRequired: false,
                    "Row id of the first row"),
                referenced,
                FileColumn(
                    144, "content_offset", .primitive(.long), isRequired: false,
                    "Offset of the content in the file"),
                FileColumn(
                    145, "content_size_in_bytes", .primitive(.long), isRequired: false,
                    "Length of the content in the file"),
            ]
        }
    }

    /// The columns of a manifest list.
    static func list(_ version: FormatVersion) -> [FileColumn] {
        let isKnown = version > .v1
        let counts = [
            FileColumn(504, "added_files_count", .primitive(.int), isRequired: isKnown),
            FileColumn(505, "existing_files_count", .primitive(.int), isRequired: isKnown),
            FileColumn(506, "deleted_files_count", .primitive(.int), isRequired: isKnown),
        ]
        let rows = [
            FileColumn(512, "added_rows_count", .primitive(.long), isRequired: isKnown),
            FileColumn(513, "existing_rows_count", .primitive(.long), isRequired: isKnown),
            FileColumn(514, "deleted_rows_count", .primitive(.long), isRequired: isKnown),
        ]
        let partitions = FileColumn(
            507, "partitions",
            .records(elementID: 508, name: "r508", summary), isRequired: false,
            "Summary for each partition")
        let added = FileColumn(
            503, "added_snapshot_id", .primitive(.long), "Snapshot ID that added the manifest")
        var columns = [
            FileColumn(500, "manifest_path", .primitive(.string), "Location URI with FS scheme"),
            FileColumn(501, "manifest_length", .primitive(.long), "Total file size in bytes"),
            FileColumn(502, "partition_spec_id", .primitive(.int), "Spec ID used to write"),
        ]
        switch version {
        case .v1: columns += [added] + counts + [partitions] + rows
        case .v2, .v3:
            columns += [
                FileColumn(
                    517, "content", .primitive(.int), "What the manifest lists: 0=data, 1=deletes"),
                FileColumn(
                    515, "sequence_number", .primitive(.long),
                    "Sequence number when the manifest was added"),
                FileColumn(
                    516, "min_sequence_number", .primitive(.long),
                    "Lowest sequence number in the manifest"), added,
            ]
            columns += counts + rows + [partitions]
        }
        columns.append(
            FileColumn(
                519, "key_metadata", .primitive(.binary), isRequired: false,
                "Encryption key metadata blob"))
        if version == .v3 {
            columns.append(
                FileColumn(
                    520, "first_row_id", .primitive(.long), isRequired: false,
                    "Starting row ID to assign to new rows in ADDED data files"))
        }
        return columns
    }

    private static let summary = [
        FileColumn(
            509, "contains_null", .primitive(.boolean),
            "True if any file has a null partition value"),
        FileColumn(
            518, "contains_nan", .primitive(.boolean), isRequired: false,
            "True if any file has a nan partition value"),
        FileColumn(
            510, "lower_bound", .primitive(.binary), isRequired: false,
            "Partition lower bound for all files"),
        FileColumn(
            511, "upper_bound", .primitive(.binary), isRequired: false,
            "Partition upper bound for all files"),
    ]
}
