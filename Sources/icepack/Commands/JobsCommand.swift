// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import WireFormat

/// `icepack jobs`: lists jobs, newest first.
struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "List jobs, newest first.")

    @OptionGroup var client: ClientOptions

    @Option(name: .long, help: "Only jobs of this table, as database.table.")
    var table: TableArgument?

    @Option(name: .long, help: "Only jobs of this status.")
    var status: String?

    @Option(name: .long, help: "At most this many, 1 to 500.")
    var limit = 20

    @Flag(name: .long, help: "Deleted jobs as well.")
    var history = false

    func run() async throws {
        var query = ["limit=\(limit)"]
        if let table {
            query.append("table=" + PercentEncoding.encode("\(table.database).\(table.table)"))
        }
        if let status { query.append("status=" + PercentEncoding.encode(status)) }
        let path = (history ? "/jobs/history?" : "/jobs?") + query.joined(separator: "&")
        try await client.run { service in
            let answer = try await service.send(.get, path)
            guard !client.json else { return Console.write(answer) }
            let jobs = (answer.arrayValue ?? []).map(JobView.init(json:))
            TextTable.lines(
                heading: ["JOB", "STATUS", "SUBMITTED (UTC)", "TABLE", "ACTIONS"],
                rows: jobs.map { [$0.id, $0.status, $0.submittedAt, $0.table, $0.actions] }
            ).forEach(Console.write)
        }
    }
}

/// `icepack job`: shows one job, or follows it.
struct JobCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job", abstract: "Show one job.",
        discussion: "With --watch the exit status is 1 unless the job completed.")

    @OptionGroup var client: ClientOptions

    @Argument(help: "The job's id.")
    var id: JobIDArgument

    @Flag(name: .long, help: "Follow it to its end.")
    var watch = false

    func run() async throws {
        try await client.run { service in
            var job = JobView(json: try await service.send(.get, "/jobs/\(id.text)"))
            if watch, !job.isTerminal {
                job = try await JobFollower(client: service).follow(id.text)
            }
            if client.json {
                Console.write(job.json)
            } else {
                job.summaryLines.forEach(Console.write)
                if let line = job.progressLine { Console.write("  \(line)") }
            }
            if watch, job.exitStatus != .success { throw job.exitStatus.exit }
        }
    }
}

/// `icepack cancel`: cancels a pending or running job.
struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Cancel a pending or running job.")

    @OptionGroup var client: ClientOptions

    @Argument(help: "The job's id.")
    var id: JobIDArgument

    func run() async throws {
        try await client.run { service in
            let answer = try await service.send(.post, "/jobs/\(id.text)/cancel")
            if client.json {
                Console.write(answer)
            } else {
                JobView(json: answer).summaryLines.forEach(Console.write)
            }
        }
    }
}

/// A job id as 32 hexadecimal characters.
struct JobIDArgument: ExpressibleByArgument {
    let text: String

    init?(argument: String) {
        guard argument.utf8.count == 32, argument.allSatisfy(\.isHexDigit) else { return nil }
        text = argument.lowercased()
    }
}
