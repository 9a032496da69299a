// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec

/// What `rewrite_position_delete_files` is told, each value with where it came from.
public struct RewritePositionDeleteFilesSettings: Hashable, Sendable {
    /// Sizes, and which groups are worth it.
    public var groups: GroupSettings

    /// Iceberg's property for the target size.
    public static let targetSizeProperty = "write.delete.target-file-size-bytes"
    /// The target size where nobody says anything.
    public static let defaultTargetSize: Int64 = 67_108_864

    /// Takes every field.
    public init(groups: GroupSettings) { self.groups = groups }

    /// Works out the settings of a table: the request, Iceberg's properties, its defaults.
    ///
    /// - Throws: ``RewriteRefusal``.
    public static func resolve(
        _ properties: TableProperties, options: ActionOptions
    ) throws(RewriteRefusal) -> RewritePositionDeleteFilesSettings {
        try options.refuseFilter()
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
                sizes: try options.sizes(defaultTarget: target), options: options))
    }
}
