// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
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

/// `icepack sweep`: returns lapsed claims to the queue and frees dead locks, once.
struct SweepCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep",
        abstract: "Return lapsed claims to the queue and free dead locks, once.",
        discussion: "While ICEPACK_DRAIN_MODE is on it does nothing and says so.")

    @OptionGroup var options: ConfigurationOptions

    @Flag(name: .long, help: "Write JSON.")
    var json = false

    func run() async throws {
        let startup = try Startup(options)
        let jobs = startup.configuration.jobs
        guard !jobs.isDraining else {
            Console.note("drain mode is on: nothing is swept")
            return
        }
        let store = try await startup.migratedStore()
        let report = try await startup.reporting {
            try await sweep(store, jobs.sweepPolicy, startup)
        }
        await store.shutdown()
        guard json else {
            Console.write(
                "requeued \(report.requeued.count) jobs, abandoned \(report.abandoned.count), "
                    + "freed \(report.releasedLocks) locks")
            return
        }
        Console.write([
            "requeued": .array(report.requeued.map { .string($0.rawValue) }),
            "abandoned": .array(report.abandoned.map { .string($0.rawValue) }),
            "released_locks": .integer(report.releasedLocks),
        ])
    }

    private func sweep(
        _ store: some JobStore, _ policy: SweepPolicy, _ startup: Startup
    ) async throws -> SweepReport {
        try await Sweeper(
            store: store, policy: policy, interval: .seconds(60), clock: ContinuousClock(),
            logger: startup.logger
        ).sweep()
    }
}
