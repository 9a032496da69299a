// SPDX-License-Identifier: Apache-2.0

import GRDB
public import Jobs
import WireFormat

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension SQLiteStore {
    public func record(
        _ run: OrchestratorRun
    ) async throws(JobStoreError) -> RecordedOrchestratorRun {
        try await write { transaction in
            let row = try transaction.first(
                Statement.insertOrchestratorRun,
                [
                    "started": run.startedAt.microseconds,
                    "completed": run.completedAt.microseconds, "status": run.status.rawValue,
                    "assessed": run.tablesAssessed, "skipped": run.tablesSkipped,
                    "healthy": run.tablesHealthy, "submitted": run.jobsSubmitted,
                    "done": run.jobsCompleted, "failed": run.jobsFailed, "dry": run.isDryRun,
                    "error": run.error, "now": transaction.now,
                ])
            guard let row else {
                throw JobStoreError.corrupt(reason: "a recorded run came back without its row")
            }
            return try row.orchestratorRun()
        }
    }

    public func orchestratorRuns(
        limit: Int
    ) async throws(JobStoreError) -> [RecordedOrchestratorRun] {
        let bounded = min(max(limit, 0), RecordedOrchestratorRun.maximumPage)
        return try await read { transaction in
            try transaction.all(Statement.selectOrchestratorRuns, ["limit": bounded])
                .map { try $0.orchestratorRun() }
        }
    }

    public func orchestratorRun(
        _ id: Int64
    ) async throws(JobStoreError) -> RecordedOrchestratorRun? {
        try await read { transaction in
            try transaction.first(Statement.selectOrchestratorRun, ["id": id])?.orchestratorRun()
        }
    }
}

extension StoredRow {
    fileprivate func orchestratorRun() throws -> RecordedOrchestratorRun {
        guard let status = OrchestratorRun.Status(rawValue: try value("status")) else {
            throw JobStoreError.corrupt(reason: "column status has an unknown value")
        }
        var run = OrchestratorRun(
            startedAt: Timestamp(microseconds: try value("started_at")),
            completedAt: Timestamp(microseconds: try value("completed_at")), status: status)
        run.tablesAssessed = try value("tables_assessed")
        run.tablesSkipped = try value("tables_skipped")
        run.tablesHealthy = try value("tables_healthy")
        run.jobsSubmitted = try value("jobs_submitted")
        run.jobsCompleted = try value("jobs_completed")
        run.jobsFailed = try value("jobs_failed")
        run.isDryRun = try value("dry_run")
        run.error = try optional("error")
        return RecordedOrchestratorRun(id: try value("id"), run: run)
    }
}
