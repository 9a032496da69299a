// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import WireFormat

/// What a configured engine can do, without the engine itself: the API routes with this alone.
public struct EngineCapability: Hashable, Sendable {
    /// `native` or `spark`.
    public let name: String
    /// The actions it can run.
    public let actions: Set<MaintenanceAction>
    /// What it does not take of those actions.
    public let limits: EngineLimits

    /// Pairs a name with actions.
    public init(
        name: String, actions: Set<MaintenanceAction>, limits: EngineLimits = EngineLimits()
    ) {
        self.name = name
        self.actions = actions
        self.limits = limits
    }

    /// What an engine says of itself.
    public init(of engine: some MaintenanceEngine) {
        self.init(name: engine.name, actions: engine.actions, limits: engine.limits)
    }

    /// Why the engine does not run this request; nil if it does.
    package func problem(with request: RoutedAction) -> String? {
        guard actions.contains(request.action) else {
            return "the \(name) engine does not run \(request.action.rawValue)"
        }
        return limits.problem(with: request)
    }
}

/// What an engine does not take of the actions it runs, known before it is asked.
public struct EngineLimits: Hashable, Sendable {
    /// Why an option is refused, by action and option name.
    public var refusedOptions: [MaintenanceAction: [String: String]]
    /// Options that are taken as far as they are conditions that are understood, by action.
    public var conditions: [MaintenanceAction: Set<String>]
    /// Why an action runs only as a dry run: one of the job, or by its option `dry_run`.
    public var dryRunOnly: [MaintenanceAction: String]

    /// Takes every field; nothing is limited by default.
    public init(
        refusedOptions: [MaintenanceAction: [String: String]] = [:],
        dryRunOnly: [MaintenanceAction: String] = [:],
        conditions: [MaintenanceAction: Set<String>] = [:]
    ) {
        self.refusedOptions = refusedOptions
        self.conditions = conditions
        self.dryRunOnly = dryRunOnly
    }

    /// Why these limits refuse a request; nil if they do not.
    func problem(with request: RoutedAction) -> String? {
        for member in request.options.values.members {
            if let reason = refusedOptions[request.action]?[member.key] { return reason }
            if conditions[request.action]?.contains(member.key) ?? false,
                let problem = Self.problem(withCondition: member.value)
            {
                return "\(member.key) \(problem); or run it with the Spark engine"
            }
        }
        guard let reason = dryRunOnly[request.action] else { return nil }
        let isDryRun = request.isDryRun || request.options.values["dry_run"] == true
        return isDryRun ? nil : reason
    }

    /// Why a condition is not understood; nil if it is.
    private static func problem(withCondition value: JSONValue) -> String? {
        do throws(ConditionError) {
            _ = try Condition(parsing: value.stringValue ?? "")
            return nil
        } catch {
            return error.description
        }
    }
}

/// One action as the router sees it.
public struct RoutedAction: Hashable, Sendable {
    /// What to do.
    public let action: MaintenanceAction
    /// How; validated.
    public let options: ActionOptions
    /// Whether the whole job is a dry run.
    public let isDryRun: Bool

    /// Takes every field; without options a real run.
    public init(
        _ action: MaintenanceAction, options: ActionOptions = .none, isDryRun: Bool = false
    ) {
        self.action = action
        self.options = options
        self.isDryRun = isDryRun
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
        _ request: RoutedAction, preferring override: EnginePreference? = nil
    ) throws(NoEngineForAction) -> EngineChoice {
        let preference = override ?? preference
        let action = request.action.rawValue
        let able = engines.filter { $0.problem(with: request) == nil }
        switch preference {
        case .auto:
            guard let first = able.first else { throw none(request) }
            let reason =
                able.count == 1 && engines.count > 1
                ? "only the \(first.name) engine runs \(action)"
                : "\(first.name) is the engine that is configured"
            return EngineChoice(
                engine: first.name,
                reason: able.count > 1 ? "\(first.name) runs \(action) and comes first" : reason)
        case .native, .spark:
            guard let wanted = able.first(where: { $0.name == preference.rawValue }) else {
                throw none(request, wanting: preference)
            }
            return EngineChoice(engine: wanted.name, reason: "\(wanted.name) was asked for")
        }
    }

    /// The engine for one action without options.
    public func choose(
        _ action: MaintenanceAction, preferring override: EnginePreference? = nil
    ) throws(NoEngineForAction) -> EngineChoice {
        try choose(RoutedAction(action), preferring: override)
    }

    /// What a whole job says of its engines: `native`, `spark` or `mixed`, and why.
    ///
    /// - Throws: ``NoEngineForAction`` for the first action that cannot run.
    public func choose(
        _ requests: [RoutedAction], preferring override: EnginePreference? = nil
    ) throws(NoEngineForAction) -> EngineChoice? {
        var choices: [(MaintenanceAction, EngineChoice)] = []
        for request in requests {
            choices.append((request.action, try choose(request, preferring: override)))
        }
        guard let first = choices.first?.1 else { return nil }
        if choices.allSatisfy({ $0.1.engine == first.engine }) {
            return choices.count == 1 || choices.allSatisfy { $0.1.reason == first.reason }
                ? first
                : EngineChoice(
                    engine: first.engine,
                    reason: choices.map(\.1.reason).joined(separator: "; "))
        }
        let parts = choices.map { "\($0.0.rawValue) on \($0.1.engine): \($0.1.reason)" }
        return EngineChoice(engine: "mixed", reason: parts.joined(separator: "; "))
    }

    private func none(
        _ request: RoutedAction, wanting preference: EnginePreference = .auto
    ) -> NoEngineForAction {
        let name = request.action.rawValue
        let others = engines.filter { $0.problem(with: request) == nil }.map(\.name)
        // An engine that runs the action, but not so: its own reason says what to change.
        let limit = engines.lazy
            .filter { preference == .auto || $0.name == preference.rawValue }
            .filter { $0.actions.contains(request.action) }
            .compactMap { $0.limits.problem(with: request) }.first
        let reason: String
        if let limit {
            reason = limit
        } else if preference != .auto, !others.isEmpty {
            reason =
                "the \(preference.rawValue) engine does not run \(name) here; set the table "
                + "property \(PolicyReader.prefix)engine, or ICEPACK_ENGINE where that is not set, "
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
        return NoEngineForAction(action: request.action, reason: reason)
    }
}
