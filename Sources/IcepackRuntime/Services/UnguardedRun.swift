// SPDX-License-Identifier: Apache-2.0

import Fleet
import Foundation
import IcebergCatalog
public import Jobs
public import Maintenance
import WireFormat

extension EngineBridge {
    /// Runs one action without a job: nothing keeps other jobs off the table, and a crash between
    /// commit and removal leaves orphans, which only orphan removal finds.
    ///
    /// Returns the engine's name and why it was chosen as well.
    public func runUnguarded(
        _ table: TableName, _ action: MaintenanceAction, _ options: ActionOptions,
        report: @escaping @Sendable (ActionProgress) -> Void
    ) async throws(MaintenanceError) -> (engine: EngineChoice, report: ActionReport) {
        let identifier = TableIdentifier(table)
        let (engine, reason) = try await engine(
            for: RoutedAction(action, options: options), on: identifier)
        let request = ActionRequest(
            table: identifier, action: action, options: options, now: .now)
        let context = Self.unguardedContext(report)
        let choice = EngineChoice(engine: engine.name, reason: reason)
        return (choice, try await engine.run(request, in: context))
    }

    /// What an action may ask of a job that is none.
    static func unguardedContext(
        _ report: @escaping @Sendable (ActionProgress) -> Void
    ) -> RunContext {
        RunContext(
            confirmLease: { _ throws(MaintenanceError) in }, report: report,
            journal: UnkeptJournal(),
            attempt: AttemptLabel(
                jobID: JobID.random().rawValue, attemptID: AttemptID.random().rawValue))
    }
}

/// The journal of a run without a store: it forgets.
private struct UnkeptJournal: MaintenanceJournal {
    func plan(_ files: [JournalledFile], tableUUID: String) async throws(MaintenanceError) {}
    func close(paths: [String]) async throws(MaintenanceError) {}
    func markUnknown() async throws(MaintenanceError) {}
    func openEntries(
        tableUUID: String, after id: Int64, limit: Int
    ) async throws(MaintenanceError) -> [OpenJournalledFile] { [] }
    func closeReplayed(_ ids: [Int64]) async throws(MaintenanceError) {}
}
