// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Fleet
import Foundation
import IcebergCatalog
import IcepackRuntime
import Jobs
import Logging
import ServiceLifecycle
import Synchronization
import WireFormat

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
        try await startup.withCatalog { catalog, bridge in
            let store = try await startup.migratedStore()
            try await startup.serve(store, catalog, bridge)
        }
    }
}

extension Startup {
    /// Serves until told to stop, and shuts the store down.
    ///
    /// - Parameter guest: What runs beside it, given the address once that is listened on; its end
    ///   ends the service.
    func serve(
        _ store: some JobStore, _ catalog: some Catalog, _ bridge: EngineBridge,
        beside guest: (any ServiceGuest)? = nil
    ) async throws {
        let parts = ServiceParts(
            configuration: configuration, store: store, catalog: catalog, bridge: bridge,
            logger: logger)
        let address = OwnAddress(configuration.listen)
        let host = configuration.listen.host
        var services: [any Service] = [
            try parts.apiServer { [logger] port in
                address.listening(on: port)
                // A person looks for this line, a script for its port.
                logger.notice("listening", metadata: ["url": "http://\(host):\(port)"])
                guest?.serviceListens(at: address.url)
            },
            parts.tableCacheSync,
        ]
        for slot in 0..<configuration.jobs.maxConcurrent {
            services.append(WorkerService(try parts.worker(slot: slot + 1)))
        }
        if let sweeper = parts.sweeper { services.append(SweeperService(sweeper)) }
        if let purge = parts.quarantinePurge { services.append(purge) }
        if let healthSync = try parts.healthSyncService() { services.append(healthSync) }
        if let schedule = configuration.orchestrator.schedule {
            services.append(orchestration(schedule, store, address))
        }
        if let guest { services.append(guest) }
        do {
            try await run(services, within: .seconds(30))
        } catch {
            Console.note("icepack: the service stopped: \(error)")
            throw ExitStatus.unavailable.exit
        }
        await store.shutdown()
    }
}

/// Something that runs beside the service in one process, and speaks to it as anybody else does.
protocol ServiceGuest: Service {
    /// Is told the service's address once connections are accepted.
    func serviceListens(at url: String)
}

// MARK: Scheduled orchestration

extension Startup {
    /// The orchestrator, over this process's own API like anybody else.
    private func orchestration(
        _ schedule: CronSchedule, _ store: some JobStore, _ address: OwnAddress
    ) -> any Service {
        let run: @Sendable (ExclusiveLease) async -> OrchestratorRun = { lease in
            let settings = OrchestratorSettings(
                maxInFlight: configuration.orchestrator.maxInFlight,
                name: OrchestratorSettings.newName())
            return await Orchestrator(
                service: RemoteMaintenanceService(client: APIClient(baseURL: address.url)),
                settings: settings, clock: ContinuousClock(), now: { .now },
                keepsTurn: { () throws(MaintenanceServiceError) in
                    do throws(JobStoreError) { return try await lease.isHeld() } catch {
                        throw .unavailable(reason: "\(error)")
                    }
                },
                report: { event in
                    guard let line = event.progressLine else { return }
                    logger.info("orchestrator", metadata: ["event": "\(line)"])
                }
            ).run()
        }
        return OrchestratorSchedule(
            schedule, store: store, logger: logger, now: { .now }, orchestrate: run)
    }
}

/// Where this process's own API is reached, once it listens.
private final class OwnAddress: Sendable {
    private let host: String
    private let port: Mutex<Int>

    init(_ listen: Configuration.Listen) {
        // An address that stands for all is none to connect to.
        switch listen.host {
        case "0.0.0.0": host = "127.0.0.1"
        case "::", "[::]": host = "[::1]"
        case let other where other.contains(":") && !other.hasPrefix("["): host = "[\(other)]"
        case let other: host = other
        }
        port = Mutex(listen.port)
    }

    func listening(on actual: Int) { port.withLock { $0 = actual } }

    var url: String { "http://\(host):\(port.withLock { $0 })" }
}
