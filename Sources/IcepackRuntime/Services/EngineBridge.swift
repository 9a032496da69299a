// SPDX-License-Identifier: Apache-2.0

import Fleet
public import IcebergCatalog
public import Jobs
public import Maintenance
import NativeEngine
import WireFormat

/// Joins the job system, which knows actions as names, to the engines that run them.
public struct EngineBridge: Sendable {
    /// Plans rewrites of files whichever engine runs them; nil for what the engine plans itself.
    public typealias FilePlan =
        @Sendable (ActionRequest) async throws(MaintenanceError) -> ActionPlan?

    /// What a table's own properties say of its engine; nil if nothing.
    ///
    /// Throws if they cannot be read: another engine than the one that the table asks for may be
    /// the wrong one.
    public typealias TablePreference =
        @Sendable (TableIdentifier) async throws(MaintenanceError) -> EnginePreference?

    /// Chooses among the engines.
    public let router: EngineRouter
    let engines: [any MaintenanceEngine]
    /// What looks after files that were moved away; nil where nothing does.
    let keeper: (any QuarantineKeeper)?
    private let lease: Duration
    private let filePlan: FilePlan
    private let tablePreference: TablePreference
    /// Closes the engines' connections; nothing may be asked of the bridge afterwards.
    public let shutdown: @Sendable () async -> Void

    /// Takes the configured engines, in the order of preference, the length of a lease, and what
    /// a table's own properties say of its engine.
    public init(
        engines: [any MaintenanceEngine], preference: EnginePreference, lease: Duration,
        keeper: (any QuarantineKeeper)? = nil,
        filePlan: @escaping FilePlan = { _ in nil },
        tablePreference: @escaping TablePreference = { _ in nil },
        shutdown: @escaping @Sendable () async -> Void = {}
    ) {
        self.engines = engines
        self.keeper = keeper
        self.lease = lease
        self.filePlan = filePlan
        self.tablePreference = tablePreference
        self.shutdown = shutdown
        router = EngineRouter(
            engines: engines.map {
                EngineCapability(name: $0.name, actions: $0.actions, limits: $0.limits)
            },
            preference: preference)
    }

    /// The same engines with another preference, which comes before what tables say.
    public func preferring(_ preference: EnginePreference) -> EngineBridge {
        EngineBridge(
            engines: engines, preference: preference, lease: lease, keeper: keeper,
            filePlan: filePlan,
            tablePreference: { _ in preference }, shutdown: shutdown)
    }

    /// What workers run actions with.
    public var actionEngine: ActionEngine {
        { invocation, context async throws(ActionFailure) in
            try await run(invocation, in: context)
        }
    }

    /// What one action would do now, for dry runs and plan requests.
    public func plan(
        _ table: TableName, _ action: MaintenanceAction, _ options: ActionOptions
    ) async throws(MaintenanceError) -> ActionPlan {
        let identifier = TableIdentifier(table)
        let routed = RoutedAction(action, options: options, isDryRun: true)
        let request = ActionRequest(
            table: identifier, action: action, options: options, now: .now)
        let engine = try await engine(for: routed, on: identifier).engine
        let plan = try await engine.plan(request)
        // The native engine plans with the planner of the run itself, and knows what it leaves.
        if engine.name == NativeEngineCapability.capability.name { return plan }
        return try await filePlan(request)?.joined(to: plan) ?? plan
    }

    private func run(
        _ invocation: ActionInvocation, in context: ActionContext
    ) async throws(ActionFailure) -> ActionResult {
        if let request = QuarantineRequest(
            action: invocation.action, options: invocation.options)
        {
            return try await runQuarantine(
                request, invocation,
                in: runContext(context, named: invocation.action, inheriting: nil))
        }
        let action = try Self.action(named: invocation.action)
        let table = TableIdentifier(invocation.job.table)
        try await noteEngine(of: invocation.job, on: table, in: context)
        let began = ContinuousClock.now
        do throws(MaintenanceError) {
            let options = try Self.validated(invocation.options, for: action)
            let (engine, reason) = try await engine(
                for: RoutedAction(action, options: options), on: table)
            context.noteEngine(engine.name, reason: reason)
            let inherited = try await settlingOthers(
                Self.inheritance(of: invocation), than: engine, on: table, in: context)
            let report = try await engine.run(
                ActionRequest(table: table, action: action, options: options, now: .now),
                in: runContext(context, named: action.rawValue, inheriting: inherited))
            return ActionResult(
                action: action.rawValue, isSuccess: true, message: report.message,
                impact: report.impact, elapsedSeconds: began.duration(to: .now) / .seconds(1),
                metrics: report.metrics, engine: engine.name, engineReason: reason)
        } catch {
            throw Self.failure(error)
        }
    }

    /// What an earlier attempt left, for the first action of this one: whatever comes later
    /// begins after that was dealt with.
    private static func inheritance(of invocation: ActionInvocation) -> JSONValue? {
        let done = Set(invocation.job.results.filter(\.isSuccess).map(\.action))
        let first = invocation.job.actions.first { !done.contains($0) }
        return first == invocation.action ? invocation.job.engineState : nil
    }

