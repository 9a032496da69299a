// SPDX-License-Identifier: Apache-2.0

public import Jobs
public import WireFormat

/// Maintains the whole fleet once: asks what is recommended for every enrolled table, submits it,
/// and follows the jobs to their end.
///
/// It speaks only to the API, so it runs anywhere and decides nothing itself. A table that fails
/// costs the run that table. What it submitted goes on without it.
public struct Orchestrator<Service: MaintenanceService, Time: Clock>: Sendable
where Time.Duration == Duration {
    private let service: Service
    private let settings: OrchestratorSettings
    private let clock: Time
    private let now: @Sendable () -> Timestamp
    private let keepsTurn: Turn
    private let report: @Sendable (OrchestratorEvent) -> Void

    /// Says whether a run that must be the only one still is; asked before each submission.
    public typealias Turn = @Sendable () async throws(MaintenanceServiceError) -> Bool

    /// - Parameters:
    ///   - service: whom to ask.
    ///   - settings: the limits of a run.
    ///   - clock: what pauses and the time limit go by.
    ///   - now: what the record's times are.
    ///   - keepsTurn: whether the run may still submit; where runs need not be alone, always.
    ///   - report: called for whatever a person watching wants to see, from any task.
    public init(
        service: Service, settings: OrchestratorSettings, clock: Time,
        now: @escaping @Sendable () -> Timestamp,
        keepsTurn: @escaping Turn = { () throws(MaintenanceServiceError) in true },
        report: @escaping @Sendable (OrchestratorEvent) -> Void = { _ in }
    ) {
        self.service = service
        self.settings = settings
        self.clock = clock
        self.now = now
        self.keepsTurn = keepsTurn
        self.report = report
    }

    /// One run, which is recorded with the service.
    ///
    /// Cancelling the task ends it as partial; the record is made all the same.
    public func run() async -> OrchestratorRun {
        let start = now()
        var outcome = Outcome()
        await work(&outcome, until: clock.now.advanced(by: settings.limit))
        let run = outcome.run(from: start, to: max(start, now()), isDryRun: settings.isDryRun)
        // In a task of its own: the record matters most when this one was cancelled.
        let recording = Task { () async -> MaintenanceServiceError? in
            do throws(MaintenanceServiceError) {
                try await record(run)
                return nil
            } catch {
                return error
            }
        }
        if let error = await recording.value { report(.unrecorded(reason: error.description)) }
        return run
    }

    private func record(_ run: OrchestratorRun) async throws(MaintenanceServiceError) {
        try await persistently(
            OrchestratorSettings.maxUnansweredQuestions,
            until: clock.now.advanced(by: OrchestratorSettings.recordLimit)
        ) { (isRepeat) throws(MaintenanceServiceError) in
            try await service.record(run, isRepeat: isRepeat)
        }
    }

    private func work(_ outcome: inout Outcome, until deadline: Time.Instant) async {
        let listed: [ListedTable]
        do throws(MaintenanceServiceError) {
            listed = try await persistently(
                OrchestratorSettings.maxUnansweredQuestions, until: deadline
            ) { (_) throws(MaintenanceServiceError) in try await service.tables() }
        } catch {
            return outcome.stop(.failed, "the tables could not be listed: \(error)")
        }
        for table in listed {
            if let reason = table.leftOut { report(.leftOut(table.name, reason)) }
        }
        let tables = listed.filter { $0.leftOut == nil }.map(\.name)
        let assessed = await assess(tables, &outcome, until: deadline)
        if outcome.stopReason == nil, outcome.run.tablesAssessed == 0, !tables.isEmpty {
            return outcome.stop(.failed, "no table could be assessed: \(outcome.firstFailure)")
        }
        let due = assessed.filter { !$0.recommendation.actions.isEmpty }.enumerated()
            .sorted {
                ($1.element.recommendation.urgency, $0.offset)
                    < ($0.element.recommendation.urgency, $1.offset)
            }.map(\.element)
        guard !settings.isDryRun, outcome.stopReason == nil else { return }
        await submit(due, &outcome, until: deadline)
    }
}

