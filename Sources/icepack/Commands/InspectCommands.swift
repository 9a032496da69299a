// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// What the commands that show a table have in common.
struct InspectOptions: ParsableArguments {
    @OptionGroup var client: ClientOptions

    @Argument(help: "The table, as database.table.")
    var table: TableArgument

    /// Asks the service about the table and writes these lines of its answer, or all of it as JSON.
    func show(_ path: String, _ lines: (TableView) -> [String]) async throws {
        try await client.run { service in
            let answer = try await service.send(.get, table.path + path)
            guard !client.json else { return Console.write(answer) }
            lines(TableView(answer)).forEach(Console.write)
        }
    }
}

/// `icepack status`: what a table looks like now.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show what a table looks like now.")

    @OptionGroup var options: InspectOptions

    func run() async throws { try await options.show("/status", \.statusLines) }
}

/// `icepack health`: whether that is concerning.
struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Show whether a table's state is concerning.")

    @OptionGroup var options: InspectOptions

    func run() async throws { try await options.show("/health", \.healthLines) }
}

/// `icepack recommend`: what should be run on a table, and why.
struct RecommendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recommend", abstract: "Say what should be run on a table, and why.")

    @OptionGroup var options: InspectOptions

    func run() async throws {
        try await options.show("/maintenance/recommendation", \.recommendationLines)
    }
}

/// `icepack explain`: every setting of a table, where it came from and what follows.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show each setting of a table, where it came from and what follows.")

    @OptionGroup var options: InspectOptions

    func run() async throws {
        try await options.show("/maintenance/recommendation") {
            $0.policyLines + [""] + $0.recommendationLines
        }
    }
}
