// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
public import Jobs
public import Logging
public import ServiceLifecycle

/// Keeps the table cache in step with the catalog until it is told to stop.
///
/// The first sync happens at once. After a failure the next try comes sooner than after a success,
/// so that a catalog that was away for a moment does not cost a whole interval.
public struct TableCacheSyncService<TableCatalog: Catalog, Cache: TableCache>: Service {
    /// The delay after a first failure; it doubles up to the interval.
    public static var firstRetryDelay: Duration { .seconds(5) }

    private let sync: TableCacheSync<TableCatalog, Cache>
    private let schedule: SyncSchedule
    private let logger: Logger

    /// Runs a sync at an interval.
    public init(
        sync: TableCacheSync<TableCatalog, Cache>, interval: Duration, logger: Logger
    ) {
        self.sync = sync
        schedule = SyncSchedule(interval: interval, firstRetryDelay: Self.firstRetryDelay)
        self.logger = logger
    }

    /// Syncs until graceful shutdown or cancellation; a failed sync never ends it.
    public func run() async throws {
        // Cancelled on shutdown: a sync cut short replaces nothing.
        await cancelWhenGracefulShutdown {
            // The first time whatever the last listing's age.
            var freshness = Duration.zero
            await schedule.run {
                defer { freshness = schedule.freshness }
                return await syncOnce(unlessYounger: freshness)
            }
        }
    }

    /// Whether there is nothing to retry.
    private func syncOnce(unlessYounger freshness: Duration) async -> Bool {
        do throws(TableCacheSyncError) {
            switch try await sync.sync(unlessYounger: freshness) {
            case .synced(let report):
                logger.info(
                    "table cache synced",
                    metadata: [
                        "tables": "\(report.tableCount)",
                        "unreadable": "\(report.unreadable.count)",
                        "unnameable": "\(report.unnameable.count)",
                    ])
            case .busyElsewhere, .fresh:
                logger.debug("table cache is synced by another process")
            }
            return true
        } catch {
            switch error {
            case .cancelled: return true
            case .catalog(let reason):
                logger.warning(
                    "table cache sync failed; the last list stays",
                    metadata: ["reason": "\(reason)"])
            case .store(let reason):
                logger.warning(
                    "table cache could not be written; the last list stays",
                    metadata: ["reason": "\(reason)"])
            }
            return false
        }
    }
}