    /// Writes which engine runs the job, and why, before its first action.
    private func noteEngine(
        of job: Job, on table: TableIdentifier, in context: ActionContext
    ) async throws(ActionFailure) {
        guard job.engine == nil else { return }
        var actions: [RoutedAction] = []
        for name in job.actions {
            let action = try Self.action(named: name)
            let given = job.options.objectValue?[name] ?? .null
            do throws(MaintenanceError) {
                actions.append(
                    RoutedAction(action, options: try Self.validated(given, for: action)))
            } catch {
                throw Self.failure(error)
            }
        }
        let preference: EnginePreference?
        do throws(MaintenanceError) { preference = try await tablePreference(table) } catch {
            throw Self.failure(error)
        }
        let choice: EngineChoice?
        do throws(NoEngineForAction) {
            choice = try router.choose(actions, preferring: preference)
        } catch {
            throw .failed(message: error.reason)
        }
        guard let choice else { return }
        try await context.setEngine(choice.engine, reason: choice.reason)
    }

    func engine(
        for action: RoutedAction, on table: TableIdentifier
    ) async throws(MaintenanceError) -> (engine: any MaintenanceEngine, reason: String) {
        let preference = try await tablePreference(table)
        let choice: EngineChoice
        do throws(NoEngineForAction) {
            choice = try router.choose(action, preferring: preference)
        } catch {
            throw .refused(code: NoEngineForAction.code, reason: error.reason)
        }
        guard let engine = engines.first(where: { $0.name == choice.engine }) else {
            throw .refused(
                code: NoEngineForAction.code, reason: "no engine is called \(choice.engine)")
        }
        return (engine, choice.reason)
    }

    private static func validated(
        _ options: JSONValue, for action: MaintenanceAction
    ) throws(MaintenanceError) -> ActionOptions {
        do throws(OptionError) {
            return try ActionOptions.validating(options, for: action)
        } catch {
            throw .refused(code: "invalid_option", reason: "\(error)")
        }
    }

    private static func action(named name: String) throws(ActionFailure) -> MaintenanceAction {
        guard let action = MaintenanceAction(rawValue: name) else {
            throw .failed(message: "This version of Icepack has no action \(name)")
        }
        return action
    }

    private func runContext(
        _ context: ActionContext, named action: String, inheriting state: JSONValue?
    ) -> RunContext {
        RunContext(
            confirmLease: { [lease] needed throws(MaintenanceError) in
                do throws(ActionFailure) {
                    // Half a lease is always enough: whoever configures leases shorter than a
                    // commit may take has chosen quick recovery, and a guard that never opens
                    // protects nothing.
                    try await context.confirmLease(atLeast: min(needed, lease / 2))
                } catch {
                    throw MaintenanceError(error)
                }
            },
            report: { progress in
                context.report(
                    JobProgress(
                        action: action, phase: progress.phase, done: progress.done,
                        total: progress.total, unit: progress.unit))
            },
            journal: JournalBridge(context: context),
            attempt: AttemptLabel(
                jobID: context.claim.jobID.rawValue, attemptID: context.claim.attemptID.rawValue),
            tracking: EngineTracking(
                inherited: state,
                keep: { state throws(MaintenanceError) in
                    do throws(ActionFailure) { try await context.setEngineState(state) } catch {
                        throw MaintenanceError(error)
                    }
                },
                note: { context.noteAftermath($0.json) }),
            commitGuard: CommitGuard { context.holdsLease })
    }

    static func failure(_ error: MaintenanceError) -> ActionFailure {
        switch error {
        case .fenceLost: .fenceLost
        case .cancelled: .cancelled
        case .unavailable, .conflict: .retryable(message: "\(error)")
        case .commitUnknown: .commitUnknown(message: "\(error)")
        case .stillRunning: .stillRunning(message: "\(error)")
        case .refused, .unreadable: .failed(message: "\(error)")
        }
    }
}

extension ActionPlan {
    /// This plan with what only the engine knows: its statement and its warnings.
    fileprivate func joined(to own: ActionPlan) -> ActionPlan {
        var summary = summary
        if let statement = own.summary["statement"] { summary["statement"] = statement }
        var warnings = summary["warnings"]?.arrayValue ?? []
        for warning in own.summary["warnings"]?.arrayValue ?? []
        where !warnings.contains(warning) {
            warnings.append(warning)
        }
        summary["warnings"] = .array(warnings)
        return ActionPlan(snapshotID: snapshotID, hasWork: hasWork, summary: summary)
    }
}

extension MaintenanceError {
    /// What a failed call to the job system means to an engine.
    init(_ failure: ActionFailure) {
        switch failure {
        case .fenceLost: self = .fenceLost
        case .cancelled: self = .cancelled
        case .retryable(let message): self = .unavailable(reason: message)
        case .commitUnknown(let message): self = .commitUnknown(reason: message)
        case .failed(let message): self = .unreadable(reason: message)
        case .stillRunning(let message): self = .stillRunning(reason: message)
        }
    }
}
