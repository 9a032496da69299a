// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import ParquetFormat

/// How a table wants its data files written: `write.parquet.*` and `write.metadata.metrics.*`
/// (P-48).
struct WriterProperties {
    /// How Parquet is written.
    private(set) var settings = ParquetWriteSettings()
    private let metrics: MetricsModes

    private static let bloomFilter = "write.parquet.bloom-filter-enabled.column."

    init(_ metadata: TableMetadata, _ schema: Schema) throws(Unsupported) {
        let properties = metadata.properties
        let format = properties["write.format.default"]?.lowercased() ?? "parquet"
        guard format == "parquet" else {
            throw Unsupported(reason: "write.format.default is \(format)")
        }
        for key in properties.keys where key.hasPrefix(Self.bloomFilter) {
            if properties[key]?.lowercased() == "true" {
                throw Unsupported(reason: "\(key) asks for a bloom filter")
            }
        }
        if let key = properties.keys.first(where: { $0.hasPrefix("encryption.") }) {
            throw Unsupported(reason: "\(key) is set, and files are not encrypted here")
        }
        do throws(UnreadableProperty) {
            let size = try Self.positive(properties, "write.parquet.row-group-size-bytes")
            settings.rowGroupSizeBytes = size ?? settings.rowGroupSizeBytes
            let page = try Self.positive(properties, "write.parquet.page-size-bytes")
            settings.pageSizeBytes = page.map { Int(clamping: $0) } ?? settings.pageSizeBytes
            let rows = try Self.positive(properties, "write.parquet.page-row-limit")
            settings.pageRowLimit = rows.map { Int(clamping: $0) } ?? settings.pageRowLimit
            let dictionary = try Self.positive(properties, "write.parquet.dict-size-bytes")
            settings.dictionarySizeBytes =
                dictionary.map { Int(clamping: $0) } ?? settings.dictionarySizeBytes
            if let level = try properties.int64("write.parquet.compression-level") {
                settings.zstandardLevel = Int32(clamping: level)
            }
        } catch {
            throw Unsupported(reason: error.description)
        }
        settings.codec = try Self.codec(properties)
        metrics = try MetricsModes(metadata, schema)
    }

    private static func positive(
        _ properties: TableProperties, _ key: String
    ) throws(UnreadableProperty) -> Int64? {
        guard let value = try properties.int64(key) else { return nil }
        guard value > 0 else {
            throw UnreadableProperty(key: key, value: String(value), expected: "above 0")
        }
        return value
    }

    /// The codec that the table names; nil leaves each column with its own.
    private static func codec(_ properties: TableProperties) throws(Unsupported) -> ParquetCodec? {
        let key = "write.parquet.compression-codec"
        switch properties[key]?.lowercased() {
        case nil: return nil
        case "zstd": return .zstandard
        case "snappy": return .snappy
        case "gzip": return .gzip
        case "brotli": return .brotli
        case "lz4_raw": return .lz4Raw
        case "uncompressed", "none": return .uncompressed
        case let other?:
            throw Unsupported(reason: "\(key) is \(other)")
        }
    }

    /// How much is told of a column.
    func mode(of column: ParquetColumn) -> ParquetMetricsMode {
        column.fieldID.map { metrics.mode(of: Int($0)) } ?? .none
    }
}

/// How much is told of each column: `write.metadata.metrics.*`, by the rules of Iceberg's writers.
struct MetricsModes {
    private var modes: [Int: ParquetMetricsMode] = [:]
    private var standard: ParquetMetricsMode = .standard

    private static let defaultKey = "write.metadata.metrics.default"
    private static let columnKey = "write.metadata.metrics.column."
    private static let inferredKey = "write.metadata.metrics.max-inferred-column-defaults"
    /// Beyond so many fields those that come later get no metrics by default.
    private static let inferredColumns: Int64 = 100

    init(_ metadata: TableMetadata, _ schema: Schema) throws(Unsupported) {
        let properties = metadata.properties
        let ids = schema.fields.flatMap { Self.primitives(of: $0) }
        if let text = properties[Self.defaultKey] {
            standard = try Self.parsed(text, Self.defaultKey)
        } else {
            let limit: Int64
            do throws(UnreadableProperty) {
                limit = try properties.int64(Self.inferredKey) ?? Self.inferredColumns
            } catch {
                throw Unsupported(reason: error.description)
            }
            if Int64(ids.count) > limit {
                standard = .none
                for id in ids.prefix(Int(clamping: max(0, limit))) { modes[id] = .standard }
            }
        }
        let order = metadata.sortOrder(metadata.defaultSortOrderID)
        for id in order?.fields.flatMap(\.sourceIDs) ?? [] {
            switch modes[id] ?? standard {
            case .none, .counts: modes[id] = .standard
            case .truncated, .full: modes[id] = modes[id] ?? standard
            }
        }
        for id in ids {
            guard let name = schema.fullName(ofField: id),
                let text = properties[Self.columnKey + name]
            else { continue }
            modes[id] = try Self.parsed(text, Self.columnKey + name)
        }
    }

    /// The mode of a field.
    func mode(of id: Int) -> ParquetMetricsMode { modes[id] ?? standard }

    private static func primitives(of field: NestedField) -> [Int] {
        field.type.children.isEmpty
            ? [field.id] : field.type.children.flatMap { primitives(of: $0) }
    }

    private static func parsed(
        _ text: String, _ key: String
    ) throws(Unsupported) -> ParquetMetricsMode {
        let word = text.lowercased()
        switch word {
        case "none": return .none
        case "counts": return .counts
        case "full": return .full
        default:
            if word.hasPrefix("truncate("), word.hasSuffix(")"),
                let length = Int(word.dropFirst("truncate(".count).dropLast()), length > 0
            {
                return .truncated(length)
            }
            throw Unsupported(
                reason: "\(key) is \(text), and must be none, counts, truncate(16) or full")
        }
    }
}
