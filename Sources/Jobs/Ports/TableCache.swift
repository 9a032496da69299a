// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// The part of the store that holds the last good listing of the catalog.
public protocol TableCache: ExclusiveLocks {
    /// The table, or nil if the last good sync did not list it.
    func cachedTable(_ name: TableName) async throws(JobStoreError) -> CachedTable?

    /// Every table of the last good sync, by database and name; only one database if given.
    func cachedTables(database: String?) async throws(JobStoreError) -> [CachedTable]

    /// The tables whose metadata the last good sync could not read, by database and name.
    func unreadableTables() async throws(JobStoreError) -> [TableName]

    /// When the last good sync ended and how many tables it found.
    func tableCacheState() async throws(JobStoreError) -> TableCacheState

    /// Replaces the listing at once: readers see the old generation or the new one.
    func replaceCachedTables(_ tables: [CachedTable]) async throws(JobStoreError)
}

/// A table as the last good sync saw it.
public struct CachedTable: Hashable, Sendable {
    /// Its name.
    public var name: TableName
    /// Its root; nil when its metadata could never be read.
    public var location: String?
    /// Its current metadata file.
    public var metadataLocation: String?
    /// Its UUID.
    public var tableUUID: String?
    /// Its format version.
    public var formatVersion: Int?
    /// Its properties, as far as maintenance cares.
    public var properties: [String: String]
    /// Why its metadata could not be read at the last sync; nil if it could.
    public var error: String?

    /// Takes every field.
    public init(
        name: TableName, location: String? = nil, metadataLocation: String? = nil,
        tableUUID: String? = nil, formatVersion: Int? = nil, properties: [String: String] = [:],
        error: String? = nil
    ) {
        self.name = name
        self.location = location
        self.metadataLocation = metadataLocation
        self.tableUUID = tableUUID
        self.formatVersion = formatVersion
        self.properties = properties
        self.error = error
    }
}

/// What is known of the last good sync.
public struct TableCacheState: Hashable, Sendable {
    /// When it ended, by the store's clock; nil before the first.
    public let lastSynced: Timestamp?
    /// How many tables it listed.
    public let tableCount: Int
    /// How long ago that was, by the store's clock.
    public let age: Duration?

    /// Takes every field.
    public init(lastSynced: Timestamp?, tableCount: Int, age: Duration?) {
        self.lastSynced = lastSynced
        self.tableCount = tableCount
        self.age = age
    }
}
