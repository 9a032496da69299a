// SPDX-License-Identifier: Apache-2.0

import Fleet
import IcebergCatalog
public import Jobs
public import Maintenance
import WireFormat

extension EngineBridge {
    /// What is held of a table.
    public func quarantine(of table: TableName) async throws(MaintenanceError) -> [QuarantineHold] {
        try await requireKeeper().quarantine(of: TableIdentifier(table))
    }

    /// Carries out a change without a job: nothing keeps other jobs off the table.
    public func changeUnguarded(
        _ table: TableName, _ request: QuarantineRequest
    ) async throws(MaintenanceError) -> QuarantineChange {
        try await change(TableIdentifier(table), request, in: Self.unguardedContext { _ in })
    }

    /// Runs a job's action that is about quarantine.
    func runQuarantine(
        _ request: QuarantineRequest, _ invocation: ActionInvocation, in context: RunContext
    ) async throws(ActionFailure) -> ActionResult {
        let began = ContinuousClock.now
        do throws(MaintenanceError) {
            let change = try await change(
                TableIdentifier(invocation.job.table), request, in: context)
            var metrics = change.json
            metrics["failure"] = nil
            return ActionResult(
                action: invocation.action, isSuccess: true, message: change.sentence,
                impact: change.sentence,
                elapsedSeconds: began.duration(to: .now) / .seconds(1), metrics: metrics,
                engine: "native")
        } catch {
            throw Self.failure(error)
        }
    }

    private func change(
        _ table: TableIdentifier, _ request: QuarantineRequest, in context: RunContext
    ) async throws(MaintenanceError) -> QuarantineChange {
        let keeper = try requireKeeper()
        return switch request {
        case .restore(let job): try await keeper.restore(table, job: job, in: context)
        case .purge(let selection): try await keeper.purge(table, selection, in: context)
        }
    }

    private func requireKeeper() throws(MaintenanceError) -> any QuarantineKeeper {
        guard let keeper else {
            throw .refused(
                code: NoEngineForAction.code,
                reason: "no engine that is configured keeps a quarantine")
        }
        return keeper
    }
}
