// SPDX-License-Identifier: Apache-2.0

/// What a configured engine can do, without the engine itself: the API routes with this alone.
public struct EngineCapability: Hashable, Sendable {
    /// `native` or `spark`.
    public let name: String
    /// The actions it can run.
    public let actions: Set<MaintenanceAction>

    /// Pairs a name with actions.
    public init(name: String, actions: Set<MaintenanceAction>) {
        self.name = name
        self.actions = actions
    }

    /// What an engine says of itself.
    public init(of engine: some MaintenanceEngine) {
        self.init(name: engine.name, actions: engine.actions)
    }
}

/// Which engine is wanted: `ICEPACK_ENGINE`, the table property `engine`, or `--engine`.
public enum EnginePreference: String, CaseIterable, Hashable, Sendable {
    /// The router chooses.
    case auto
    /// This process.
    case native
    /// Spark.
    case spark
}

/// The engine of one action, and why.
public struct EngineChoice: Hashable, Sendable {
    /// The engine's name.
    public let engine: String
    /// Why, for the job's `engine_reason`.
    public let reason: String

    /// Pairs a name with a reason.
    public init(engine: String, reason: String) {
        self.engine = engine
        self.reason = reason
    }
}

/// No configured engine can run an action: the API's 422 `no_engine_for_action`.
public struct NoEngineForAction: Error, Hashable, Sendable, CustomStringConvertible {
    /// The machine's name for this refusal.
    public static let code = "no_engine_for_action"
    /// The action.
    public let action: MaintenanceAction
    /// A sentence that says what would have to be configured.
    public let reason: String

    /// A sentence for a person.
    public var description: String { reason }
}

/// Sends each action to an engine that can run it.
public struct EngineRouter: Sendable {
    /// The configured engines, in the order of preference.
    public let engines: [EngineCapability]
    /// What the configuration wants.
    public let preference: EnginePreference

    /// Takes the engines in the order of preference.
    public init(engines: [EngineCapability], preference: EnginePreference = .auto) {
        self.engines = engines
        self.preference = preference
    }

    /// The actions that some configured engine runs, in no order.
    public var runnableActions: Set<MaintenanceAction> {
        engines.reduce(into: []) { $0.formUnion($1.actions) }
    }

    /// The engine for one action; `preferring` overrides the configuration.
    public func choose(
        _ action: MaintenanceAction, preferring override: EnginePreference? = nil
    ) throws(NoEngineForAction) -> EngineChoice {
        let preference = override ?? preference
        let able = engines.filter { $0.actions.contains(action) }
        switch preference {
        case .auto:
            guard let first = able.first else { throw none(action) }
            let reason =
                able.count == 1 && engines.count > 1
                ? "only the \(first.name) engine runs \(action.rawValue)"
                : "\(first.name) is the engine that is configured"
            return EngineChoice(engine: first.name, reason: reason)
        case .native, .spark:
            guard let wanted = able.first(where: { $0.name == preference.rawValue }) else {
                throw none(action, wanting: preference)
            }
            return EngineChoice(engine: wanted.name, reason: "\(wanted.name) was asked for")
        }
    }

    /// What a whole job says of its engines: `native`, `spark` or `mixed`, and why.
    ///
    /// - Throws: ``NoEngineForAction`` for the first action that cannot run.
    public func choose(
        _ actions: [MaintenanceAction], preferring override: EnginePreference? = nil
    ) throws(NoEngineForAction) -> EngineChoice? {
        var choices: [(MaintenanceAction, EngineChoice)] = []
        for action in actions {
            choices.append((action, try choose(action, preferring: override)))
        }
        guard let first = choices.first?.1 else { return nil }
        if choices.allSatisfy({ $0.1.engine == first.engine }) { return first }
        let parts = choices.map { "\($0.0.rawValue) on \($0.1.engine)" }
        return EngineChoice(engine: "mixed", reason: parts.joined(separator: ", "))
    }

    private func none(
        _ action: MaintenanceAction, wanting preference: EnginePreference = .auto
    ) -> NoEngineForAction {
        let name = action.rawValue
        let others = engines.filter { $0.actions.contains(action) }.map(\.name)
        let reason: String
        if preference != .auto, !others.isEmpty {
            reason =
                "the \(preference.rawValue) engine does not run \(name) here; set ICEPACK_ENGINE "
                + "to auto or \(others.joined(separator: " or "))"
        } else if engines.isEmpty {
            reason = "no engine is configured, so \(name) cannot run"
        } else {
            let runnable = MaintenanceAction.allCases.filter(runnableActions.contains)
            reason =
                "no configured engine runs \(name) in this version; the engines that are "
                + "configured (\(engines.map(\.name).joined(separator: ", "))) run "
                + runnable.map(\.rawValue).joined(separator: ", ")
        }
        return NoEngineForAction(action: action, reason: reason)
    }
}
