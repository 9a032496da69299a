// SPDX-License-Identifier: Apache-2.0

/// The orchestrator's runs.
extension Statement {
    private static let runColumns = """
        id, started_at, completed_at, status, tables_assessed, tables_skipped, tables_healthy,
            jobs_submitted, jobs_completed, jobs_failed, dry_run, error
        """

    static let insertOrchestratorRun = """
        INSERT INTO orchestrator_runs (started_at, completed_at, status, tables_assessed,
            tables_skipped, tables_healthy, jobs_submitted, jobs_completed, jobs_failed, dry_run,
            error, created_at)
        VALUES (:started, :completed, :status, :assessed, :skipped, :healthy, :submitted,
            :done, :failed, :dry, :error, :now)
        RETURNING \(runColumns)
        """

    /// SCAN orchestrator_runs by its primary key, backwards.
    static let selectOrchestratorRuns = """
        SELECT \(runColumns) FROM orchestrator_runs ORDER BY id DESC LIMIT :limit
        """

    /// SEARCH orchestrator_runs by primary key.
    static let selectOrchestratorRun = """
        SELECT \(runColumns) FROM orchestrator_runs WHERE id = :id
        """
}
