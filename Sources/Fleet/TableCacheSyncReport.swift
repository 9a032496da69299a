// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
public import Jobs

/// What one sync of the table cache found.
public struct TableCacheSyncReport: Hashable, Sendable {
    /// How many tables are in the cache now.
    public var tableCount: Int
    /// Tables whose metadata could not be read, by name, with the reason; they keep what was last
    /// known of them.
    public var unreadable: [TableName: String]
    /// Tables left out because the REST contract cannot name them without doubt.
    public var unnameable: [TableIdentifier]
    /// Tables that were gone by the time their metadata was asked for; they are left out.
    public var vanished: [TableName]

    /// Takes every field.
    public init(
        tableCount: Int = 0, unreadable: [TableName: String] = [:],
        unnameable: [TableIdentifier] = [], vanished: [TableName] = []
    ) {
        self.tableCount = tableCount
        self.unreadable = unreadable
        self.unnameable = unnameable
        self.vanished = vanished
    }
}

/// What became of one attempt to sync.
public enum TableCacheSyncOutcome: Hashable, Sendable {
    /// The cache was replaced.
    case synced(TableCacheSyncReport)
    /// Another process is syncing at this moment.
    case busyElsewhere
    /// Another process synced a short while ago.
    case fresh
}

/// Why a sync did not happen; the last good list stays.
public enum TableCacheSyncError: Error, Hashable, Sendable {
    /// The catalog could not be listed.
    case catalog(CatalogError)
    /// The cache could not be read or replaced.
    case store(JobStoreError)
    /// The process is stopping.
    case cancelled
}
