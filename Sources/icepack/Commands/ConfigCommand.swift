// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import IcepackRuntime
import WireFormat

/// `icepack config`: shows the effective configuration and where each value came from.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Show the effective configuration and where each value came from.")

    @OptionGroup var options: ConfigurationOptions

    @Flag(name: .long, help: "Write JSON.")
    var json = false

    func run() async throws {
        let rows = try options.load().values.shown
        guard json else {
            TextTable.lines(
                heading: ["KEY", "VALUE", "FROM"],
                rows: rows.map { [$0.key.environmentName, $0.text ?? "", $0.origin] }
            ).forEach(Console.write)
            return
        }
        var object = JSONObject()
        for row in rows {
            object[row.key.rawValue] = .object(
                JSONObject([
                    .init(key: "value", value: .optional(row.text)),
                    .init(key: "from", value: .string(row.origin)),
                ]))
        }
        Console.write(.object(object))
    }
}
