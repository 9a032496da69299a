// SPDX-License-Identifier: Apache-2.0

public import Jobs
import Postgres
import WireFormat

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension PostgresStore: OrchestratorRuns {
    public func record(
        _ run: OrchestratorRun
    ) async throws(JobStoreError) -> RecordedOrchestratorRun {
        let result = try await self.run(
            Statement.recordOrchestratorRun,
            [
                .text(run.startedAt.description), .text(run.completedAt.description),
                .text(run.status.rawValue), .int(run.tablesAssessed), .int(run.tablesSkipped),
                .int(run.tablesHealthy), .int(run.jobsSubmitted), .int(run.jobsCompleted),
                .int(run.jobsFailed), .bool(run.isDryRun), .prose(run.error),
            ])
        guard let row = result.first else {
            throw .corrupt(reason: "a recorded run came back without its row")
        }
        return try row.orchestratorRun()
    }

    public func orchestratorRuns(
        limit: Int
    ) async throws(JobStoreError) -> [RecordedOrchestratorRun] {
        let bounded = min(max(limit, 0), RecordedOrchestratorRun.maximumPage)
        var runs: [RecordedOrchestratorRun] = []
        for row in try await run(Statement.orchestratorRuns, [.int(bounded)], effect: .reads) {
            runs.append(try row.orchestratorRun())
        }
        return runs
    }

    public func orchestratorRun(
        _ id: Int64
    ) async throws(JobStoreError) -> RecordedOrchestratorRun? {
        try await run(Statement.orchestratorRun, [.integer(id)], effect: .reads).first?
            .orchestratorRun()
    }
}

extension PostgresRow {
    fileprivate func orchestratorRun() throws(JobStoreError) -> RecordedOrchestratorRun {
        do throws(PostgresError) {
            guard let start = try timestamp(1), let end = try timestamp(2),
                let status = OrchestratorRun.Status(rawValue: try decode(3))
            else { throw .decoding(reason: "a run has no times or another status") }
            var run = OrchestratorRun(startedAt: start, completedAt: end, status: status)
            run.tablesAssessed = try decode(4)
            run.tablesSkipped = try decode(5)
            run.tablesHealthy = try decode(6)
            run.jobsSubmitted = try decode(7)
            run.jobsCompleted = try decode(8)
            run.jobsFailed = try decode(9)
            run.isDryRun = try decode(10)
            run.error = try decodeIfPresent(11)
            return RecordedOrchestratorRun(id: try decode(0), run: run)
        } catch {
            throw JobStoreError(error)
        }
    }
}
