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
    private let schedule: TableCacheSyncSchedule
    private let logger: Logger

    /// Runs a sync at an interval.
    public init(
        sync: TableCacheSync<TableCatalog, Cache>, interval: Duration, logger: Logger
    ) {
        self.sync = sync
        schedule = TableCacheSyncSchedule(interval: interval, firstRetryDelay: Self.firstRetryDelay)
        self.logger = logger
    }

    /// Syncs until graceful shutdown or cancellation; a failed sync never ends it.
    public func run() async throws {
        // Cancelled on shutdown: a sync cut short replaces nothing.
        await cancelWhenGracefulShutdown { await loop() }
    }

    private func loop() async {
        var generator = SystemRandomNumberGenerator()
        var failures = 0
        var freshness = Duration.zero
        while !Task.isCancelled {
            failures = await syncOnce(unlessYounger: freshness) ? 0 : failures + 1
            freshness = schedule.freshness
            let delay = schedule.delay(afterFailures: failures, using: &generator)
            // Only cancellation ends a sleep early, and the loop looks for that itself.
            do { try await Task.sleep(for: delay) } catch { return }
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

/// Decides how long to wait between two syncs.
struct TableCacheSyncSchedule: Sendable {
    let interval: Duration
    let firstRetryDelay: Duration

    /// A list younger than this, made by another process, is taken as it is.
    var freshness: Duration { interval / 2 }

    /// The interval, spread by a tenth either way so that replicas drift apart; after failures a
    /// shorter delay that doubles up to the interval.
    func delay(
        afterFailures failures: Int, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let base =
            failures == 0
            ? interval : min(interval, firstRetryDelay * Double(1 << min(failures - 1, 16)))
        return base * Double.random(in: 0.9...1.1, using: &generator)
    }
}