/// The limits of a run.
public struct OrchestratorSettings: Hashable, Sendable {
    /// Recommendations that are asked for at once.
    public static let assessmentWidth = 16
    /// Jobs under way at once where nobody says anything.
    public static let defaultMaxInFlight = 20
    /// The longest run; jobs that are under way then go on by themselves.
    public static let defaultLimit = Duration.seconds(2 * 3600)
    /// How long to wait before asking after a job again where the service does not say.
    public static let defaultPoll = Duration.seconds(5)
    /// The longest wait that a service can ask for.
    public static let longestPoll = Duration.seconds(60)
    /// How often a job, or a question after it, may go unanswered in a row before it counts as
    /// failed.
    public static let maxUnansweredPolls = 20
    /// How often any other question is asked again before it counts as failed: a service that
    /// restarts is back by then, and a table that nobody can read must not hold up the others.
    public static let maxUnansweredQuestions = 6
    /// How long to wait before a question is asked again; doubles each time.
    public static let firstRetryPause = Duration.seconds(1)
    /// The longest such wait.
    public static let longestRetryPause = Duration.seconds(15)
    /// How long to try to have a run recorded.
    public static let recordLimit = Duration.seconds(60)

    /// Jobs under way at once: `ICEPACK_ORCHESTRATOR_MAX_IN_FLIGHT`.
    public var maxInFlight: Int
    /// The longest run.
    public var limit: Duration
    /// Whether to submit nothing.
    public var isDryRun: Bool
    /// Goes into the idempotency keys: a run that is repeated under the same name repeats no job.
    public var name: String

    /// Takes every field.
    public init(
        maxInFlight: Int = defaultMaxInFlight, limit: Duration = defaultLimit,
        isDryRun: Bool = false, name: String
    ) {
        self.maxInFlight = max(1, maxInFlight)
        self.limit = limit
        self.isDryRun = isDryRun
        self.name = name
    }
}

/// What a person who watches a run wants to see.
public enum OrchestratorEvent: Hashable, Sendable {
    /// A table is not looked at, because it is not enrolled.
    case leftOut(TableName, ListedTable.LeftOut)
    /// A table was looked at.
    case assessed(TableName, RecommendedWork)
    /// A table's recommendation could not be had.
    case unassessed(TableName, reason: String)
    /// A job was taken.
    case submitted(TableName, actions: [String], job: String)
    /// No job was made.
    case skipped(TableName, reason: String)
    /// A job ended.
    case ended(TableName, job: String, JobStatus, error: String?)
    /// The service could not keep the record of the run.
    case unrecorded(reason: String)
}

// MARK: Looking

/// A table and what should be done to it.
private struct Assessed: Sendable {
    let table: TableName
    let recommendation: RecommendedWork
}

extension Orchestrator {
    private enum Verdict: Sendable {
        case assessed(Assessed)
        case failed(TableName, reason: String)
    }

    /// What is to be done to tables, in their order, whichever was assessed first.
    private func assess(
        _ tables: [TableName], _ outcome: inout Outcome, until deadline: Time.Instant
    ) async -> [Assessed] {
        var found: [TableName: Assessed] = [:]
        await withTaskGroup(of: Verdict.self) { group in
            var waiting = tables.makeIterator()
            var running = 0
            while true {
                while running < OrchestratorSettings.assessmentWidth,
                    outcome.mayGoOn(clock, until: deadline), let table = waiting.next()
                {
                    group.addTask { await verdict(on: table, until: deadline) }
                    running += 1
                }
                guard running > 0, let verdict = await group.next() else { break }
                running -= 1
                switch verdict {
                case .failed(let table, let reason):
                    outcome.failedToAssess(reason)
                    report(.unassessed(table, reason: reason))
                case .assessed(let assessed):
                    outcome.count(assessed.recommendation)
                    report(.assessed(assessed.table, assessed.recommendation))
                    found[assessed.table] = assessed
                }
            }
        }
        return tables.compactMap { found[$0] }
    }

    private func verdict(on table: TableName, until deadline: Time.Instant) async -> Verdict {
        do throws(MaintenanceServiceError) {
            let recommendation = try await persistently(
                OrchestratorSettings.maxUnansweredQuestions, until: deadline
            ) { (_) throws(MaintenanceServiceError) in
                try await service.recommendation(for: table)
            }
            return .assessed(Assessed(table: table, recommendation: recommendation))
        } catch {
            return .failed(table, reason: error.description)
        }
    }
}

