// SPDX-License-Identifier: Apache-2.0

/// From which numbers on a table's state is concerning; this project's choice.
public struct HealthThresholds: Hashable, Sendable {
    /// A number for a warning, and one for something critical.
    public struct Levels: Hashable, Sendable {
        /// From here on, or beyond it, a warning.
        public var warning: Int64
        /// From here on, or beyond it, critical.
        public var critical: Int64

        /// Pairs the two.
        public init(warning: Int64, critical: Int64) {
            self.warning = warning
            self.critical = critical
        }
    }

    /// `small_files`: at least this many, and at least the percentage.
    public var smallFiles = Levels(warning: 5, critical: 1_000)
    /// `small_files`: at least this percentage of all data files, and at least the number.
    public var smallFilesPercentage = Levels(warning: 20, critical: 60)
    /// `too_many_snapshots`: more than these.
    public var snapshots = Levels(warning: 100, critical: 1_000)
    /// `too_many_manifests`: more than these.
    public var manifests = Levels(warning: 100, critical: 1_000)
    /// `too_many_manifests`: a warning for more than these if they are small on average.
    public var smallManifests: Int64 = 10
    /// Below this average manifests are small.
    public var smallManifestBytes: Int64 = 1 << 20
    /// `position_deletes`: at least this many files and deletion vectors.
    public var positionDeletes = Levels(warning: 5, critical: 100)
    /// `position_deletes`: critical for more than this percentage of all rows deleted.
    public var deletedRecordsPercentage: Double = 10
    /// `equality_deletes`: at least this many files.
    public var equalityDeletes = Levels(warning: 1, critical: 50)
    /// `metadata_size`: more than these bytes.
    public var metadataBytes = Levels(warning: 8 << 20, critical: 64 << 20)
    /// `stale_maintenance`: snapshots older than this many times the age limit.
    public var staleAgeFactor: Int64 = 2

    /// The defaults.
    public init() {}
}
