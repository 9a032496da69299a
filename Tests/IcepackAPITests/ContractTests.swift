// SPDX-License-Identifier: Apache-2.0

import Fleet
import Jobs
import TestSupport
import Testing
import WireFormat

@testable import IcepackAPI

/// The running server against its own document, judged by a checker that shares no code with us.
@Suite(
    .enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)), .timeLimit(.minutes(15)))
struct ContractTests {
    @Test func `the server does what its OpenAPI document says`() async throws {
        let table = try FixtureTable()
        try await withAPI {
            $0.limits.eventPoll = .milliseconds(50)
            // The checker shares two processors with other tests, and keeps its connections.
            $0.limits.idleLimit = .seconds(600)
            $0.limits.requestReadLimit = .seconds(600)
            $0.limits.writeStallLimit = .seconds(600)
            $0.limits.storePingLimit = .seconds(600)
            let reporter = try table.reporter($0.store)
            $0.inspector = { name, document throws(InspectionError) in
                try await reporter.document(
                    document, of: name, now: Timestamp(milliseconds: 1_777_127_700_000))
            }
        } _: { api in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await Self.work(on: api.store) }
                let report = try await Oracles.run(
                    "check_api.py", ["http://127.0.0.1:\(api.port)"])
                group.cancelAll()

                let output = report.objectValue?["output"]?.stringValue ?? ""
                #expect(report.objectValue?["document"] == "valid")
                #expect(report.objectValue?["failures"] == [], "\(output)")
                #expect(report.objectValue?["exit_code"] == 0, "\(output)")
            }
        }
    }

    /// Settles every job soon after it is submitted, so that event streams end and locks free.
    private static func work(on store: InMemoryJobStore) async throws {
        let signals = await store.signals()
        for await _ in signals {
            while let claimed = try await store.claim(
                by: WorkerID("test"), attempt: .random(), lease: .seconds(60))
            {
                for action in claimed.job.actions {
                    try await store.record(
                        ActionResult(
                            action: action, isSuccess: true, message: "Done", elapsedSeconds: 0.5,
                            engine: "native"), under: claimed.claim)
                }
                try await store.settle(claimed.claim, as: .completed)
            }
        }
    }
}