// MARK: Submitting and following

extension Orchestrator {
    private enum Ending: Sendable {
        case ended(TableName, job: String, JobStatus, error: String?)
        /// Nobody knows how it ended; the reason.
        case lost(TableName, job: String, reason: String)
        /// Time was up, or the run was told to stop.
        case left
    }

    private func submit(
        _ due: [Assessed], _ outcome: inout Outcome, until deadline: Time.Instant
    ) async {
        await withTaskGroup(of: Ending.self) { group in
            var waiting = due[...]
            var running = 0
            while true {
                // Whether it is still alone matters only to a run that has something to submit.
                while running < settings.maxInFlight, !waiting.isEmpty,
                    outcome.mayGoOn(clock, until: deadline),
                    await mayStillSubmit(&outcome, until: deadline), let next = waiting.popFirst()
                {
                    guard let job = await submit(next, &outcome, until: deadline) else { continue }
                    group.addTask { await follow(job, on: next.table, until: deadline) }
                    running += 1
                }
                guard running > 0, let ending = await group.next() else { break }
                running -= 1
                count(ending, &outcome)
            }
        }
    }

    /// The job's id, or nil if there is none to follow.
    private func submit(
        _ due: Assessed, _ outcome: inout Outcome, until deadline: Time.Instant
    ) async -> String? {
        let actions = due.recommendation.actions
        do throws(MaintenanceServiceError) {
            switch try await submit(actions, on: due.table, until: deadline) {
            case .accepted(let id):
                outcome.run.jobsSubmitted += 1
                report(.submitted(due.table, actions: actions, job: id))
                return id
            case .locked:
                outcome.run.tablesSkipped += 1
                report(.skipped(due.table, reason: "another job holds the table"))
            case .draining:
                outcome.stop(.partial, "the service is draining and takes no jobs")
            }
        } catch {
            outcome.run.tablesSkipped += 1
            outcome.failed("\(due.table) could not be submitted: \(error)")
            report(.skipped(due.table, reason: error.description))
        }
        return nil
    }

    /// Asks again while the service is away; the key makes that the same job.
    private func submit(
        _ actions: [String], on table: TableName, until deadline: Time.Instant
    ) async throws(MaintenanceServiceError) -> SubmissionReply {
        try await persistently(
            OrchestratorSettings.maxUnansweredPolls, until: deadline
        ) { (_) throws(MaintenanceServiceError) in
            try await service.submit(actions, on: table, key: "\(settings.name):\(table)")
        }
    }

    /// Whether this is still the only run; if not, it ends.
    private func mayStillSubmit(
        _ outcome: inout Outcome, until deadline: Time.Instant
    ) async -> Bool {
        do throws(MaintenanceServiceError) {
            let isOurs = try await persistently(
                OrchestratorSettings.maxUnansweredPolls, until: deadline
            ) { (_) throws(MaintenanceServiceError) in try await keepsTurn() }
            if isOurs { return true }
            outcome.stop(
                .partial, "another process may have begun a run; jobs under way go on")
        } catch {
            outcome.stop(
                .partial,
                "whether another process has begun a run is not known: \(error); jobs under way "
                    + "go on")
        }
        return false
    }

    /// Asks a question, and asks it again, after longer and longer pauses, while the service is
    /// away; the closure is told whether it was asked before.
    private func persistently<Value>(
        _ limit: Int, until deadline: Time.Instant,
        _ ask: (_ isRepeat: Bool) async throws(MaintenanceServiceError) -> Value
    ) async throws(MaintenanceServiceError) -> Value {
        var unanswered = 0
        var pause = OrchestratorSettings.firstRetryPause
        while true {
            do throws(MaintenanceServiceError) {
                return try await ask(unanswered > 0)
            } catch {
                guard case .unavailable = error, unanswered < limit, clock.now < deadline else {
                    throw error
                }
                let wake = min(clock.now.advanced(by: pause), deadline)
                // Cancellation is all that ends a pause early.
                guard (try? await clock.sleep(until: wake, tolerance: nil)) != nil else {
                    throw error
                }
                unanswered += 1
                pause = min(pause * 2, OrchestratorSettings.longestRetryPause)
            }
        }
    }

