// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import IcebergCatalog
import IcepackRuntime
import Jobs
import Logging
import ServiceLifecycle

/// `icepack serve`: the API, in-process workers, the sweep and the catalog sync.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the API, with in-process workers, the sweep and the catalog sync.",
        discussion: "SIGTERM finishes requests in flight, ends running jobs and exits 0.")

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        unblockTerminationSignals()
        let startup = try Startup(options)
        let (catalog, bridge) = try startup.catalog()
        do {
            let store = try await startup.migratedStore()
            try await serve(startup, store, catalog, bridge)
        } catch {
            await bridge.shutdown()
            throw error
        }
        await bridge.shutdown()
    }

    private func serve(
        _ startup: Startup, _ store: some JobStore, _ catalog: some Catalog, _ bridge: EngineBridge
    ) async throws {
        let configuration = startup.configuration
        let parts = ServiceParts(
            configuration: configuration, store: store, catalog: catalog, bridge: bridge,
            logger: startup.logger)
        var services: [any Service] = [
            try parts.apiServer { [logger = startup.logger] port in
                // A person looks for this line, a script for its port.
                logger.notice(
                    "listening",
                    metadata: ["url": "http://\(configuration.listen.host):\(port)"])
            },
            parts.tableCacheSync,
        ]
        for slot in 0..<configuration.jobs.maxConcurrent {
            services.append(WorkerService(try parts.worker(slot: slot + 1)))
        }
        if let sweeper = parts.sweeper { services.append(SweeperService(sweeper)) }
        if let purge = parts.quarantinePurge { services.append(purge) }
        do {
            try await startup.run(services, within: .seconds(30))
        } catch {
            Console.note("icepack: the service stopped: \(error)")
            throw ExitStatus.unavailable.exit
        }
        await store.shutdown()
    }
}
