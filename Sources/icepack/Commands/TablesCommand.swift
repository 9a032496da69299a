// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import WireFormat

/// `icepack tables`: lists the tables that the service knows.
struct TablesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tables", abstract: "List the tables that the service knows.")

    @OptionGroup var client: ClientOptions

    @Option(name: .long, help: "Only tables of this database.")
    var database: String?

    func run() async throws {
        try await client.run { service in
            let query = database.map { "?database=" + PercentEncoding.encode($0) } ?? ""
            let answer = try await service.send(.get, "/tables" + query)
            guard !client.json else { return Console.write(answer) }
            let rows = (answer.arrayValue ?? []).compactMap(\.objectValue).map { table in
                let name = ["database", "table_name"].map { table[$0]?.stringValue ?? "?" }
                return [
                    name.joined(separator: "."),
                    table["in_maintenance_allowlist"]?.boolValue == true ? "yes" : "no",
                ]
            }
            TextTable.shown(heading: ["TABLE", "ALLOWLISTED"], rows: rows).forEach(Console.write)
        }
    }
}
