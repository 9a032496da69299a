// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import Logging
import Maintenance
import ObjectStorage
import WireFormat

extension SparkEngine {
    /// The lease that must be left before a call: stopping it must fit in.
    static var callReserve: Duration { .seconds(90) }

    /// How a statement ended.
    enum Outcome: Sendable {
        /// It succeeded; the result is nil if it was lost on the way.
        case finished(SparkRows?)
        /// It failed by itself.
        case failed(SparkFailure)
        /// It did not end by itself as far as is known.
        case ended(OperationRunStateMachine.Ending)
        /// The task was cancelled while it ran.
        case cancelled
    }

    /// Calls the procedure and reports.
    func start(
        _ request: ActionRequest, in context: RunContext
    ) async throws(MaintenanceError) -> ActionReport {
        let table = try await load(request.table)
        if request.action == .expireSnapshots { _ = try checkExpiry(request, on: table) }
        let (result, saved) = try await execute(request, on: table, in: context)
        return try await finish(result, of: saved, for: request, in: context)
    }

    /// What is left to do when a statement has succeeded: with the orphans that it lists.
    func finish(
        _ result: SparkRows?, of saved: SavedOperation, for request: ActionRequest,
        in context: RunContext
    ) async throws(MaintenanceError) -> ActionReport {
        guard request.action == .removeOrphanFiles, let orphanGuard, let result else {
            return await report(result, of: saved)
        }
        return try await orphanGuard.run(request, among: orphans(in: result), in: context)
    }

    /// The files that the procedure lists.
    func orphans(in result: SparkRows) -> [Location] {
        result.rows.compactMap { $0.first?.textValue.map(settings.locations.reading) }
    }

    /// Calls the procedure and waits for its end.
    func execute(
        _ request: ActionRequest, on table: LoadedTable, in context: RunContext
    ) async throws(MaintenanceError) -> (SparkRows, SavedOperation) {
        let (statement, warnings) = try call(request, on: table, for: context.attempt)
        let configuration = SessionConfiguration(
            settings, attempt: context.attempt, properties: table.metadata.properties)
        for warning in warnings + configuration.warnings {
            logger.warning("spark.policy_ignored", metadata: ["reason": "\(warning)"])
        }
        if Task.isCancelled { throw .cancelled }
        var saved = SavedOperation(
            table: request.table, action: request.action, attempt: context.attempt,
            session: try await openSession(configuration.settings), isCalled: false,
            base: TableBase(table), startedAt: request.now)
        try await prepare(&saved, in: context)
        let operation = try await send(statement, of: saved, in: context)
        saved.operation = operation
        do throws(MaintenanceError) {
            try await context.tracking.keep(saved.json)
            // What did not answer before the call may by now. The operation is kept first: with it
            // another attempt can take the statement over.
            if !saved.isShown, await isShown(saved.application) {
                saved.isShown = true
                try await context.tracking.keep(saved.json)
            }
        } catch {
            throw await stopping(saved, because: error, in: context)
        }
        let outcome = await follow(saved, operation, in: context)
        let rows = try await conclude(outcome, of: saved, in: context)
        guard let rows else {
            guard request.action == .removeOrphanFiles else {
                return (SparkRows(columns: [], rows: []), saved)
            }
            throw .unavailable(reason: "Spark's list of orphan files was lost")
        }
        return (rows, saved)
    }

    private func openSession(
        _ settings: [String: String]
    ) async throws(MaintenanceError) -> String {
        do throws(SparkServerError) {
            return try await server.openSession(settings)
        } catch {
            if Task.isCancelled { throw .cancelled }
            throw Self.beforeCall(error)
        }
    }

    /// Keeps the session, finds out the application and confirms the lease: the last steps before
    /// anything can happen to the table.
    private func prepare(
        _ saved: inout SavedOperation, in context: RunContext
    ) async throws(MaintenanceError) {
        do throws(MaintenanceError) {
            try await context.tracking.keep(saved.json)
            saved.application = try await applicationID(in: saved.session)
            saved.isShown = await isShown(saved.application)
            if Task.isCancelled { throw MaintenanceError.cancelled }
            saved.isCalled = true
            try await context.tracking.keep(saved.json)
            try await context.confirmLease(Self.callReserve)
        } catch {
            await release(saved)
            await forget(in: context)
            if error == .cancelled || error == .fenceLost {
                context.tracking.note(
                    EngineAftermath(state: .stopped, note: "Spark had not been called yet"))
            }
            throw error
        }
    }

