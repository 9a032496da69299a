// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Fleet
import Foundation
import IcepackRuntime
import Jobs
import ServiceLifecycle
import Synchronization
import WireFormat

/// `icepack orchestrate`: maintains every enrolled table once.
struct OrchestrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orchestrate",
        abstract: "Maintain every enrolled table once, as recommended.",
        discussion: """
            Speaks only to the service. Asks for each table's recommendation, submits what is \
            recommended, most unhealthy tables first, and follows the jobs to their end. At the \
            end it says of each table what became of it, and why nothing was submitted.

            Exit status: 0 completed; 1 failed; 2 partial (time was up, the service drains, or \
            SIGTERM): jobs under way go on.
            """)

    @OptionGroup var client: ClientOptions

    @Flag(name: .long, help: "Look and tell, but submit nothing.")
    var dryRun = false

    @Option(name: .long, help: "The longest run, in seconds.")
    var limit: Int = 7200

    func validate() throws {
        guard (1...86_400).contains(limit) else {
            throw ValidationError("--limit must be from 1 to 86400 seconds")
        }
    }

    func run() async throws {
        unblockTerminationSignals()
        let startup = try Startup(client.configuration)
        let configuration = startup.configuration
        let service = RemoteMaintenanceService(
            client: APIClient(baseURL: client.apiURL ?? configuration.apiURL))
        let json = client.json
        let settings = OrchestratorSettings(
            maxInFlight: configuration.orchestrator.maxInFlight, limit: .seconds(limit),
            isDryRun: dryRun, name: OrchestratorSettings.newName())
        let report = Mutex(OrchestratorReport(isDryRun: dryRun))
        let orchestrator = Orchestrator(
            service: service, settings: settings, clock: ContinuousClock(), now: { .now },
            report: { event in
                report.withLock { $0.take(event) }
                if let line = event.progressLine { Console.note(line) }
            })
        // A run that is cut short ends as partial, and is recorded.
        let run = try await startup.once(within: .seconds(30)) {
            await cancelWhenGracefulShutdown { await orchestrator.run() }
        }
        guard let run else { throw ExitStatus.failed.exit }
        let tables = report.withLock { $0.lines }
        if json {
            var document = run.json
            document["tables"] = .array(tables.map(\.json))
            Console.write(.object(document))
        } else {
            OrchestratorView.lines(tables).forEach(Console.write)
            Console.write(run.summary)
        }
        switch run.status {
        case .completed: break
        case .failed: throw ExitStatus.failed.exit
        case .partial: throw ExitCode(2)
        }
    }
}

extension OrchestratorSettings {
    /// A name that no other run has.
    static func newName() -> String {
        "orchestrate-\(Timestamp.now.microseconds)-\(UInt32.random(in: 0...UInt32.max))"
    }
}

extension OrchestratorEvent {
    /// The event for a person who waits; nil for what the table at the end is for.
    var progressLine: String? {
        switch self {
        case .leftOut, .assessed: nil
        case .unassessed(let table, let reason): "\(table): not assessed: \(reason)"
        case .submitted(let table, let actions, let job):
            "\(table): job \(job): \(actions.joined(separator: ", "))"
        case .skipped(let table, let reason): "\(table): skipped: \(reason)"
        case .ended(let table, let job, let status, let error):
            "\(table): job \(job) \(status.rawValue)\(error.map { ": \($0)" } ?? "")"
        case .unrecorded(let reason): "the run could not be recorded: \(reason)"
        }
    }
}

extension OrchestratorRun {
    /// The run in a line.
    fileprivate var summary: String {
        let counts =
            "assessed \(tablesAssessed) tables (\(tablesHealthy) need nothing, "
            + "\(tablesSkipped) skipped), submitted \(jobsSubmitted) jobs: \(jobsCompleted) "
            + "completed, \(jobsFailed) failed"
        return "\(status.rawValue): \(counts)\(error.map { "; \($0)" } ?? "")"
    }
}
