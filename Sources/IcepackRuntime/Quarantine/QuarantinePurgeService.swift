// SPDX-License-Identifier: Apache-2.0

public import Jobs
import Logging
import Maintenance
public import ServiceLifecycle
import WireFormat

/// Purges, once an hour, what has been in quarantine longer than it is held.
///
/// Any number of processes may run it: a purge holds the table's lock, and one that finds nothing
/// due changes nothing.
public struct QuarantinePurgeService<Store: JobStore>: Service {
    /// How often it looks.
    static var interval: Duration { .seconds(3600) }

    private let quarantine: QuarantineService<Store>
    private let store: Store
    private let days: Int
    private let logger: Logger

    init(
        _ quarantine: QuarantineService<Store>, store: Store, days: Int, logger: Logger
    ) {
        self.quarantine = quarantine
        self.store = store
        self.days = days
        self.logger = logger
    }

    /// Runs until graceful shutdown or cancellation.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                // First the wait: the list of tables may not have been made yet.
                do { try await Task.sleep(for: Self.interval) } catch { return }
                await purgeDue()
            }
        }
    }

    /// Looks once.
    func purgeDue() async {
        do {
            let tables = try await store.cachedTables(database: nil).map(\.name)
            let count = try await quarantine.purgeDue(tables, afterDays: days, now: .now)
            if count > 0 {
                logger.info("quarantine.purged", metadata: ["files": "\(count)"])
            }
        } catch {
            logger.warning("quarantine.purge-failed", metadata: ["reason": "\(error)"])
        }
    }
}
