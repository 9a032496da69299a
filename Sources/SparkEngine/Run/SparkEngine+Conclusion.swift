// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import Logging
import Maintenance
import WireFormat

extension SparkEngine {
    /// Draws the consequences of a statement's end: frees what it held, or stops what may run on.
    ///
    /// - Returns: the result; nil if it was lost.
    func conclude(
        _ outcome: Outcome, of saved: SavedOperation, in context: RunContext
    ) async throws(MaintenanceError) -> SparkRows? {
        switch outcome {
        case .finished(let rows):
            await letGo(of: saved, in: context)
            return rows
        case .failed(let failure):
            logger.error(
                "spark.statement_failed",
                metadata: ["kind": "\(failure.kind)", "details": "\(failure.details)"])
            let error = await judging(failure, of: saved)
            guard failure.provesEnd else {
                throw await stopping(saved, because: error, in: context)
            }
            await letGo(of: saved, in: context)
            throw error
        case .cancelled:
            throw await stopping(saved, because: .cancelled, in: context)
        case .ended(let ending):
            throw await stopping(saved, because: error(of: ending), in: context)
        }
    }

    private func error(of ending: OperationRunStateMachine.Ending) -> MaintenanceError {
        let sentence = Self.sentence(ending)
        switch ending {
        case .timeLimit:
            return .refused(
                code: "spark_time_limit",
                reason: "the statement took longer than "
                    + "\(TimeWording.text(settings.operationLimit)) (ICEPACK_SOCKET_TIMEOUT_MS), "
                    + "the time that it waited to begin included, and was stopped")
        case .interrupted, .lost, .unreachable:
            return .unavailable(reason: "Spark lost the statement: \(sentence)")
        case .refused:
            return .refused(code: "spark_denied", reason: "Spark's server refused: \(sentence)")
        }
    }

    /// The error of a failed statement, with what it committed before.
    private func judging(_ failure: SparkFailure, of saved: SavedOperation) async
        -> MaintenanceError
    {
        guard let change = await change(since: saved) else { return failure.error }
        let commits = change.commits.count
        guard commits > 0 else { return failure.error }
        let aside = "; the table keeps \(ReportWording.count(commits, "commit")) of it"
        switch failure.error {
        case .unavailable(let reason): return .unavailable(reason: reason + aside)
        case .conflict(let reason): return .conflict(reason: reason + aside)
        case .refused(let code, let reason): return .refused(code: code, reason: reason + aside)
        case .commitUnknown(let reason): return .commitUnknown(reason: reason + aside)
        case .fenceLost, .cancelled, .unreadable, .stillRunning: return failure.error
        }
    }

    /// The report of a statement that succeeded.
    func report(_ rows: SparkRows?, of saved: SavedOperation) async -> ActionReport {
        let removed: Int?
        switch saved.action {
        case .expireSnapshots:
            removed = await change(since: saved)?.removedSnapshots
        case .removeOrphanFiles, .rewriteDataFiles, .rewritePositionDeleteFiles, .rewriteManifests:
            removed = nil
        }
        return SparkReport(action: saved.action, result: rows, removedSnapshots: removed).report
    }

    /// What became of the table; nil if it cannot be read.
    func change(since saved: SavedOperation) async -> TableChange? {
        do throws(MaintenanceError) {
            return change(since: saved, in: try await load(saved.table))
        } catch {
            logger.warning("spark.table_unreadable", metadata: ["error": "\(error)"])
            return nil
        }
    }

    func change(since saved: SavedOperation, in table: LoadedTable) -> TableChange {
        let name: String? =
            switch settings.sharing {
            case .perJob: SessionConfiguration.applicationName(of: saved.attempt)
            case .shared: nil
            }
        return TableChange(
            base: saved.base, after: table.metadata,
            author: .init(application: saved.application, applicationName: name))
    }

    // MARK: Letting go

    /// Frees what a statement held that is over, and clears what was kept of it.
    ///
    /// Where the job was ended meanwhile, nobody else will ever find out that it is over: then this
    /// is noted, with what it committed.
    func letGo(of saved: SavedOperation, in context: RunContext) async {
        await release(saved)
        let isCleared = await forget(in: context)
        guard !isCleared || Task.isCancelled else { return }
        var aftermath = EngineAftermath(state: .stopped)
        if let table = await currentTable(saved) {
            aftermath.commits = change(since: saved, in: table).commits
        } else {
            aftermath.note = Self.unreadTable
        }
        context.tracking.note(aftermath)
    }

    /// Frees an operation and its session, of which nothing runs.
    func release(_ saved: SavedOperation) async {
        if let operation = saved.operation {
            await quietly("close_operation") { () throws(SparkServerError) in
                try await server.close(operation: operation)
            }
        }
        await quietly("close_session") { () throws(SparkServerError) in
            try await server.close(session: saved.session)
        }
    }

    /// Clears what was kept for the next attempt, which has nothing to look for.
    ///
    /// - Returns: whether it was cleared. If not, the next attempt finds that nothing runs.
    @discardableResult
    func forget(in context: RunContext) async -> Bool {
        do throws(MaintenanceError) {
            try await context.tracking.keep(nil)
            return true
        } catch {
            logger.warning("spark.state_not_cleared", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// Makes a call that is good to have and that nothing depends on, within a time.
    ///
    /// In a task of its own and waited for, so that it is made even when this one was cancelled.
    func quietly(
        _ name: String, _ call: @escaping @Sendable () async throws(SparkServerError) -> Void
    ) async {
        _ = await attempting(name, within: settings.pace.farewell) {
            () async throws(SparkServerError) -> Bool in
            try await call()
            return true
        }
    }
}
