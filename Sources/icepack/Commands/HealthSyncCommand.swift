// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Fleet
import IcebergCatalog
import IcepackRuntime
import Jobs
import ServiceLifecycle
import WireFormat

/// `icepack health-sync`: looks at every table once.
struct HealthSyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health-sync",
        abstract: "Look at every table once, and keep what was seen.",
        discussion: """
            Lists the catalog if that was not done lately, then looks at the tables of \
            ICEPACK_HEALTH_SYNC_DATABASES (else of the allowlist, else all), those first that \
            nobody has looked at for longest. A table whose metadata file has not changed costs \
            one call of the catalog. `icepack serve` does the same on its own.

            Exit status: 0 done, also when another process is at it; 1 no table could be looked \
            at; 2 some could not, or SIGTERM.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Flag(name: .long, help: "Write JSON.")
    var json = false

    func run() async throws {
        unblockTerminationSignals()
        let startup = try Startup(options)
        try await startup.withCatalog { catalog, bridge in
            try await sync(startup, catalog, bridge)
        }
    }

    private func sync(
        _ startup: Startup, _ catalog: some Catalog, _ bridge: EngineBridge
    ) async throws {
        let store = try await startup.migratedStore()
        let pass = try await cycle(startup, store, catalog, bridge)
        await store.shutdown()
        switch pass {
        case .success(nil):
            if json {
                Console.write(["elsewhere": true])
            } else {
                Console.write("another process is at it")
            }
        case .success(let report?):
            if json { Console.write(report.json) } else { report.show() }
            guard !report.failed.isEmpty else { return }
            let isAny = report.looked + report.unchanged > 0
            throw isAny ? ExitCode(2) : ExitStatus.failed.exit
        case .failure(.cancelled):
            Console.note("icepack: told to stop")
            throw ExitCode(2)
        case .failure(let error):
            Console.note("icepack: \(error)")
            throw ExitStatus.unavailable.exit
        }
    }

    private func cycle(
        _ startup: Startup, _ store: some JobStore, _ catalog: some Catalog, _ bridge: EngineBridge
    ) async throws -> Result<HealthSyncReport?, HealthSyncError> {
        let parts = ServiceParts(
            configuration: startup.configuration, store: store, catalog: catalog, bridge: bridge,
            logger: startup.logger)
        let outcome = try await startup.once(within: .seconds(30)) {
            await cancelWhenGracefulShutdown {
                () async -> Result<HealthSyncReport?, any Error> in
                do throws(TableCacheSyncError) {
                    try await parts.syncTableCache()
                } catch {
                    // The last listing serves as well; without one the cycle says so.
                    Console.note("icepack: the catalog could not be listed: \(error)")
                }
                do { return .success(try await parts.healthSyncOnce()) } catch {
                    return .failure(error)
                }
            }
        }
        guard let outcome else { return .failure(.cancelled) }
        do {
            return .success(try outcome.get())
        } catch let error as HealthSyncError {
            return .failure(error)
        } catch is CancellationError {
            return .failure(.cancelled)
        }
    }
}

extension HealthSyncReport {
    /// The report for a person.
    fileprivate func show() {
        Console.write(
            "looked at \(looked) tables, \(unchanged) had not changed, \(failed.count) failed")
        for (table, reason) in failed.sorted(by: { $0.key.description < $1.key.description }) {
            Console.write("\(table): \(reason)")
        }
    }
}
