// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
import IcebergCatalog
import IcepackAPI
import IcepackRuntime
import Jobs
public import Maintenance
import ServiceLifecycle
import WireFormat

/// `icepack maintain`: runs actions here and now, straight on the catalog, without a queue.
///
/// With a store configured the run is a job like any other: it holds the table's lock, shows in
/// the history and can be cancelled. Without one nothing guards the table, and it says so.
struct MaintainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "maintain", abstract: "Run actions on a table here and now, without a queue.",
        discussion: """
            With a store configured (ICEPACK_STORE or ICEPACK_POSTGRES_HOST, or the default \
            store's file in this folder) the run holds the table's lock and is kept in the \
            history. Exit 0 only when every action succeeded; 75 when another job holds the table.
            """)

    @OptionGroup var options: ConfigurationOptions
    @OptionGroup var request: ActionArguments

    @Option(name: .long, help: "The engine to run on: auto, native or spark.")
    var engine: EnginePreference?

    @Flag(
        name: .long, help: "Write {\"results\": [...]} to standard output and nothing else there.")
    var json = false

    func run() async throws {
        unblockTerminationSignals()
        let startup = try Startup(options)
        let results = try await startup.withCatalog { _, bridge in
            try await self.results(startup, engine.map(bridge.preferring) ?? bridge)
        }
        try show(results)
    }

    private func results(
        _ startup: Startup, _ bridge: EngineBridge
    ) async throws -> [ActionResult] {
        let actions = startup.configuration.actionOrder.sorted(try request.actions())
        let table = try request.table.name()
        let options = try request.options()
        for action in actions {
            let routed = RoutedAction(
                action, options: options[action] ?? .none, isDryRun: request.isDryRun)
            do { _ = try bridge.router.choose(routed) } catch {
                Console.note("icepack: \(error.reason)")
                throw ExitStatus.refused.exit
            }
        }
        let run = MaintenanceRun(table: table, actions: actions, options: options)
        if request.isDryRun { return await run.plan(with: bridge) }
        guard startup.configuration.hasStore else {
            Console.note(
                "no store is configured: nothing keeps other jobs off \(table) while this runs")
            return await run.unguarded(with: bridge)
        }
        let store = try await startup.migratedStore()
        let results = try await startup.reporting {
            try await run.asJob(in: store, startup: startup, bridge: bridge)
        }
        await store.shutdown()
        return results
    }

    private func show(_ results: [ActionResult]) throws {
        if json {
            Console.write(["results": .array(results.map(\.json))])
        } else {
            for result in results {
                let mark = result.isSuccess ? "ok" : "failed"
                Console.write("\(result.action): \(mark). \(result.error ?? result.message)")
                for member in result.plan?.objectValue?.members ?? [] where !member.value.isNull {
                    Console.write(
                        "  \(member.key): \(member.value.stringValue ?? member.value.text())")
                }
            }
        }
        if results.isEmpty || results.contains(where: { !$0.isSuccess }) {
            throw ExitStatus.failed.exit
        }
    }
}

extension EnginePreference: ExpressibleByArgument {}
