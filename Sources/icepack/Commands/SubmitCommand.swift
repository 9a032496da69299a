// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Maintenance
import WireFormat

/// `icepack submit`: asks the service for a job.
struct SubmitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Submit a maintenance job for a table.")

    @OptionGroup var client: ClientOptions
    @OptionGroup var actions: ActionArguments

    @Flag(name: .long, help: "Follow the job to its end; exit 1 unless it completed.")
    var wait = false

    @Option(name: .long, help: "The same key and request within 24 hours is one job.")
    var idempotencyKey: String?

    func run() async throws {
        let body = try actions.requestBody()
        try await client.run { service in
            let headers = idempotencyKey.map { [("Idempotency-Key", $0)] } ?? []
            let answer = try await service.send(
                .post, actions.table.path + "/maintenance", body: body, headers: headers)
            var job = JobView(json: answer)
            if wait, !job.isTerminal {
                Console.note("job \(job.id) submitted")
                job = try await JobFollower(client: service).follow(job.id)
            }
            if client.json {
                Console.write(job.json)
            } else {
                job.summaryLines.forEach(Console.write)
            }
            if wait, job.exitStatus != .success { throw job.exitStatus.exit }
        }
    }
}
