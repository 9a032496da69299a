// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec
public import IcebergTable
import WireFormat

/// What `rewrite_data_files` is told, each value with where it came from.
///
/// What wins: the request, this product's table properties, Iceberg's table properties, this
/// product's defaults, Iceberg's defaults.
public struct RewriteDataFilesSettings: Hashable, Sendable {
    /// How rows are arranged.
    public enum Strategy: String, CaseIterable, Hashable, Sendable {
        /// As they come.
        case binpack
        /// By columns.
        case sort
    }

    /// Sizes, and which groups are worth it.
    public var groups: GroupSettings
    /// How rows are arranged.
    public var strategy: EffectiveValue<Strategy>
    /// The order of rows in words, as a request would give it; nil where they stay as they come.
    public var sortOrder: EffectiveValue<String>?
    /// The same, bound to columns.
    public var order: RowOrder?
    /// How many bytes of text and bytes `zorder` looks at.
    public var varLengthContribution: EffectiveValue<Int64>
    /// The most bytes of a place on the curve of `zorder`.
    public var maxOutputSize: EffectiveValue<Int64>
    /// With how many others a file shares a range of keys that is to be sorted; nil for no matter
    /// how many.
    public var overlapThreshold: EffectiveValue<Int64>?
    /// How many delete files make a data file worth rewriting.
    public var deleteFileThreshold: EffectiveValue<Int64>
    /// How large a part of its rows deleted makes a data file worth rewriting.
    public var deleteRatioThreshold: EffectiveValue<Double>
    /// The partition spec of what is written.
    public var outputSpecID: EffectiveValue<Int>
    /// The most files that are rewritten; nil for no limit.
    public var maxFiles: EffectiveValue<Int64>?
    /// What an output is expected to need of its input's bytes, for strategy sort.
    public var compressionFactor: EffectiveValue<Double>
    /// The branch that is rewritten.
    public var branch: EffectiveValue<String>
    /// Which files are looked at: those that may hold a row that passes; nil for all.
    public var filter: RowFilter?

    /// Iceberg's property for the target size.
    public static let targetSizeProperty = "write.target-file-size-bytes"
    /// The target size where nobody says anything.
    public static let defaultTargetSize: Int64 = 536_870_912
    /// `var-length-contribution` where nobody says anything.
    public static let defaultVarLengthContribution: Int64 = 8
    /// `max-output-size` where nobody says anything.
    public static let defaultMaxOutputSize = Int64(Int32.max)
    /// This product's `delete-file-threshold` where nobody says anything.
    public static let defaultDeleteFileThreshold: Int64 = 2
    /// This product's `delete-ratio-threshold` where nobody says anything.
    public static let defaultDeleteRatioThreshold = 0.10

    /// Works out the settings of a table.
    ///
    /// - Throws: ``RewriteRefusal``.
    public static func resolve(
        _ metadata: TableMetadata, options: ActionOptions
    ) throws(RewriteRefusal) -> (settings: RewriteDataFilesSettings, warnings: [String]) {
        var reader = PolicyReader(metadata.properties)
        let strategy = strategy(options)
        let specID = try outputSpec(metadata, options)
        let order = strategy.value == .sort ? try order(metadata, options, specID.value) : nil
        let settings = RewriteDataFilesSettings(
            groups: try groups(metadata.properties, options, &reader),
            strategy: strategy,
            sortOrder: order.map { EffectiveValue($0.text, $0.origin) },
            order: order?.order,
            varLengthContribution: options.requested("var-length-contribution")
                ?? EffectiveValue(defaultVarLengthContribution, .byDefault),
            maxOutputSize: options.requested("max-output-size")
                ?? EffectiveValue(defaultMaxOutputSize, .byDefault),
            overlapThreshold: try overlapThreshold(options, order?.order, metadata),
            deleteFileThreshold: fileThreshold(options, &reader),
            deleteRatioThreshold: ratioThreshold(options, &reader),
            outputSpecID: specID,
            maxFiles: options.requested("max-files-to-rewrite"),
            compressionFactor: options.requestedFraction("compression-factor")
                ?? EffectiveValue(1, .byDefault),
            branch: try branch(metadata, options),
            filter: try options.filter(metadata))
        return (settings, reader.warnings)
    }

    private static func groups(
        _ properties: TableProperties, _ options: ActionOptions, _ reader: inout PolicyReader
    ) throws(RewriteRefusal) -> GroupSettings {
        let target = try targetSize(properties, &reader)
        let policyMinimum = reader.integer("min_input_files", in: 1...Int64(Int32.max))
        let policyAll = reader.boolean("rewrite_data_rewrite_all")
        return GroupSettings(
            sizes: try options.sizes(defaultTarget: target), options: options,
            minInputFiles: policyMinimum, rewritesAll: policyAll)
    }

