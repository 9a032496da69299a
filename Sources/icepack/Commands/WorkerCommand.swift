// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import IcebergCatalog
import IcepackRuntime
import Jobs
import ServiceLifecycle

/// `icepack worker`: claims and runs jobs, until told to stop or one at most.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Claim and run jobs.",
        discussion: """
            Without --once it runs until SIGTERM and then exits 0, or 1 if a job was cut short. \
            With --once it claims at most one job: exit 0 when the job completed, was cancelled or \
            lost its fence, or there was nothing to claim; 1 when it failed or SIGTERM came.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Flag(name: .long, help: "Claim at most one job and exit.")
    var once = false

    func run() async throws {
        unblockTerminationSignals()
        let startup = try Startup(options)
        let status = try await startup.withCatalog { catalog, bridge in
            let store = try await startup.migratedStore()
            return try await work(startup, store, catalog, bridge)
        }
        if status != .success { throw status.exit }
    }

    private func work(
        _ startup: Startup, _ store: some JobStore, _ catalog: some Catalog, _ bridge: EngineBridge
    ) async throws -> ExitStatus {
        let parts = ServiceParts(
            configuration: startup.configuration, store: store, catalog: catalog, bridge: bridge,
            logger: startup.logger)
        let worker = try parts.worker(slot: 1)
        guard once else {
            let service = WorkerService(worker)
            var services: [any Service] = [service]
            if let sweeper = parts.sweeper { services.append(SweeperService(sweeper)) }
            try await startup.run(services, within: .seconds(5))
            await store.shutdown()
            return service.wasInterrupted ? .failed : .success
        }
        let outcome = try await startup.once(within: .seconds(5)) {
            await withGracefulShutdownHandler {
                await worker.runOnce()
            } onGracefulShutdown: {
                worker.terminate()
            }
        }
        await store.shutdown()
        switch outcome {
        case nil, .storeFailed: return .unavailable
        case let outcome?: return outcome.isSuccess ? .success : .failed
        }
    }
}
