// SPDX-License-Identifier: Apache-2.0

import Fleet
import IcebergCatalog
public import Jobs
import Maintenance
import WireFormat

extension EngineBridge {
    /// What the sweeper asks about tables that are held for an engine.
    public var holdInspector: HoldInspector {
        { hold in await settle(hold.state, on: TableIdentifier(hold.table))?.json }
    }

    /// Has the engine that a state belongs to stop what it names; nil if no engine that is
    /// configured knows the state.
    func settle(_ state: JSONValue, on table: TableIdentifier) async -> EngineAftermath? {
        for engine in engines {
            if let aftermath = await engine.settleAbandoned(table, state: state) {
                return aftermath
            }
        }
        return nil
    }

    /// What an engine is to take over from an earlier attempt.
    ///
    /// A state of another engine, which is not chosen any more, is settled first: nothing may be
    /// started while it may still run.
    func settlingOthers(
        _ inherited: JSONValue?, than chosen: any MaintenanceEngine, on table: TableIdentifier,
        in context: ActionContext
    ) async throws(MaintenanceError) -> JSONValue? {
        guard let inherited else { return nil }
        let owner = inherited.objectValue?["engine"]?.stringValue
        guard owner != chosen.name else { return inherited }
        let aftermath = await settle(inherited, on: table)
        guard let aftermath, aftermath.state == .stopped else {
            if let aftermath { context.noteAftermath(aftermath.json) }
            if Task.isCancelled { throw .cancelled }
            let reason =
                aftermath.map { $0.note ?? "it did not say that it stopped" }
                ?? "no engine of that name is configured here; configure it again, so that it can "
                + "be asked to stop"
            throw .unavailable(
                reason: "An earlier attempt may still be running on the \(owner ?? "unknown") "
                    + "engine: \(reason)")
        }
        do throws(ActionFailure) { try await context.setEngineState(nil) } catch {
            throw MaintenanceError(error)
        }
        return nil
    }
}