    /// Whether Spark's interface shows the application: only then does it say something by not
    /// showing it any more.
    private func isShown(_ application: String?) async -> Bool {
        guard let application, applications?.canWatch == true else { return false }
        switch await activity() {
        case .success(let activity):
            return activity.applications.contains(application)
        case .failure(let error):
            logger.info("spark.interface_hidden", metadata: ["reason": "\(error.reason)"])
            return false
        }
    }

    /// Sends the call.
    ///
    /// From here on the statement may run, whatever comes back.
    private func send(
        _ statement: String, of saved: SavedOperation, in context: RunContext
    ) async throws(MaintenanceError) -> String {
        do throws(SparkServerError) {
            return try await server.execute(
                statement, in: saved.session, limit: settings.operationLimit)
        } catch {
            switch error {
            case .retry, .rejected:
                await release(saved)
                await forget(in: context)
                throw Task.isCancelled ? .cancelled : Self.beforeCall(error)
            case .reattach(let reason), .handleLost(let reason), .malformed(let reason),
                .tooLarge(let reason):
                let cause =
                    Task.isCancelled
                    ? MaintenanceError.cancelled
                    : .unavailable(reason: "the call was lost on the way to Spark: \(reason)")
                throw await stopping(saved, because: cause, in: context)
            case .statement(let sqlState, let message):
                // Kyuubi says so too when it lost Spark after handing the call on.
                let cause =
                    Task.isCancelled
                    ? MaintenanceError.cancelled
                    : SparkFailure(sqlState: sqlState, message: message).error
                throw await stopping(saved, because: cause, in: context)
            }
        }
    }

    /// What an error means while nothing has happened yet.
    private static func beforeCall(_ error: SparkServerError) -> MaintenanceError {
        switch error {
        case .retry(let reason), .reattach(let reason), .handleLost(let reason),
            .tooLarge(let reason):
            .unavailable(reason: "Spark's server: \(reason)")
        case .malformed(let reason):
            .unavailable(
                reason: "Spark's server: \(reason); is it what ICEPACK_SPARK_TRANSPORT and "
                    + "ICEPACK_SPARK_AUTH say?")
        case .rejected(let reason):
            .refused(code: "spark_denied", reason: "Spark's server refused: \(reason)")
        case .statement(let sqlState, let message):
            SparkFailure(sqlState: sqlState, message: message).error
        }
    }

    /// The application that runs the session's statements; nil if it does not say.
    ///
    /// It waits for the application to start, so that the call itself need not.
    private func applicationID(in session: String) async throws(MaintenanceError) -> String? {
        let operation: String
        do throws(SparkServerError) {
            operation = try await server.execute(
                "SET spark.app.id", in: session, limit: settings.pace.launchLimit)
        } catch {
            if Task.isCancelled { throw .cancelled }
            throw Self.beforeCall(error)
        }
        var machine = OperationRunStateMachine(
            limit: settings.pace.launchLimit, pace: settings.pace)
        switch await poll(operation, &machine, watching: { _ in }) {
        case .cancelled:
            throw .cancelled
        case .finished(let rows):
            await quietly("close_operation") { () throws(SparkServerError) in
                try await server.close(operation: operation)
            }
            return rows?.value("value")?.textValue
        case .failed(let failure):
            // Nothing was called yet; a call that fails could not be told from one that runs.
            throw failure.error
        case .ended(let ending):
            throw .unavailable(reason: "Spark did not start: \(Self.sentence(ending))")
        }
    }
}

// MARK: Following a statement

