// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Jobs
import Logging
import Maintenance
import WireFormat

/// How the planning of one action ended.
enum PlanOutcome: Sendable {
    case planned(ActionPlan)
    case failed(MaintenanceError)
    case outOfTime
}

extension APIHandlers {
    /// `POST /tables/{database}/{table}/maintenance/plan`: what the actions would do now.
    func plan(_ request: APIRequest) async throws(APIFailure) -> Response {
        let table = try request.table()
        let order = try await maintenanceRequest(request)
        try await requireCached(table, request)
        guard let slot = plans.take() else {
            throw .problem(
                Problem(
                    .busy, "\(limits.maximumPlans) plans are being computed; try again shortly."))
        }
        let outcomes = await planAll(order, on: table, within: limits.planLimit, holding: slot)
        var plans: [JSONValue] = []
        for action in order.actions {
            plans.append(try planJSON(action, outcomes[action] ?? .outOfTime, request.logger))
        }
        return Response(
            .object(
                JSONObject([
                    .init(key: "database", value: .string(table.database)),
                    .init(key: "table_name", value: .string(table.table)),
                    .init(key: "plans", value: .array(plans)),
                ])))
    }

    /// One result for each action of a dry run, with its plan when that came in time.
    func dryRunResults(
        of order: MaintenanceRequest, on table: TableName, logger: Logger
    ) async -> [ActionResult] {
        var outcomes: [MaintenanceAction: PlanOutcome] = [:]
        // A dry run succeeds without its plans, so it never waits for a slot.
        if let slot = plans.take() {
            outcomes = await planAll(
                order, on: table, within: limits.dryRunPlanLimit, holding: slot)
        }
        return order.actions.map { action in
            var plan: JSONValue?
            switch outcomes[action] {
            case .planned(let planned): plan = planned.json
            case .failed(let error):
                logger.info(
                    "dry run without a plan",
                    metadata: ["action": "\(action.rawValue)", "reason": "\(error)"])
            case .outOfTime, nil: break
            }
            let choice = engineChoice(for: order.routed(action))
            return ActionResult(
                action: action.rawValue, isSuccess: true, message: "dry run", elapsedSeconds: 0,
                engine: choice?.engine, engineReason: choice?.reason, plan: plan)
        }
    }

    private func engineChoice(for action: RoutedAction) -> EngineChoice? {
        do throws(NoEngineForAction) {
            return try configuration.router.choose(action)
        } catch {
            // Asked after every action was found to have one.
            return nil
        }
    }

    /// Plans every action at the same time and takes what is there when the time is up.
    private func planAll(
        _ order: MaintenanceRequest, on table: TableName, within limit: Duration,
        holding slot: SlotLimiter.Slot
    ) async -> [MaintenanceAction: PlanOutcome] {
        let (finished, finish) = AsyncStream<(MaintenanceAction, PlanOutcome)?>.makeStream()
        let planner = configuration.planner
        // Not child tasks: the reply must not wait for a planner that is slow to notice its
        // cancellation, stuck in a read of a distant store for one. Each holds the slot until it
        // has really ended, so that they cannot pile up.
        let tasks = order.actions.map { action in
            // Nobody waits for it; see above.
            Task { [options = order.options[action] ?? .none] in
                do throws(MaintenanceError) {
                    let plan = try await planner(table, action, options)
                    finish.yield((action, .planned(plan)))
                } catch {
                    finish.yield((action, .failed(error)))
                }
                withExtendedLifetime(slot) {}
            }
        }
        // Cancelled, and ends at once, when this returns.
        let timer = Task {
            // Cancelled when every plan came in time.
            do { try await Task.sleep(for: limit) } catch { return }
            finish.yield(nil)
        }
        defer {
            timer.cancel()
            for task in tasks { task.cancel() }
        }
        var outcomes: [MaintenanceAction: PlanOutcome] = [:]
        for await next in finished {
            guard let (action, outcome) = next else { break }
            outcomes[action] = outcome
            if outcomes.count == order.actions.count { break }
        }
        return outcomes
    }

    private func planJSON(
        _ action: MaintenanceAction, _ outcome: PlanOutcome, _ logger: Logger
    ) throws(APIFailure) -> JSONValue {
        switch outcome {
        case .planned(let plan): return Self.planJSON(action, plan: plan.json, error: nil)
        case .failed(let error): return try Self.refusal(action, error, logger)
        case .outOfTime:
            throw .problem(
                Problem(
                    .planTimeout,
                    "Planning \(action.rawValue) took longer than \(limits.planLimit)."
                ).with("action", .string(action.rawValue)))
        }
    }

    /// A refusal is an answer about this action; any other failure is about the table.
    private static func refusal(
        _ action: MaintenanceAction, _ error: MaintenanceError, _ logger: Logger
    ) throws(APIFailure) -> JSONValue {
        let code: ProblemCode
        switch error {
        case .refused(_, let reason): return planJSON(action, plan: .null, error: reason)
        case .unavailable: code = .tableUnavailable
        case .unreadable: code = .tableUnreadable
        case .conflict, .commitUnknown, .stillRunning, .fenceLost, .cancelled: code = .internalError
        }
        logger.warning(
            "plan failed", metadata: ["action": "\(action.rawValue)", "reason": "\(error)"])
        let detail =
            code == .tableUnreadable
            ? "The table's metadata cannot be understood, so \(action.rawValue) cannot be planned."
            : "The catalog or the storage failed while \(action.rawValue) was planned; try again."
        throw .problem(
            code == .internalError
                ? .internalError
                : Problem(code, detail).with("action", .string(action.rawValue)))
    }

    private static func planJSON(
        _ action: MaintenanceAction, plan: JSONValue, error: String?
    ) -> JSONValue {
        .object(
            JSONObject([
                .init(key: "action", value: .string(action.rawValue)),
                .init(key: "plan", value: plan),
                .init(key: "error", value: .optional(error)),
            ]))
    }
}
