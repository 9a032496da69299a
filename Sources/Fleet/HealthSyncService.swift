// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
public import Jobs
public import Logging
public import ObjectStorage
public import ServiceLifecycle

/// Runs cycles of looking at every table until it is told to stop.
///
/// Replicas take turns: a table that another process looked at less than half an interval ago is
/// left alone.
public struct HealthSyncService<
    Tables: Catalog, Storage: ObjectStorage, Store: TableCache & TableObservations
>: Service {
    private let sync: HealthSync<Tables, Storage, Store>
    private let schedule: SyncSchedule
    private let logger: Logger

    /// Runs a cycle at an interval.
    public init(
        sync: HealthSync<Tables, Storage, Store>, interval: Duration, logger: Logger
    ) {
        self.sync = sync
        schedule = SyncSchedule(interval: interval, firstRetryDelay: .seconds(5))
        self.logger = logger
    }

    /// Runs until graceful shutdown or cancellation; a failed cycle never ends it.
    public func run() async throws {
        await cancelWhenGracefulShutdown { await schedule.run(runOnce) }
    }

    /// Whether there is nothing to retry.
    private func runOnce() async -> Bool {
        do throws(HealthSyncError) {
            guard let report = try await sync.cycle(unlessYounger: schedule.freshness) else {
                logger.debug("health_sync_elsewhere")
                return true
            }
            logger.info(
                "health_sync",
                metadata: [
                    "looked": "\(report.looked)", "unchanged": "\(report.unchanged)",
                    "failed": "\(report.failed.count)",
                ])
            return true
        } catch {
            switch error {
            case .cancelled: return true
            case .noListing: logger.debug("health_sync_waits_for_listing")
            case .store: logger.warning("health_sync_failed", metadata: ["reason": "\(error)"])
            }
            return false
        }
    }
}