    private func follow(
        _ job: String, on table: TableName, until deadline: Time.Instant
    ) async -> Ending {
        var unanswered = 0
        while !Task.isCancelled {
            // When time is up it is asked once more: it may have ended during the last pause.
            let isLast = clock.now >= deadline
            var pause = OrchestratorSettings.defaultPoll
            do throws(MaintenanceServiceError) {
                let state = try await service.job(job)
                unanswered = 0
                if state.status.isTerminal {
                    return .ended(table, job: job, state.status, error: state.error)
                }
                pause = min(state.retryAfter ?? pause, OrchestratorSettings.longestPoll)
            } catch {
                switch error {
                case .unavailable where unanswered < OrchestratorSettings.maxUnansweredPolls:
                    unanswered += 1
                case .unavailable, .refused, .notFound:
                    return .lost(table, job: job, reason: error.description)
                }
            }
            if isLast { break }
            let wake = min(clock.now.advanced(by: pause), deadline)
            // Cancellation is all that ends a pause early, and the loop looks for it.
            do { try await clock.sleep(until: wake, tolerance: nil) } catch { return .left }
        }
        return .left
    }

    private func count(_ ending: Ending, _ outcome: inout Outcome) {
        switch ending {
        case .ended(let table, let job, let status, let error):
            if status == .completed {
                outcome.run.jobsCompleted += 1
            } else {
                outcome.run.jobsFailed += 1
                outcome.failed("\(table): \(error ?? "the job was \(status.rawValue)")")
            }
            report(.ended(table, job: job, status, error: error))
        case .lost(let table, let job, let reason):
            outcome.run.jobsFailed += 1
            outcome.failed("\(table): what became of job \(job) is not known: \(reason)")
            report(.skipped(table, reason: reason))
        case .left:
            outcome.stop(
                .partial,
                Task.isCancelled
                    ? "it was told to stop; jobs under way go on"
                    : "time was up; jobs under way go on")
        }
    }
}

/// The counts of a run under way, and why it stopped.
private struct Outcome {
    var run = OrchestratorRun(
        startedAt: Timestamp(microseconds: 0), completedAt: Timestamp(microseconds: 0),
        status: .completed)
    private(set) var stopReason: String?
    private(set) var failures = 0
    private(set) var firstFailure = ""

    mutating func count(_ recommendation: RecommendedWork) {
        run.tablesAssessed += 1
        if recommendation.isHealthy {
            run.tablesHealthy += 1
        } else if recommendation.actions.isEmpty {
            run.tablesSkipped += 1
        }
    }

    mutating func failedToAssess(_ reason: String) {
        run.tablesSkipped += 1
        failed(reason)
    }

    mutating func failed(_ reason: String) {
        failures += 1
        if firstFailure.isEmpty { firstFailure = reason }
    }

    /// Ends the run; the first reason stays.
    mutating func stop(_ status: OrchestratorRun.Status, _ reason: String) {
        guard stopReason == nil else { return }
        stopReason = reason
        run.status = status
    }

    /// Whether more can be begun; if time is up or the task is cancelled, it stops the run.
    mutating func mayGoOn<Time: Clock>(_ clock: Time, until deadline: Time.Instant) -> Bool {
        if Task.isCancelled { stop(.partial, "it was told to stop; jobs under way go on") }
        if clock.now >= deadline { stop(.partial, "time was up; jobs under way go on") }
        return stopReason == nil
    }

    func run(from start: Timestamp, to end: Timestamp, isDryRun: Bool) -> OrchestratorRun {
        var run = run
        run.startedAt = start
        run.completedAt = end
        run.isDryRun = isDryRun
        // A failed job fails no run: the run did what it is for. It is told all the same.
        let text =
            stopReason
            ?? (failures == 0
                ? nil : failures == 1 ? firstFailure : "\(firstFailure) (and \(failures - 1) more)")
        run.error = text.map { String($0.prefix(OrchestratorRun.maximumErrorLength)) }
        return run
    }
}
