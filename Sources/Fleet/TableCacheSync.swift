// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
import IcebergSpec
public import Jobs
public import Logging

/// Lists a catalog's tables into the table cache.
///
/// 1. Under the sync lock, list every table; a listing that fails changes nothing. So does one
///    without any table, where there were some a while ago: a warehouse that is not mounted looks
///    the same.
/// 2. Load the metadata of each, a few at a time. One that cannot be read keeps what was last known
///    of it, with the reason, and stops none of the others.
/// 3. Replace the cache at once.
///
/// It never changes a table.
public struct TableCacheSync<TableCatalog: Catalog, Cache: TableCache>: Sendable {
    /// How many tables' metadata are loaded at the same time.
    public static var maximumConcurrentLoads: Int { 8 }

    /// For how long an empty listing is not believed when the last one was not empty.
    public static var emptyListingPatience: Duration { .seconds(3600) }

    private let catalog: TableCatalog
    private let cache: Cache
    private let loadLimit: Duration
    private let logger: Logger

    /// Syncs a catalog into a cache.
    ///
    /// - Parameter loadLimit: How long one table's metadata may take before the table counts as
    ///   unreadable.
    public init(
        catalog: TableCatalog, cache: Cache, loadLimit: Duration = .seconds(60), logger: Logger
    ) {
        self.catalog = catalog
        self.cache = cache
        self.loadLimit = loadLimit
        self.logger = logger
    }

    /// Syncs once, unless another process is at it or was done less than `unlessYounger` ago.
    public func sync(
        unlessYounger freshness: Duration = .zero
    ) async throws(TableCacheSyncError) -> TableCacheSyncOutcome {
        do {
            return try await cache.withLock(.tableSync) { () async throws in
                if let age = try await cache.tableCacheState().age, age < freshness {
                    return .fresh
                }
                return .synced(try await syncUnderLock())
            } ?? .busyElsewhere
        } catch let error as JobStoreError {
            throw .store(error)
        } catch let error as CatalogError {
            throw .catalog(error)
        } catch {
            throw error is CancellationError
                ? .cancelled : .store(.unavailable(reason: "the sync lock failed"))
        }
    }

    private func syncUnderLock() async throws -> TableCacheSyncReport {
        var report = TableCacheSyncReport()
        var wanted: [(TableName, TableIdentifier)] = []
        var names: Set<TableName> = []
        for identifier in try await catalog.listTables() {
            guard let name = TableName(identifier) else {
                report.unnameable.append(identifier)
                continue
            }
            // A catalog that changes while its pages are read may show a table on two of them.
            if names.insert(name).inserted { wanted.append((name, identifier)) }
        }
        if wanted.isEmpty, report.unnameable.isEmpty { try await checkEmptyListing() }
        let loads = try await loadAll(wanted)
        // A cancelled load looks like an unreadable table, and half a sync must not replace a
        // whole one.
        try Task.checkCancellation()
        report.note(loads)
        let rows = loads.compactMap(\.row)
            .sorted { ($0.name.database, $0.name.table) < ($1.name.database, $1.name.table) }
        try await cache.replaceCachedTables(rows)
        report.tableCount = rows.count
        warn(about: report)
        return report
    }

    /// Refuses an empty listing until the last good one is old.
    private func checkEmptyListing() async throws {
        let last = try await cache.tableCacheState()
        guard last.tableCount > 0, let age = last.age, age < Self.emptyListingPatience
        else { return }
        throw CatalogError.unavailable(
            reason: "it lists no table where it had \(last.tableCount); if they were dropped, the "
                + "listing follows within \(Self.emptyListingPatience)")
    }

    /// Loads tables, never more than the limit at once, in no set order.
    private func loadAll(
        _ wanted: [(TableName, TableIdentifier)]
    ) async throws -> [TableLoad] {
        try await withThrowingTaskGroup(of: TableLoad.self) { group in
            var loads: [TableLoad] = []
            loads.reserveCapacity(wanted.count)
            for (index, (name, identifier)) in wanted.enumerated() {
                if index >= Self.maximumConcurrentLoads, let done = try await group.next() {
                    loads.append(done)
                }
                group.addTask { try await load(identifier, as: name) }
            }
            for try await done in group { loads.append(done) }
            return loads
        }
    }

    /// Loads one table within the time limit.
    ///
    /// Only for one that cannot be read is the store asked what was last known: a fleet's whole
    /// listing would be as much again to hold.
    private func load(
        _ identifier: TableIdentifier, as name: TableName
    ) async throws -> TableLoad {
        let load = await within(
            loadLimit, late: .unavailable(reason: "its metadata took longer than \(loadLimit)"),
            cancelled: .unavailable(reason: "the sync was stopped")
        ) { () async throws(CatalogError) in
            CachedTable(name: name, try await catalog.loadTable(identifier))
        }
        switch load {
        case .success(let table): return .listed(table)
        case .failure(.noSuchTable): return .vanished(name)
        case .failure(let error):
            try Task.checkCancellation()
            var table = try await cache.cachedTable(name) ?? CachedTable(name: name)
            table.error = error.description
            return .listed(table)
        }
    }

    private func warn(about report: TableCacheSyncReport) {
        for identifier in report.unnameable {
            logger.warning(
                "table left out: its name breaks the rules of the API",
                metadata: ["table.identifier": "\(identifier)"])
        }
        for (name, reason) in report.unreadable {
            logger.warning(
                "table metadata unreadable",
                metadata: ["table.name": "\(name)", "reason": "\(reason)"])
        }
    }
}

/// What came of loading one table.
private enum TableLoad: Sendable {
    /// As it is, or what was last known and why there is nothing newer.
    case listed(CachedTable)
    /// It went away after the listing.
    case vanished(TableName)

    /// What the cache is to hold.
    var row: CachedTable? {
        switch self {
        case .listed(let table): table
        case .vanished: nil
        }
    }
}

extension TableCacheSyncReport {
    fileprivate mutating func note(_ loads: [TableLoad]) {
        for load in loads {
            switch load {
            case .listed(let table): if let error = table.error { unreadable[table.name] = error }
            case .vanished(let name): vanished.append(name)
            }
        }
        vanished.sort { ($0.database, $0.table) < ($1.database, $1.table) }
    }
}

extension CachedTable {
    /// What the cache keeps of a loaded table.
    init(name: TableName, _ loaded: LoadedTable) {
        self.init(
            name: name, location: loaded.metadata.location,
            metadataLocation: "\(loaded.metadataLocation)",
            tableUUID: loaded.metadata.tableUUID,
            formatVersion: loaded.metadata.formatVersion.rawValue,
            properties: Self.ofInterest(in: loaded.metadata.properties))
    }

    private static func ofInterest(in properties: TableProperties) -> [String: String] {
        var result: [String: String] = [:]
        for key in properties.keys where isOfInterest(key) { result[key] = properties[key] }
        return result
    }

    /// Whether a property steers maintenance; everything else stays in the table.
    private static func isOfInterest(_ key: String) -> Bool {
        let names: Set<String> = [
            "compaction_skip", "gc.enabled", "write.target-file-size-bytes",
            "write.delete.target-file-size-bytes", "write.parquet.row-group-size-bytes",
        ]
        return names.contains(key)
            || ["icepack.", "snowpack.", "history.expire.", "commit."].contains {
                key.hasPrefix($0)
            }
    }
}
