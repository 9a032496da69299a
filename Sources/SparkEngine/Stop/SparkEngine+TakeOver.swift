// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
import Logging
public import Maintenance
public import WireFormat

extension SparkEngine {
    /// Deals with what an earlier attempt left: adopts its statement if it does what is asked for
    /// now, and sees it gone otherwise.
    ///
    /// - Returns: the report of a statement that was adopted and succeeded; nil when nothing of the
    ///   earlier attempt runs any more, and the action is to be begun anew. That is right whatever
    ///   the earlier one had done: the procedures find nothing to do where it was done.
    func takeOver(
        _ inherited: JSONValue, for request: ActionRequest, in context: RunContext
    ) async throws(MaintenanceError) -> ActionReport? {
        guard let saved = SavedOperation(inherited) else {
            guard SavedOperation.isOurs(inherited) else { return nil }
            throw .stillRunning(
                reason: "an earlier attempt left a statement in Spark whose notes this version "
                    + "cannot read")
        }
        logger.info(
            "spark.take_over",
            metadata: [
                "attempt.id": "\(saved.attempt.attemptID)", "action": "\(saved.action.rawValue)",
            ])
        guard let operation = saved.operation, saved.action == request.action,
            saved.table == request.table
        else {
            try await seeGone(saved, in: context)
            return nil
        }
        let outcome = await follow(saved, operation, in: context)
        switch outcome {
        case .finished(let rows):
            await letGo(of: saved, in: context)
            if rows == nil, saved.action == .removeOrphanFiles { return nil }
            return try await finish(rows, of: saved, for: request, in: context)
        case .failed(let failure):
            logger.warning(
                "spark.inherited_statement_failed",
                metadata: ["kind": "\(failure.kind)", "details": "\(failure.details)"])
            guard failure.provesEnd else {
                try await seeGone(saved, in: context)
                return nil
            }
            switch failure.kind {
            case .retry, .conflict:
                await letGo(of: saved, in: context)
                return nil
            case .user, .fatal, .commitUnknown:
                // As if it had failed in an attempt of its own: nothing is called again.
                _ = try await conclude(outcome, of: saved, in: context)
                return nil
            }
        case .ended(.interrupted), .ended(.lost), .ended(.unreachable), .ended(.refused):
            try await seeGone(saved, in: context)
            return nil
        case .ended(.timeLimit), .cancelled:
            _ = try await conclude(outcome, of: saved, in: context)
            return nil
        }
    }

    /// Stops what an earlier attempt left, and returns once nothing of it runs.
    private func seeGone(
        _ saved: SavedOperation, in context: RunContext
    ) async throws(MaintenanceError) {
        let aftermath = await stop(saved)
        guard aftermath.state != .stopped else {
            await forget(in: context)
            return
        }
        context.tracking.note(aftermath)
        if Task.isCancelled { throw .cancelled }
        let reason = aftermath.note ?? "Spark did not say that it stopped"
        throw canFindOutLater
            ? .unavailable(reason: "an earlier attempt may still be running in Spark: \(reason)")
            : .stillRunning(reason: reason)
    }

    /// Stops what a job that is over left in Spark, and looks at the table; nil for what is no
    /// state of this engine.
    public func settleAbandoned(
        _ table: TableIdentifier, state: JSONValue
    ) async -> EngineAftermath? {
        guard SavedOperation.isOurs(state) else { return nil }
        guard let saved = SavedOperation(state) else {
            return EngineAftermath(
                state: .unknown, note: "what was noted of the statement cannot be read")
        }
        return await stop(saved)
    }
}
