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
    /// Whether equality deletes are turned into position deletes or deletion vectors.
    public var convertsEqualityDeletes: EffectiveValue<Bool>

    /// How many data files one delete file is about.
    public enum Granularity: String, CaseIterable, Hashable, Sendable {
        /// All of a partition.
        case partition
        /// One.
        case file
    }

    /// Iceberg's property for the granularity.
    public static let granularityProperty = "write.delete.granularity"
    /// Our option that turns equality deletes into position deletes.
    public static let conversionOption = "convert-equality-deletes"
    /// Iceberg's property for the target size.
    public static let targetSizeProperty = "write.delete.target-file-size-bytes"
    /// The target size where nobody says anything.
    public static let defaultTargetSize: Int64 = 67_108_864

    /// Takes every field.
    public init(
        groups: GroupSettings,
        granularity: EffectiveValue<Granularity> = EffectiveValue(.partition, .byDefault),
        filter: RowFilter? = nil,
        convertsEqualityDeletes: EffectiveValue<Bool> = EffectiveValue(false, .byDefault)
    ) {
        self.groups = groups
        self.granularity = granularity
        self.filter = filter
        self.convertsEqualityDeletes = convertsEqualityDeletes
    }

    /// Works out the settings of a table: the request, Iceberg's properties, its defaults.
    ///
    /// - Throws: ``RewriteRefusal``.
    public static func resolve(
        _ metadata: TableMetadata, options: ActionOptions
    ) throws(RewriteRefusal) -> RewritePositionDeleteFilesSettings {
        let properties = metadata.properties
        let target =
            try properties.fileSize(targetSizeProperty)
            ?? EffectiveValue(defaultTargetSize, .byDefault)
        return RewritePositionDeleteFilesSettings(
            groups: GroupSettings(
                sizes: try options.sizes(defaultTarget: target), options: options),
            granularity: try granularity(properties), filter: try options.filter(metadata),
            convertsEqualityDeletes: options.boolean(conversionOption).map {
                EffectiveValue($0, .request)
            } ?? EffectiveValue(false, .byDefault))
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
