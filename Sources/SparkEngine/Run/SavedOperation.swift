// SPDX-License-Identifier: Apache-2.0

package import IcebergCatalog
package import Maintenance
package import WireFormat

/// What the next attempt needs to find a statement again: the engine's `jobs.engine_state`.
///
/// Kept before the session is used and again once the operation is known, so that whatever was
/// started can be found whichever line the process died at. The handles are as good as a
/// password for the session.
package struct SavedOperation: Hashable, Sendable {
    /// The table.
    package var table: TableIdentifier
    /// What was called.
    package var action: MaintenanceAction
    /// Who called.
    package var attempt: AttemptLabel
    /// The session's handle.
    package var session: String
    /// The operation's handle; nil if the reply to the call was never noted.
    package var operation: String?
    /// The application's id, where it was found out.
    package var application: String?
    /// Whether the call may have been made; it is kept as true before that.
    package var isCalled: Bool
    /// Whether Spark's interface showed the application.
    package var isShown: Bool
    /// The table before.
    package var base: TableBase
    /// The time before which the call was made, by the worker's clock.
    package var startedAt: Timestamp

    /// The engine's name in the state, so that no other engine takes it for its own.
    private static let engine = "spark"

    /// Takes every field.
    package init(
        table: TableIdentifier, action: MaintenanceAction, attempt: AttemptLabel, session: String,
        operation: String? = nil, application: String? = nil, isCalled: Bool = true,
        isShown: Bool = false, base: TableBase, startedAt: Timestamp
    ) {
        self.table = table
        self.action = action
        self.attempt = attempt
        self.session = session
        self.operation = operation
        self.application = application
        self.isCalled = isCalled
        self.isShown = isShown
        self.base = base
        self.startedAt = startedAt
    }

    /// The state's JSON.
    package var json: JSONValue {
        var object = JSONObject()
        object["engine"] = .string(Self.engine)
        object["namespace"] = .array(table.namespace.map { .string($0) })
        object["table"] = .string(table.name)
        object["action"] = .string(action.rawValue)
        object["job_id"] = .string(attempt.jobID)
        object["attempt_id"] = .string(attempt.attemptID)
        object["session"] = .string(session)
        object["operation"] = operation.map { .string($0) }
        object["application"] = application.map { .string($0) }
        object["called"] = .bool(isCalled)
        object["shown"] = .bool(isShown)
        object["base"] = base.json
        object["started_at"] = .string(startedAt.description)
        return .object(object)
    }

    /// Reads a state; nil for what no version of this engine wrote.
    package init?(_ value: JSONValue) {
        guard let object = value.objectValue, Self.isOurs(value),
            let namespace = object["namespace"]?.arrayValue?.compactMap(\.stringValue),
            let table = object["table"]?.stringValue,
            let action = object["action"]?.stringValue.flatMap(MaintenanceAction.init),
            let jobID = object["job_id"]?.stringValue,
            let attemptID = object["attempt_id"]?.stringValue,
            let session = object["session"]?.stringValue,
            let base = object["base"].flatMap(TableBase.init),
            let startedAt = object["started_at"]?.stringValue.flatMap(Timestamp.init(iso8601:))
        else { return nil }
        self.init(
            table: TableIdentifier(namespace: namespace, name: table), action: action,
            attempt: AttemptLabel(jobID: jobID, attemptID: attemptID), session: session,
            operation: object["operation"]?.stringValue,
            application: object["application"]?.stringValue,
            // Earlier versions did not say.
            isCalled: object["called"]?.boolValue ?? true,
            isShown: object["shown"]?.boolValue ?? false, base: base, startedAt: startedAt)
    }

    /// Whether a state was written by some version of this engine.
    package static func isOurs(_ value: JSONValue) -> Bool {
        value.objectValue?["engine"]?.stringValue == engine
    }

    /// The comment in front of the statement.
    package var mark: StatementMark {
        StatementMark(
            jobID: attempt.jobID, attemptID: attempt.attemptID, table: table.description,
            action: action.rawValue)
    }
}
