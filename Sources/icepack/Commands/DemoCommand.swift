// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Demonstration
import Foundation
import IcebergCatalog
import IcepackRuntime
import Jobs
import WireFormat

/// `icepack demo`: makes neglected tables, maintains them through the service, and goes on serving.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Make neglected tables, maintain them, and serve them.",
        discussion: """
            Everything it writes is in one folder, which the next demonstration replaces; a \
            folder with other files in it is refused. It shows the defaults, so that ICEPACK_* in \
            the environment does not count. Ctrl-C stops it.

            Exit status: 0 every row is as it was; 1 one is not, a job failed, or it was stopped \
            before the end; 64 the folder is not a demonstration's; 69 the service could not run.
            """)

    @Option(name: .long, help: "Where everything is written.")
    var folder = ".demo"

    @Option(name: .long, help: "The service's port, 0 for any (default: 8000 if it is free).")
    var port: UInt16?

    @Flag(name: .customLong("exit"), help: "End once everything was shown.")
    var exits = false

    @Flag(name: .long, help: "Write JSON to standard output and nothing else there.")
    var json = false

    func run() async throws {
        unblockTerminationSignals()
        let place: DemoFolder
        do throws(DemoFolderError) { place = try DemoFolder(replacing: folder) } catch {
            throw ValidationError("\(error). Name another with --folder.")
        }
        let view = DemoView(json: json)
        let tables = try await write(to: place, view)
        let file = try writeConfiguration(in: place)
        let environment = ["ICEPACK_LOG_LEVEL": "warning", "ICEPACK_PORT": "\(chosenPort)"]
        let startup = Startup(
            try ConfigurationOptions.load(environment: environment, file: file))
        let host = DemoHost(view: view, exits: exits, configurationFile: file)
        try await startup.withCatalog { catalog, bridge in
            let store = try await startup.migratedStore()
            try await show(tables, host, startup, store, catalog, bridge)
        }
    }

    /// Writes the tables.
    private func write(
        to place: DemoFolder, _ view: DemoView
    ) async throws -> [WrittenDemoTable] {
        view.heading("Writing tables that nobody has looked after, to \(place.path)")
        let warehouse = DemoWarehouse(place.appending("warehouse"))
        var written: [WrittenDemoTable] = []
        for table in DemoTable.all {
            view.say("\(table.identifier): \(table.fault)")
            written.append(
                WrittenDemoTable(
                    table: table, rows: try await warehouse.write(table, now: .now)))
        }
        return written
    }

    /// Writes what makes this a service like any other, so that `serve` can go on with it.
    private func writeConfiguration(in place: DemoFolder) throws -> String {
        func quoted(_ text: String) -> String { JSONValue.string(text).text() }
        let text = """
            # What `icepack demo` runs with: icepack serve --config FILE goes on from there.
            catalog_warehouse: \(quoted(place.appending("warehouse")))
            store: \(quoted("sqlite:" + place.appending("icepack-data/icepack.db")))
            # What merging leaves behind goes in the same job.
            action_order: compact-first

            """
        let file = place.appending("icepack.yaml")
        try Data(text.utf8).write(to: URL(filePath: file))
        return file
    }

    private var chosenPort: UInt16 { port ?? (LocalPort.isFree(8000) ? 8000 : 0) }

    private func show(
        _ tables: [WrittenDemoTable], _ host: DemoHost, _ startup: Startup,
        _ store: some JobStore, _ catalog: some Catalog, _ bridge: EngineBridge
    ) async throws {
        let storage = try startup.configuration.makeStorage()
        // Jobs are taken for tables that the service knows.
        try await ServiceParts(
            configuration: startup.configuration, store: store, catalog: catalog, bridge: bridge,
            logger: startup.logger
        ).syncTableCache()
        let guest = DemoGuest { url in
            try await DemoRun(
                client: APIClient(baseURL: url), catalog: catalog, storage: storage, host: host
            ).show(tables)
            return !host.exits
        }
        try await startup.serve(store, catalog, bridge, beside: guest)
        try guest.checkOutcome()
    }
}

/// A table that was written, and what a reader of it must find.
struct WrittenDemoTable {
    let table: DemoTable
    let rows: MultisetDigest
}

/// How the demonstration is shown.
struct DemoHost {
    let view: DemoView
    /// Whether it ends once everything was shown.
    let exits: Bool
    /// What `serve` would go on with.
    let configurationFile: String
}