extension SparkEngine {
    /// Waits for a statement's end and reports progress meanwhile.
    func follow(
        _ saved: SavedOperation, _ operation: String, in context: RunContext
    ) async -> Outcome {
        var machine = OperationRunStateMachine(
            limit: settings.operationLimit, pace: settings.pace)
        var watched = clock.now
        var hasWorked = false
        let outcome = await poll(operation, &machine, of: saved.action) { status in
            if let fraction = status?.progress?.fraction, fraction.isFinite {
                let percent = Int64((min(max(fraction, 0), 1) * 100).rounded(.down))
                context.report(
                    ActionProgress(
                        phase: "running in Spark", done: percent, total: 100, unit: "percent"))
            } else if watched <= clock.now {
                watched = clock.now.advanced(by: settings.pace.progressPause)
                let works = await reportJobs(of: saved, to: context.report)
                hasWorked = hasWorked || works
            }
        }
        if case .finished(let rows?) = outcome,
            let failure = SparkReport(action: saved.action, result: rows, removedSnapshots: nil)
                .failure(hasWorked: hasWorked)
        {
            return .failed(failure)
        }
        return outcome
    }

    private func poll(
        _ operation: String, _ machine: inout OperationRunStateMachine,
        of action: MaintenanceAction? = nil,
        watching: (SparkOperationStatus?) async -> Void
    ) async -> Outcome {
        let began = clock.now
        while true {
            if Task.isCancelled { return .cancelled }
            let reply: Result<SparkOperationStatus, SparkServerError>
            do throws(SparkServerError) {
                reply = .success(try await server.status(of: operation))
            } catch {
                reply = .failure(error)
            }
            // A cancelled call fails; the failure says nothing of Spark then.
            if Task.isCancelled, case .failure = reply { return .cancelled }
            switch machine.next(after: reply, at: began.duration(to: clock.now)) {
            case .poll(let pause):
                await watching(try? reply.get())
                // Throws only when the task is cancelled, which the next round finds.
                try? await clock.sleep(until: clock.now.advanced(by: pause), tolerance: nil)
            case .collect:
                return await collect(operation, of: action)
            case .failed(let sqlState, let message):
                return .failed(SparkFailure(sqlState: sqlState, message: message))
            case .stop(let ending):
                return .ended(ending)
            }
        }
    }

    /// How often the result of a finished statement is asked for.
    private static var resultAttempts: Int { 3 }

    private func collect(_ operation: String, of action: MaintenanceAction?) async -> Outcome {
        for attempt in 1...Self.resultAttempts {
            do throws(SparkServerError) {
                return .finished(try await server.rows(of: operation, limit: Self.mostRows))
            } catch {
                logger.warning(
                    "spark.result_lost",
                    metadata: ["attempt": "\(attempt)", "error": "\(error)"])
                switch error {
                case .retry, .reattach:
                    // Cancelled or not, the statement is over.
                    try? await clock.sleep(
                        until: clock.now.advanced(by: settings.pace.firstPoll), tolerance: nil)
                // Of every other action the result only says what was done.
                case .tooLarge(let reason) where action == .removeOrphanFiles:
                    return .failed(SparkFailure(tooLarge: reason))
                case .tooLarge, .handleLost, .rejected, .statement, .malformed:
                    return .finished(nil)
                }
            }
        }
        return .finished(nil)
    }

    /// Progress as Spark's own interface shows it.
    ///
    /// - Returns: whether Spark was seen to carry out the action, and not only to plan it.
    private func reportJobs(
        of saved: SavedOperation, to report: @Sendable (ActionProgress) -> Void
    ) async -> Bool {
        guard let applications, applications.canWatch else { return false }
        do throws(SparkApplicationsError) {
            let own = own(in: try await applications.activity(), of: saved)
            guard !own.jobs.isEmpty else { return false }
            report(
                ActionProgress(
                    phase: "running in Spark",
                    done: own.jobs.reduce(0) { $0 &+ $1.tasksDone },
                    total: own.jobs.reduce(0) { $0 &+ $1.tasks }, unit: "tasks"))
            return own.isAtWork
        } catch {
            logger.debug("spark.progress_unknown", metadata: ["error": "\(error.reason)"])
            return false
        }
    }

    func own(in activity: SparkActivity, of saved: SavedOperation) -> OwnActivity {
        OwnActivity(
            in: activity, of: saved.mark, action: saved.action, catalog: settings.catalog,
            table: saved.table)
    }

    static func sentence(_ ending: OperationRunStateMachine.Ending) -> String {
        switch ending {
        case .timeLimit: "it took longer than it may"
        case .interrupted: "somebody else cancelled it"
        case .lost(let reason), .unreachable(let reason), .refused(let reason): reason
        }
    }
}
