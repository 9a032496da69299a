// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// The arguments of `expire_snapshots`, typed.
public struct ExpireSnapshotsOptions: Hashable, Sendable {
    /// Snapshots made before this are old; nil for the table's policy.
    public var olderThan: Timestamp?
    /// How many of each branch's newest snapshots stay; nil for the table's policy.
    public var retainLast: Int?
    /// Snapshots to remove whatever their age.
    public var snapshotIDs: [Int64]
    /// Whether schemas and partition specs that nothing needs any more go too.
    public var cleansExpiredMetadata: Bool
    /// How many removals may be under way at once; nil for the engine's choice.
    public var maxConcurrentDeletes: Int?

    /// Takes every field.
    public init(
        olderThan: Timestamp? = nil, retainLast: Int? = nil, snapshotIDs: [Int64] = [],
        cleansExpiredMetadata: Bool = false, maxConcurrentDeletes: Int? = nil
    ) {
        self.olderThan = olderThan
        self.retainLast = retainLast
        self.snapshotIDs = snapshotIDs
        self.cleansExpiredMetadata = cleansExpiredMetadata
        self.maxConcurrentDeletes = maxConcurrentDeletes
    }

    /// Reads validated options.
    ///
    /// `stream_results` changes nothing here: the native engine never
    /// holds what the argument is meant to keep out of Spark's driver.
    public init(_ options: ActionOptions) {
        self.init(
            olderThan: options.timestamp("older_than"),
            retainLast: options.integer("retain_last"),
            snapshotIDs: options.integers("snapshot_ids") ?? [],
            cleansExpiredMetadata: options.boolean("clean_expired_metadata") ?? false,
            maxConcurrentDeletes: options.integer("max_concurrent_deletes"))
    }
}
