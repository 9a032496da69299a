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
        for identifier in try await catalog.listTables() {
            guard let name = TableName(identifier) else {
                report.unnameable.append(identifier)
                continue
            }
            wanted.append((name, identifier))
        }
        let known = try await lastKnown()
        if wanted.isEmpty, report.unnameable.isEmpty, !known.isEmpty {
            try await checkEmptyListing(instead: known.count)
        }
        let loads = await loadAll(wanted)
        // A cancelled load looks like an unreadable table, and half a sync must not replace a
        // whole one.
        try Task.checkCancellation()
        let rows = Self.rows(from: loads, lastKnown: known, report: &report)
        try await cache.replaceCachedTables(rows)
        report.tableCount = rows.count
        warn(about: report)
        return report
    }

    /// Refuses an empty listing until the last good one is old.
    private func checkEmptyListing(instead count: Int) async throws {
        guard let age = try await cache.tableCacheState().age, age < Self.emptyListingPatience
        else { return }
        throw CatalogError.unavailable(
            reason: "it lists no table where it had \(count); if they were dropped, the listing "
                + "follows within \(Self.emptyListingPatience)")
    }

    private func lastKnown() async throws(JobStoreError) -> [TableName: CachedTable] {
        let tables = try await cache.cachedTables(database: nil)
        return Dictionary(tables.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Loads tables, never more than the limit at once, in no set order.
    private func loadAll(
        _ wanted: [(TableName, TableIdentifier)]
    ) async -> [TableName: Result<CachedTable, CatalogError>] {
        await withTaskGroup(of: (TableName, Result<CachedTable, CatalogError>).self) { group in
            var results: [TableName: Result<CachedTable, CatalogError>] = [:]
            for (index, (name, identifier)) in wanted.enumerated() {
                if index >= Self.maximumConcurrentLoads, let done = await group.next() {
                    results[done.0] = done.1
                }
                group.addTask { (name, await load(identifier, as: name)) }
            }
            for await (name, result) in group { results[name] = result }
            return results
        }
    }

    /// Loads one table within the time limit.
    private func load(
        _ identifier: TableIdentifier, as name: TableName
    ) async -> Result<CachedTable, CatalogError> {
        await within(
            loadLimit, late: .unavailable(reason: "its metadata took longer than \(loadLimit)"),
            cancelled: .unavailable(reason: "the sync was stopped")
        ) { () async throws(CatalogError) in
            CachedTable(name: name, try await catalog.loadTable(identifier))
        }
    }

    private static func rows(
        from loads: [TableName: Result<CachedTable, CatalogError>],
        lastKnown: [TableName: CachedTable], report: inout TableCacheSyncReport
    ) -> [CachedTable] {
        var rows: [CachedTable] = []
        for (name, load) in loads {
            switch load {
            case .success(let table): rows.append(table)
            case .failure(.noSuchTable): report.vanished.append(name)
            case .failure(let error):
                var table = lastKnown[name] ?? CachedTable(name: name)
                table.error = error.description
                report.unreadable[name] = error.description
                rows.append(table)
            }
        }
        report.vanished.sort { ($0.database, $0.table) < ($1.database, $1.table) }
        return rows.sorted {
            ($0.name.database, $0.name.table) < ($1.name.database, $1.name.table)
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