    /// The size that the table's data files should have where no request says otherwise.
    static func targetSize(
        _ properties: TableProperties, _ reader: inout PolicyReader
    ) throws(RewriteRefusal) -> EffectiveValue<Int64> {
        // Below 2 no size lies between the smallest and the largest that are right.
        let policy = reader.integer("target_file_size_bytes", in: 2...Int64.max)
        if let policy { return policy }
        return try properties.fileSize(targetSizeProperty)
            ?? EffectiveValue(defaultTargetSize, .byDefault)
    }

    private static func strategy(_ options: ActionOptions) -> EffectiveValue<Strategy> {
        if let word = options.text("strategy"), let strategy = Strategy(rawValue: word) {
            return EffectiveValue(strategy, .request)
        }
        return options.values["sort_order"] == nil
            ? EffectiveValue(.binpack, .byDefault) : EffectiveValue(.sort, .request)
    }

    /// The order that the request gives, or else the table's own.
    private static func order(
        _ metadata: TableMetadata, _ options: ActionOptions, _ specID: Int
    ) throws(RewriteRefusal) -> (order: RowOrder, text: String, origin: ValueOrigin) {
        do throws(ConditionError) {
            let schema = metadata.schema(metadata.currentSchemaID)
            if let text = options.text("sort_order") {
                let order = try RowOrder(
                    SortExpression(parsing: text), metadata: metadata, specID: specID)
                return (order, order.text(schema), .request)
            }
            if let order = try RowOrder(tableOrderOf: metadata) {
                return (order, order.text(schema), .byDefault)
            }
        } catch {
            throw .sortOrder(error)
        }
        throw .unsorted
    }

    private static func overlapThreshold(
        _ options: ActionOptions, _ order: RowOrder?, _ metadata: TableMetadata
    ) throws(RewriteRefusal) -> EffectiveValue<Int64>? {
        guard let threshold: EffectiveValue<Int64> = options.requested("overlap-threshold") else {
            return nil
        }
        guard let order, KeySpanMaker(order, metadata) != nil else {
            throw .contradiction(
                "overlap-threshold goes by the bounds of columns, which say nothing of zorder, of "
                    + "buckets and of UUIDs: name another column, a date or a time first in "
                    + "sort_order, or say rewrite-all instead")
        }
        if let most = options.integer("max-files-to-rewrite"), most <= threshold.value {
            throw .contradiction(
                "overlap-threshold is \(threshold.value), and max-files-to-rewrite \(most), so "
                    + "that no file is rewritten together with so many others: raise "
                    + "max-files-to-rewrite above overlap-threshold")
        }
        return threshold
    }

    /// What tells between which keys rows lie; nil where nothing is sorted, or nothing tells.
    public func keySpans(_ metadata: TableMetadata) -> KeySpanMaker? {
        order.flatMap { KeySpanMaker($0, metadata) }
    }

    private static func fileThreshold(
        _ options: ActionOptions, _ reader: inout PolicyReader
    ) -> EffectiveValue<Int64> {
        let policy = reader.integer(
            "rewrite_data_delete_file_threshold", in: 0...Int64(Int32.max))
        return options.requested("delete-file-threshold") ?? policy
            ?? EffectiveValue(defaultDeleteFileThreshold, .byDefault)
    }

    private static func ratioThreshold(
        _ options: ActionOptions, _ reader: inout PolicyReader
    ) -> EffectiveValue<Double> {
        let policy = reader.fraction(
            "rewrite_data_delete_ratio_threshold", above: 0, through: 1)
        return options.requestedFraction("delete-ratio-threshold") ?? policy
            ?? EffectiveValue(defaultDeleteRatioThreshold, .byDefault)
    }

    private static func outputSpec(
        _ metadata: TableMetadata, _ options: ActionOptions
    ) throws(RewriteRefusal) -> EffectiveValue<Int> {
        guard let id = options.integer("output-spec-id") else {
            return EffectiveValue(metadata.defaultSpecID, .byDefault)
        }
        guard metadata.partitionSpec(id) != nil else {
            throw .unknownSpec(id, known: metadata.partitionSpecs.map(\.id).sorted())
        }
        return EffectiveValue(id, .request)
    }

    private static func branch(
        _ metadata: TableMetadata, _ options: ActionOptions
    ) throws(RewriteRefusal) -> EffectiveValue<String> {
        guard let name = options.text("branch") else {
            return EffectiveValue(SnapshotReference.mainName, .byDefault)
        }
        let isMain = name == SnapshotReference.mainName
        guard isMain || metadata.refs[name]?.kind == .branch else { throw .unknownBranch(name) }
        return EffectiveValue(name, .request)
    }
}
