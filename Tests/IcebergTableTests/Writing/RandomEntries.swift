// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import TestSupport
import WireFormat

/// Tables and entries with a value of every kind that a manifest can hold.
enum RandomEntries {
    /// A partition source column of every type, by format version.
    static func columns(_ version: FormatVersion) -> [String] {
        let always = [
            "boolean", "int", "long", "float", "double", "decimal(1, 0)", "decimal(9, 2)",
            "decimal(38, 10)", "date", "time", "timestamp", "timestamptz", "string", "uuid",
            "fixed[5]", "binary",
        ]
        return always + (version == .v3 ? ["timestamp_ns", "timestamptz_ns"] : [])
    }

    /// A table whose spec 0 has all of these columns as they are, and two decimals of one type.
    static func metadata(_ version: FormatVersion) throws -> TableMetadata {
        let types = columns(version)
        let fields: [JSONValue] = (types + ["decimal(9, 2)"]).enumerated().map { index, type in
            [
                "id": .integer(index + 1), "name": .string("c \(index)"), "required": false,
                "type": .string(type),
            ]
        }
        let partition: [JSONValue] = fields.indices.map { index in
            [
                "source-id": .integer(index + 1), "field-id": .integer(1000 + index),
                "name": .string(index == 0 ? "1 odd-näme" : "p\(index)"), "transform": "identity",
            ]
        }
        let transforms: [JSONValue] = [
            ("bucket[16]", 3), ("truncate[4]", 13), ("year", 9), ("month", 9), ("day", 11),
            ("hour", 11), ("void", 2),
        ].enumerated().map { index, pair in
            [
                "source-id": .integer(pair.1), "field-id": .integer(1100 + index),
                "name": .string("t\(index)"), "transform": .string(pair.0),
            ]
        }
        var document = JSONObject()
        document["format-version"] = .integer(version.rawValue)
        document["table-uuid"] = "7b1f4c5e-0000-4000-8000-000000000001"
        document["location"] = "/nowhere"
        document["last-sequence-number"] = 40
        document["last-updated-ms"] = 1_700_000_000_000
        document["last-column-id"] = .integer(fields.count)
        document["schemas"] = [
            ["type": "struct", "schema-id": 3, "fields": .array(fields)]
        ]
        document["schema"] = ["type": "struct", "schema-id": 3, "fields": .array(fields)]
        document["current-schema-id"] = 3
        document["partition-spec"] = []
        document["partition-specs"] = [
            ["spec-id": 0, "fields": .array(partition)],
            ["spec-id": 1, "fields": .array(transforms)], ["spec-id": 2, "fields": []],
        ]
        document["default-spec-id"] = 0
        document["last-partition-id"] = 1200
        document["sort-orders"] = [["order-id": 0, "fields": []]]
        document["default-sort-order-id"] = 0
        document["next-row-id"] = 5000
        return try TableMetadata(.object(document))
    }

