// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import WireFormat

/// `icepack status`: what a table looks like now.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show what a table looks like now.")

    @OptionGroup var client: ClientOptions

    @Argument(help: "The table, as database.table.")
    var table: TableArgument

    func run() async throws {
        try await client.run { service in
            let answer = try await service.send(.get, table.path + "/status")
            guard !client.json else { return Console.write(answer) }
            TableView(answer).statusLines.forEach(Console.write)
        }
    }
}

/// `icepack health`: whether that is concerning.
struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Show whether a table's state is concerning.")

    @OptionGroup var client: ClientOptions

    @Argument(help: "The table, as database.table.")
    var table: TableArgument

    func run() async throws {
        try await client.run { service in
            let answer = try await service.send(.get, table.path + "/health")
            guard !client.json else { return Console.write(answer) }
            TableView(answer).healthLines.forEach(Console.write)
        }
    }
}

/// `icepack recommend`: what should be run on a table, and why.
struct RecommendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recommend", abstract: "Say what should be run on a table, and why.")

    @OptionGroup var client: ClientOptions

    @Argument(help: "The table, as database.table.")
    var table: TableArgument

    func run() async throws {
        try await client.run { service in
            let answer = try await service.send(
                .get, table.path + "/maintenance/recommendation")
            guard !client.json else { return Console.write(answer) }
            TableView(answer).recommendationLines.forEach(Console.write)
        }
    }
}

/// `icepack explain`: every setting of a table, where it came from and what follows.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show each setting of a table, where it came from and what follows.")

    @OptionGroup var client: ClientOptions

    @Argument(help: "The table, as database.table.")
    var table: TableArgument

    func run() async throws {
        try await client.run { service in
            let answer = try await service.send(
                .get, table.path + "/maintenance/recommendation")
            guard !client.json else { return Console.write(answer) }
            let view = TableView(answer)
            view.policyLines.forEach(Console.write)
            Console.write("")
            view.recommendationLines.forEach(Console.write)
        }
    }
}
