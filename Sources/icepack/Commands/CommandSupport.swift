// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import IcepackRuntime
import Jobs
import WireFormat

/// The option that every command has.
struct ConfigurationOptions: ParsableArguments {
    @Option(name: .long, help: "A YAML file; the environment wins over it.")
    var config: String?

    /// The configuration, or the end of the process with every mistake named.
    func load() throws -> Configuration {
        try Self.load(environment: ProcessInfo.processInfo.environment, file: config)
    }

    /// The same of another environment.
    static func load(
        environment: [String: String], file: String?
    ) throws -> Configuration {
        do {
            return try Configuration.load(environment: environment, file: file)
        } catch {
            Console.note("The configuration has mistakes:")
            for problem in error.problems { Console.note("  \(problem)") }
            throw ExitStatus.configuration.exit
        }
    }
}

/// The options of every command that speaks to the service.
struct ClientOptions: ParsableArguments {
    @OptionGroup var configuration: ConfigurationOptions

    @Option(name: .long, help: "The service's address (default: ICEPACK_API_URL).")
    var apiURL: String?

    @Flag(name: .long, help: "Write JSON to standard output and nothing else there.")
    var json = false

    /// Runs a command's body; a failure is told on standard error and in the exit status.
    func run(_ body: (APIClient) async throws -> Void) async throws {
        let address = try apiURL ?? configuration.load().apiURL
        do {
            try await body(APIClient(baseURL: address))
        } catch let failure as ClientFailure {
            if json, case .problem(_, _, _, let problem) = failure { Console.write(problem) }
            Console.note("icepack: \(failure)")
            throw failure.exitStatus.exit
        }
    }
}

/// A table as `database.table`.
struct TableArgument: ExpressibleByArgument {
    let database: String
    let table: String

    init?(argument: String) {
        guard let dot = argument.lastIndex(of: "."), dot != argument.startIndex else { return nil }
        database = String(argument[..<dot])
        table = String(argument[argument.index(after: dot)...])
        if table.isEmpty { return nil }
    }

    /// The name, for commands that work on the catalog themselves.
    func name() throws -> TableName {
        guard let name = TableName(dotted: "\(database).\(table)") else {
            throw ValidationError("\(database).\(table) is no table name.")
        }
        return name
    }

    /// The table's path below the service's address; anything unusual is percent-encoded and left
    /// for the service to judge.
    var path: String {
        "/tables/\(PercentEncoding.encode(database))/\(PercentEncoding.encode(table))"
    }
}
