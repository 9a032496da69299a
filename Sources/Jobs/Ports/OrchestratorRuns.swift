// SPDX-License-Identifier: Apache-2.0

/// The part of the store that remembers the orchestrator's runs.
public protocol OrchestratorRuns: Sendable {
    /// Keeps a run and gives it a number. Not safe to repeat: each call makes a record.
    func record(_ run: OrchestratorRun) async throws(JobStoreError) -> RecordedOrchestratorRun

    /// The newest runs, the last recorded first; at most ``RecordedOrchestratorRun/maximumPage``.
    func orchestratorRuns(limit: Int) async throws(JobStoreError) -> [RecordedOrchestratorRun]

    /// One run, or nil.
    func orchestratorRun(_ id: Int64) async throws(JobStoreError) -> RecordedOrchestratorRun?
}

extension RecordedOrchestratorRun {
    /// The most runs that one read returns.
    public static let maximumPage = 500
}
