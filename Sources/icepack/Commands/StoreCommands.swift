// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import IcebergCatalog
import IcepackRuntime
import Jobs
import WireFormat

/// `icepack migrate`: brings the store's schema up to date.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Bring the job store's schema up to date.",
        discussion: "Safe to run any number of times and from many processes at once.")

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let store = try await Startup(options).migratedStore()
        await store.shutdown()
        Console.write("the job store is up to date")
    }
}

/// `icepack sweep`: returns lapsed claims to the queue, frees dead locks and asks engines about
/// tables that are held for them, once.
struct SweepCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep",
        abstract: "Return lapsed claims to the queue and free dead locks, once.",
        discussion: """
            Where a job ended and something of it may still run in Spark, Spark is told to stop \
            it, and the table is free once it has; that may take a minute for each. While \
            ICEPACK_DRAIN_MODE is on it does nothing and says so.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Flag(name: .long, help: "Write JSON.")
    var json = false

    func run() async throws {
        let startup = try Startup(options)
        guard !startup.configuration.jobs.isDraining else {
            Console.note("drain mode is on: nothing is swept")
            return
        }
        try await startup.withCatalog { catalog, bridge in
            try await sweep(startup, catalog, bridge)
        }
    }

    private func sweep(
        _ startup: Startup, _ catalog: some Catalog, _ bridge: EngineBridge
    ) async throws {
        let store = try await startup.migratedStore()
        let (report, holds) = try await startup.reporting {
            try await sweep(store, startup, catalog, bridge)
        }
        await store.shutdown()
        guard json else {
            Console.write(
                "requeued \(report.requeued.count) jobs, abandoned \(report.abandoned.count), "
                    + "freed \(report.releasedLocks + holds.settled.count) locks")
            for job in holds.held {
                Console.write("job \(job) keeps its table: its engine may still be running")
            }
            return
        }
        Console.write([
            "requeued": Self.list(report.requeued), "abandoned": Self.list(report.abandoned),
            "released_locks": .integer(report.releasedLocks),
            "settled_holds": Self.list(holds.settled), "kept_holds": Self.list(holds.held),
            "given_up_holds": Self.list(report.givenUpHolds),
        ])
    }

    private func sweep(
        _ store: some JobStore, _ startup: Startup, _ catalog: some Catalog, _ bridge: EngineBridge
    ) async throws -> (SweepReport, HoldReport) {
        let sweeper = ServiceParts(
            configuration: startup.configuration, store: store, catalog: catalog, bridge: bridge,
            logger: startup.logger
        ).sweeper
        guard let sweeper else { return (SweepReport(), HoldReport()) }
        // Asked first: what is freed by an answer is not given up for its age.
        let holds = try await sweeper.inspectHolds()
        return (try await sweeper.sweep(), holds)
    }

    private static func list(_ jobs: [JobID]) -> JSONValue {
        .array(jobs.map { .string($0.rawValue) })
    }
}
