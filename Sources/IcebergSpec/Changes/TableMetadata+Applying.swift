// SPDX-License-Identifier: Apache-2.0

extension TableMetadata {
    /// How many earlier metadata files the log keeps when the table does not say.
    public static let defaultPreviousVersionsMax: Int64 = 100
    /// The property that says so.
    public static let previousVersionsMaxProperty = "write.metadata.previous-versions-max"

    /// The metadata after these updates, in their order; without any, this metadata unchanged.
    ///
    /// Pure. The time of the last update never goes backwards. The file this was read from goes
    /// to the metadata log, whose oldest entries give way. Whatever would leave a reference without
    /// its snapshot, or a statistics file without its snapshot, is refused rather than repaired:
    /// the caller has to have meant it.
    ///
    /// - Parameters:
    ///   - previousMetadataLocation: where this metadata was read.
    ///   - nowMilliseconds: the time of the change, in milliseconds since the epoch.
    public func applying(
        _ updates: [TableUpdate], previousMetadataLocation: String, nowMilliseconds: Int64
    ) throws(TableUpdateError) -> TableMetadata {
        guard !updates.isEmpty else { return self }
        var change = MetadataChange(base: self, nowMilliseconds: nowMilliseconds)
        for update in updates { try change.apply(update) }
        return try change.finish(previousMetadataLocation: previousMetadataLocation)
    }
}
