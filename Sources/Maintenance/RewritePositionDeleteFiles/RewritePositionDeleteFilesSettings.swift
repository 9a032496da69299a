// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec

/// What `rewrite_position_delete_files` is told, each value with where it came from.
public struct RewritePositionDeleteFilesSettings: Hashable, Sendable {
    /// Sizes, and which groups are worth it.
    public var groups: GroupSettings
    /// How many data files one delete file is about.
    public var granularity: EffectiveValue<Granularity>
    /// Which files are looked at: those of partitions that may hold a row that passes; nil for all.
    public var filter: RowFilter?

    /// How many data files one delete file is about.
    public enum Granularity: String, CaseIterable, Hashable, Sendable {
        /// All of a partition.
        case partition
        /// One.
        case file
    }

    /// Iceberg's property for the granularity.
    public static let granularityProperty = "write.delete.granularity"
    /// Iceberg's property for the target size.
    public static let targetSizeProperty = "write.delete.target-file-size-bytes"
    /// The target size where nobody says anything.
    public static let defaultTargetSize: Int64 = 67_108_864

    /// Takes every field.
    public init(
        groups: GroupSettings,
        granularity: EffectiveValue<Granularity> = EffectiveValue(.partition, .byDefault),
        filter: RowFilter? = nil
    ) {
        self.groups = groups
        self.granularity = granularity
        self.filter = filter
    }

    /// Works out the settings of a table: the request, Iceberg's properties, its defaults.
    ///
    /// - Throws: ``RewriteRefusal``.
    public static func resolve(
        _ metadata: TableMetadata, options: ActionOptions
    ) throws(RewriteRefusal) -> RewritePositionDeleteFilesSettings {
        let properties = metadata.properties
        guard options.boolean("convert-equality-deletes") != true else {
            throw .unsupported(
                option: "convert-equality-deletes",
                reason: "cannot be planned in this version; leave it out")
        }
        let target =
            try properties.fileSize(targetSizeProperty)
            ?? EffectiveValue(defaultTargetSize, .byDefault)
        return RewritePositionDeleteFilesSettings(
            groups: GroupSettings(
                sizes: try options.sizes(defaultTarget: target), options: options),
            granularity: try granularity(properties), filter: try options.filter(metadata))
    }

    private static func granularity(
        _ properties: TableProperties
    ) throws(RewriteRefusal) -> EffectiveValue<Granularity> {
        guard let word = properties[granularityProperty] else {
            return EffectiveValue(.partition, .byDefault)
        }
        guard let granularity = Granularity(rawValue: word.lowercased()) else {
            throw .property(
                UnreadableProperty(
                    key: granularityProperty, value: word, expected: "partition or file"))
        }
        return EffectiveValue(granularity, .tableProperty(granularityProperty))
    }
}
