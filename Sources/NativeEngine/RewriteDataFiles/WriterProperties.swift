// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import ParquetFormat

/// How a table wants its data files written: `write.parquet.*` and `write.metadata.metrics.*`
/// (P-48).
struct WriterProperties {
    /// How Parquet is written.
    private(set) var settings = ParquetWriteSettings()
    private let metrics: MetricsModes

    init(_ metadata: TableMetadata, _ schema: Schema) throws(Unsupported) {
        let properties = metadata.properties
        try Self.checkFormat(properties, "write.format.default")
        if let key = properties.keys.first(where: { $0.hasPrefix("encryption.") }) {
            throw Unsupported(reason: "\(key) is set, and files are not encrypted here")
        }
        let target = try FileSchema.target(of: schema, withLineage: false)
        settings = try Self.settings(properties, "write.parquet.")
        do throws(UnreadableProperty) {
            settings.bloomFilters = try ParquetBloomFilterSettings(properties, schema, target)
        } catch {
            throw Unsupported(reason: error.description)
        }
        metrics = try MetricsModes(metadata, schema)
    }

    /// Refuses a property that names another format than Parquet.
    static func checkFormat(
        _ properties: TableProperties, _ key: String
    ) throws(Unsupported) {
        let format = properties[key]?.lowercased() ?? "parquet"
        guard format == "parquet" else { throw Unsupported(reason: "\(key) is \(format)") }
    }

    /// How Parquet is written.
    ///
    /// - Parameters:
    ///   - prefix: What the properties' names begin with.
    ///   - settings: What they are where the table says nothing.
    static func settings(
        _ properties: TableProperties, _ prefix: String,
        over settings: ParquetWriteSettings = ParquetWriteSettings()
    ) throws(Unsupported) -> ParquetWriteSettings {
        var settings = settings
        do throws(UnreadableProperty) {
            let size = try positive(properties, prefix + "row-group-size-bytes")
            settings.rowGroupSizeBytes = size ?? settings.rowGroupSizeBytes
            let page = try positive(properties, prefix + "page-size-bytes")
            settings.pageSizeBytes = page.map { Int(clamping: $0) } ?? settings.pageSizeBytes
            let rows = try positive(properties, prefix + "page-row-limit")
            settings.pageRowLimit = rows.map { Int(clamping: $0) } ?? settings.pageRowLimit
            let dictionary = try positive(properties, prefix + "dict-size-bytes")
            settings.dictionarySizeBytes =
                dictionary.map { Int(clamping: $0) } ?? settings.dictionarySizeBytes
            if let level = try properties.int64(prefix + "compression-level") {
                settings.zstandardLevel = Int32(clamping: level)
            }
        } catch {
            throw Unsupported(reason: error.description)
        }
        settings.codec = try codec(properties, prefix + "compression-codec") ?? settings.codec
        return settings
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
    private static func codec(
        _ properties: TableProperties, _ key: String
    ) throws(Unsupported) -> ParquetCodec? {
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