    /// An entry as it could be in a manifest of this version.
    static func entry(
        _ version: FormatVersion, _ content: ManifestContent, _ partition: [PartitionFieldType],
        status: ManifestEntryStatus? = nil, using random: inout SeededGenerator
    ) -> CompleteEntry {
        let isDeletes = content == .deletes
        let fileContent: DataFileContent =
            isDeletes
            ? [.positionDeletes, .equalityDeletes].randomElement(using: &random) ?? .positionDeletes
            : .data
        var file = DataFile(
            content: fileContent,
            filePath: "s3://b/ä/\(UInt64.random(in: 0 ... .max, using: &random)).parquet",
            fileFormat: isDeletes && version == .v3 ? .puffin : .parquet,
            recordCount: Int64.random(in: 0...1000, using: &random),
            fileSizeInBytes: Int64.random(in: 1...(1 << 40), using: &random))
        func maybe<Value>(
            _ value: @autoclosure () -> Value, _ random: inout SeededGenerator
        ) -> Value? {
            Bool.random(using: &random) ? value() : nil
        }
        file.keyMetadata = maybe([1, 2, 3], &random)
        file.splitOffsets = maybe([4, 1 << 33], &random)
        file.sortOrderID = maybe(2, &random)
        if version > .v1 {
            file.equalityIDs = fileContent == .equalityDeletes ? [1, 2] : nil
            file.referencedDataFile = isDeletes ? maybe("s3://b/data.parquet", &random) : nil
        }
        if version == .v3 {
            if isDeletes {
                file.contentOffset = 4
                file.contentSizeInBytes = 99
            } else {
                let id = Int64.random(in: 0...4000, using: &random)
                file.firstRowID = maybe(id, &random)
            }
        }
        let status = status ?? ManifestEntryStatus.allCases.randomElement(using: &random) ?? .added
        let hasNumber = version > .v1 && (status == .existing || Bool.random(using: &random))
        return CompleteEntry(
            entry: ManifestEntry(
                status: status, snapshotID: Int64.random(in: 1 ... .max, using: &random),
                sequenceNumber: hasNumber ? Int64.random(in: 0...39, using: &random) : nil,
                fileSequenceNumber: hasNumber ? Int64.random(in: 0...39, using: &random) : nil,
                dataFile: file),
            partition: partition.map { value(of: $0.type, using: &random) },
            metrics: metrics(using: &random))
    }

    private static func metrics(using random: inout SeededGenerator) -> ColumnMetrics {
        var metrics = ColumnMetrics()
        let ids: [Int32] = [1, 2, 2_147_483_447]
        metrics.columnSizes = ids.map { ColumnFact(id: $0, value: Int64($0) * 3) }
        if Bool.random(using: &random) {
            metrics.valueCounts = ids.map { ColumnFact(id: $0, value: 7) }
            metrics.nullValueCounts = []
            metrics.nanValueCounts = [ColumnFact(id: 4, value: .max)]
            metrics.lowerBounds = ids.map { ColumnFact(id: $0, value: [UInt8($0 & 0xFF), 0]) }
            metrics.upperBounds = [ColumnFact(id: 1, value: [])]
        }
        return metrics
    }

    /// A value of a type, or a null.
    static func value(
        of type: PrimitiveType, using random: inout SeededGenerator
    ) -> PartitionValue? {
        if Int.random(in: 0..<5, using: &random) == 0 { return nil }
        func bytes(_ count: Int, _ random: inout SeededGenerator) -> [UInt8] {
            (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        switch type {
        case .boolean: return .boolean(Bool.random(using: &random))
        case .int: return .int(Int32.random(in: .min ... .max, using: &random))
        case .date: return .int(Int32.random(in: -10_000...20_000, using: &random))
        case .long: return .long(Int64.random(in: .min ... .max, using: &random))
        case .time: return .long(Int64.random(in: 0..<86_400_000_000, using: &random))
        case .timestamp, .timestamptz, .timestampNanoseconds, .timestamptzNanoseconds:
            return .long(Int64.random(in: -1_000_000_000_000...(1 << 50), using: &random))
        case .float: return .float(Float.random(in: -1e9...1e9, using: &random))
        case .double: return .double(Double.random(in: -1e9...1e9, using: &random))
        case .string: return .string("wörd \(Int.random(in: 0...99, using: &random))")
        case .uuid: return .bytes(bytes(16, &random))
        case .fixed(let length): return .bytes(bytes(length, &random))
        case .binary:
            let count = Int.random(in: 0...9, using: &random)
            return .bytes(bytes(count, &random))
        case .decimal(let precision, _):
            // Any number of so many nines' width is a value.
            let sizes = [1: 0, 9: 3, 38: 15]
            let count = Int.random(in: 0...(sizes[precision] ?? 0), using: &random)
            let first = UInt8.random(in: 0...9, using: &random)
            return .decimal(unscaled: [first] + bytes(count, &random))
        case .unknown, .geometry, .geography: return nil
        }
    }
}
