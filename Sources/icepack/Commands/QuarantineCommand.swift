// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import IcepackRuntime
import Jobs
import Maintenance
import WireFormat

/// `icepack quarantine`: what orphan removal moved away, straight on the catalog.
struct QuarantineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "List, restore or purge what orphan removal moved away.",
        discussion: """
            Works on the catalog itself. With a store configured a change holds the table's lock \
            and is kept in the history; exit 75 when another job holds the table.
            """,
        subcommands: [ListQuarantine.self, RestoreQuarantine.self, PurgeQuarantine.self])
}

/// What the three have in common.
struct QuarantineOptions: ParsableArguments {
    @OptionGroup var options: ConfigurationOptions

    @Argument(help: "The table, as database.table.")
    var table: TableArgument

    @Flag(name: .long, help: "Write JSON to standard output and nothing else there.")
    var json = false

    /// Runs the body with the engines; a failure is told on standard error.
    func run(_ body: (Startup, EngineBridge) async throws -> Void) async throws {
        unblockTerminationSignals()
        let startup = try Startup(options)
        do {
            try await startup.withCatalog { _, bridge in try await body(startup, bridge) }
        } catch let error as MaintenanceError {
            Console.note("icepack: \(error)")
            throw ExitStatus.failed.exit
        }
    }

    /// Carries out a change, as a job where there is a store.
    func change(_ request: QuarantineRequest) async throws {
        let table = try table.name()
        try await run { startup, bridge in
            let numbers: JSONObject
            if startup.configuration.hasStore {
                numbers = try await asJob(request, on: table, startup, bridge)
            } else {
                Console.note(
                    "no store is configured: nothing keeps other jobs off \(table) meanwhile")
                numbers = try await bridge.changeUnguarded(table, request).json
            }
            show(numbers)
            if (numbers["failed_files"]?.intValue ?? 0) > 0 { throw ExitStatus.failed.exit }
        }
    }

    private func asJob(
        _ request: QuarantineRequest, on table: TableName, _ startup: Startup,
        _ bridge: EngineBridge
    ) async throws -> JSONObject {
        let store = try await startup.migratedStore()
        let outcome = try await startup.reporting {
            try await Self.change(table, request, in: store, startup, bridge)
        }
        await store.shutdown()
        switch outcome {
        case .done(let numbers): return numbers
        case .locked(let holder):
            Console.note("icepack: \(table) is locked by job \(holder); try again when it is over")
            throw ExitStatus.tryLater.exit
        case .failed(let reason):
            Console.note("icepack: \(reason)")
            throw ExitStatus.failed.exit
        }
    }

    private static func change(
        _ table: TableName, _ request: QuarantineRequest, in store: some JobStore,
        _ startup: Startup, _ bridge: EngineBridge
    ) async throws -> QuarantineOutcome {
        try await QuarantineService(
            store: store, bridge: bridge, jobs: startup.configuration.jobs, logger: startup.logger
        ).change(table, request, actor: "cli:quarantine")
    }

    private func show(_ numbers: JSONObject) {
        if json {
            Console.write(.object(numbers))
        } else {
            let parts = numbers.members.filter { !$0.value.isNull }.map {
                "\($0.key) \($0.value.stringValue ?? $0.value.text())"
            }
            Console.write(parts.joined(separator: ", "))
        }
    }
}

/// `icepack quarantine list`.
struct ListQuarantine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show what is held of a table, by job.")

    @OptionGroup var options: QuarantineOptions

    func run() async throws {
        let table = try options.table.name()
        try await options.run { startup, bridge in
            let days = startup.configuration.quarantineDays
            let holds = try await bridge.quarantine(of: table)
            if options.json {
                Console.write(.array(holds.map { $0.json(afterDays: days) }))
                return
            }
            if holds.isEmpty { Console.write("nothing of \(table) is in quarantine") }
            for hold in holds {
                Console.write(
                    "\(hold.jobID)  \(hold.fileCount) files, \(hold.byteCount) bytes, moved "
                        + "\(hold.movedAt), purged after \(hold.purgeTime(afterDays: days))"
                        + (hold.isUnfinished ? ", unfinished" : ""))
            }
        }
    }
}

/// `icepack quarantine restore`.
struct RestoreQuarantine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Bring back the files that a job moved away.")

    @OptionGroup var options: QuarantineOptions

    @Option(name: .long, help: "The job that moved them.")
    var job: String

    func run() async throws { try await options.change(.restore(job: job)) }
}

/// `icepack quarantine purge`.
struct PurgeQuarantine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge",
        abstract: "Remove quarantined files for good; what the table needs by now comes back.")

    @OptionGroup var options: QuarantineOptions

    @Option(name: .long, help: "The job that moved them.")
    var job: String?

    @Flag(name: .long, help: "Those of every job.")
    var all = false

    @Flag(name: .long, help: "Those that were moved more than ICEPACK_QUARANTINE_DAYS ago.")
    var due = false

    func validate() throws {
        guard (job == nil ? 0 : 1) + (all ? 1 : 0) + (due ? 1 : 0) == 1 else {
            throw ValidationError("Say one of --job, --all and --due.")
        }
    }

    func run() async throws {
        if let job { return try await options.change(.purge(.job(job))) }
        if all { return try await options.change(.purge(.all)) }
        let days = try options.options.load().quarantineDays
        try await options.change(
            .purge(.movedBefore(Timestamp.now.advanced(by: .seconds(-days * 86_400)))))
    }
}
