// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization
import WireFormat

/// Runs one claimed job: carries out what ``JobRunStateMachine`` decides, and turns what happens
/// into its events.
///
/// Nothing here waits for anything but the next event, so a termination is heard whatever the
/// engine or the store are doing. That is why the engine, the timers and the calls to the store
/// run in tasks of their own and not in child tasks: a child could not be left behind.
final class JobRunner<Store: JobQueue & JobHistory & FileJournal & JobSignals, RunClock: Clock>:
    Sendable
where RunClock.Duration == Duration {
    typealias Event = JobRunStateMachine.Event

    let job: Job
    let claim: Claim
    let store: Store
    let configuration: WorkerConfiguration
    let clock: RunClock
    let logger: Logger
    let lease: LeaseGuard<Store, RunClock>

    private let engine: ActionEngine
    private let events: AsyncStream<Event>
    private let mailbox: AsyncStream<Event>.Continuation
    private let retry: StoreRetry<RunClock>
    private let progress = Mutex<JobProgress?>(nil)
    private let state = Mutex(State())

    private struct State {
        var engineTask: Task<Void, Never>?
        var terminationDeadline: RunClock.Instant?
        var helpers: [Task<Void, Never>] = []
        /// What the engine said of its end, if it had to stop early.
        var aftermath: JSONValue?
        /// Says that the engine is on its way to stop; what is known later must come after it.
        var stopNote: Task<Void, Never>?
        /// Which engine carries out the action, and why.
        var engine: (name: String, reason: String)?
        /// Whether the job's ``Job/engineState`` may name something that runs.
        var hasEngineState = false
        var hasEnded = false
    }

    init(
        _ claimed: ClaimedJob, store: Store, configuration: WorkerConfiguration, clock: RunClock,
        claimSentAt: RunClock.Instant, random: @escaping @Sendable () -> UInt64, logger: Logger,
        engine: @escaping ActionEngine
    ) {
        job = claimed.job
        claim = claimed.claim
        self.store = store
        self.configuration = configuration
        self.clock = clock
        self.engine = engine
        var logger = logger
        logger[metadataKey: "job.id"] = "\(claimed.claim.jobID)"
        logger[metadataKey: "job.attempt-id"] = "\(claimed.claim.attemptID)"
        logger[metadataKey: "table.name"] = "\(claimed.job.table)"
        self.logger = logger
        retry = StoreRetry(clock: clock, random: random)
        let (events, mailbox) = AsyncStream.makeStream(of: Event.self)
        self.events = events
        self.mailbox = mailbox
        state.withLock { $0.hasEngineState = claimed.job.engineState != nil }
        lease = LeaseGuard(
            claim: claimed.claim, store: store, clock: clock, configuration: configuration,
            random: random, sentAt: claimSentAt, onLoss: { mailbox.yield(.fenceLost) })
    }

    /// Asks the run to end within ``WorkerConfiguration/terminationLimit``.
    func terminate() { mailbox.yield(.terminate) }

    /// Runs the job to an end.
    ///
    /// Cancelling the calling task does nothing: see ``terminate()``.
    func run() async -> JobRunOutcome {
        // A cancelled task could not read the mailbox.
        await Task { await self.drive() }.value
    }

    private func drive() async -> JobRunOutcome {
        start { await self.keepLease() }
        start { await self.listen() }
        var machine = JobRunStateMachine(job: job, policy: configuration.retry)
        var outcome = perform(machine.start())
        var arriving = events.makeAsyncIterator()
        while outcome == nil, let event = await arriving.next() {
            outcome = perform(machine.handle(event))
        }
        let helpers = state.withLock { state in
            state.hasEnded = true
            defer { state.helpers = [] }
            return state.helpers
        }
        for helper in helpers { helper.cancel() }
        // The mailbox is never closed, so there always is one.
        return outcome ?? .fenceLost
    }

    private func perform(_ commands: [JobRunStateMachine.Command]) -> JobRunOutcome? {
        for command in commands {
            if let outcome = perform(command) { return outcome }
        }
        return nil
    }

    /// Starts what a command asks for; an outcome ends the run.
    private func perform(_ command: JobRunStateMachine.Command) -> JobRunOutcome? {
        switch command {
        case .act(let action):
            act(action)
        case .stopEngine:
            state.withLock { $0.engineTask }?.cancel()
        case .record(let result, let markJournalUnknown):
            start { await self.record(result, markJournalUnknown: markJournalUnknown) }
        case .settle(let settlement):
            start { await self.settle(settlement) }
        case .startTimers:
            startTimers()
        case .startStopTimer:
            start {
                try? await self.clock.sleep(for: WorkerConfiguration.engineStopLimit)
                self.mailbox.yield(.stopLimitOver)
            }
        case .noteEngineStopping:
            let note = start { await self.noteEngineStopping() }
            state.withLock { $0.stopNote = note }
        case .cleanUp:
            start { await self.cleanUp() }
        case .end(let outcome):
            return outcome
        }
        return nil
    }

    /// A task that ends when it is done or, at the latest, with the run.
    @discardableResult
    private func start(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        // The run cancels it when it ends; nobody waits, since what it does may be stuck.
        let task = Task { await body() }
        state.withLock { $0.helpers.append(task) }
        return task
    }

    private func startTimers() {
        let deadline = clock.now.advanced(by: WorkerConfiguration.terminationLimit)
        state.withLock { $0.terminationDeadline = deadline }
        let grace = clock.now.advanced(by: WorkerConfiguration.engineGrace)
        start {
            try? await self.clock.sleep(until: grace, tolerance: nil)
            self.mailbox.yield(.graceOver)
        }
        start {
            try? await self.clock.sleep(until: deadline, tolerance: nil)
            self.mailbox.yield(.limitOver)
        }
    }

    // MARK: The engine

    private func act(_ action: String) {
        let context = ActionContext(
            claim: claim, support: lease,
            report: { [weak self] progress in self?.progress.withLock { $0 = progress } },
            aftermath: { [weak self] note in self?.state.withLock { $0.aftermath = note } },
            engine: { [weak self] name, reason in
                self?.state.withLock { $0.engine = (name, reason) }
            },
            engineState: { [weak self] isKept in
                self?.state.withLock { $0.hasEngineState = isKept }
            })
        let invocation = ActionInvocation(job: job, action: action)
        state.withLock { $0.engine = nil }
        // Its end is an event of the run; a run that has to end first leaves it behind.
        let engineTask = Task {
            let began = self.clock.now
            let (result, failure) = await self.carryOut(invocation, in: context, since: began)
            if case .stillRunning? = failure {
                self.state.withLock { $0.aftermath = $0.aftermath ?? Aftermath.engineUnknown }
            }
            self.mailbox.yield(.acted(result, failure))
            let isLate = self.state.withLock { $0.hasEnded }
            // In a task of its own, because this one was cancelled and the store would not listen.
            if isLate { await Task { await self.releaseLate() }.value }
        }
        state.withLock { $0.engineTask = engineTask }
    }

    private func carryOut(
        _ invocation: ActionInvocation, in context: ActionContext, since began: RunClock.Instant
    ) async -> (ActionResult, ActionFailure?) {
        do throws(ActionFailure) {
            let result = try await engine(invocation, context)
            guard result.action == invocation.action else {
                throw .failed(
                    message: "the engine answered for \(result.action), not \(invocation.action)")
            }
            return (result, nil)
        } catch {
            let engine = state.withLock { $0.engine }
            let result = ActionResult(
                action: invocation.action, isSuccess: false,
                message: "\(invocation.action) failed", error: error.description,
                elapsedSeconds: began.duration(to: clock.now) / .seconds(1),
                engine: engine?.name, engineReason: engine?.reason)
            return (result, error)
        }
    }

    /// The engine stopped after the run had to end without it: the lock need not wait for its
    /// lease.
    ///
    /// As long as this process lives to say so.
    private func releaseLate() async {
        do {
            let aftermath = aftermath
            try await store.recordAftermath(aftermath, underRevoked: claim)
            guard Aftermath.saysStopped(aftermath) else { return }
            try await store.releaseLock(underRevoked: claim)
        } catch {
            logger.info("late_release_skipped", metadata: ["error": "\(error)"])
        }
    }

    /// What is known of the engine once it has answered.
    ///
    /// An engine that says nothing has stopped, unless it left a state by which its work is to be
    /// found: then somebody has to look.
    private var aftermath: JSONValue {
        state.withLock { state in
            state.aftermath
                ?? (state.hasEngineState ? Aftermath.engineUnknown : Aftermath.engineStopped)
        }
    }

    // MARK: The lease

    /// Renews the lease, carrying progress, until the run ends or the lease is lost.
    private func keepLease() async {
        while !Task.isCancelled {
            let waiting = progress.withLock { progress in
                defer { progress = nil }
                return progress
            }
            let tick = clock.now.advanced(by: WorkerConfiguration.progressInterval)
            var wake = tick
            switch lease.next() {
            case .abandon:
                return lease.lose()
            case .renew:
                await renew(carrying: waiting)
            case .sleep(let until):
                if let waiting { await renew(carrying: waiting) } else { wake = min(until, tick) }
            }
            do { try await clock.sleep(until: wake, tolerance: nil) } catch { return }
        }
    }

    private func renew(carrying sent: JobProgress?) async {
        do {
            try await lease.renew(progress: sent)
        } catch {
            switch error {
            case .fenced:
                return
            case .unavailable, .outcomeUnknown, .corrupt:
                logger.warning("renewal_failed", metadata: ["error": "\(error)"])
            }
            // Unless there is newer progress by now.
            progress.withLock { $0 = $0 ?? sent }
        }
    }

    /// Renews at once when a signal says that the fence may be gone.
    private func listen() async {
        for await signal in await store.signals() {
            switch signal {
            case .jobCancelled(let id) where id == claim.jobID: await renew(carrying: nil)
            case .resync: await renew(carrying: nil)
            case .jobCancelled, .jobAvailable, .jobChanged: break
            }
        }
    }

    // MARK: The store

    /// Until when calls to the store are repeated.
    private var deadline: RunClock.Instant {
        state.withLock { $0.terminationDeadline } ?? lease.deadline
    }

    private func report(
        _ event: (JobRunStateMachine.StoreOutcome) -> Event,
        _ call: () async throws(JobStoreError) -> Void
    ) async {
        do {
            try await call()
            mailbox.yield(event(.done))
        } catch {
            switch error {
            case .fenced:
                mailbox.yield(event(.fenced))
            case .unavailable(let reason), .outcomeUnknown(let reason), .corrupt(let reason):
                logger.error("store_gave_up", metadata: ["error": "\(reason)"])
                mailbox.yield(event(.gaveUp(reason: reason)))
            }
        }
    }

    private func record(_ result: ActionResult, markJournalUnknown: Bool) async {
        await report(Event.recorded) { () throws(JobStoreError) in
            try await retry.call(until: deadline) { () throws(JobStoreError) in
                if markJournalUnknown { try await store.markUnknown(under: claim) }
                try await store.record(result, under: claim)
            }
        }
    }

    private func settle(_ settlement: Settlement) async {
        await report(Event.settled) { () throws(JobStoreError) in
            try await retry.call(until: deadline) { () throws(JobStoreError) in
                try await store.settle(claim, as: settlement)
            }
            guard let aftermath = aftermath(of: settlement) else { return }
            await attempt("aftermath_not_recorded") { () throws(JobStoreError) in
                try await store.recordAftermath(aftermath, underRevoked: claim)
            }
        }
    }

    /// What a job that this attempt ended says of the engine; nil if there is nothing to say.
    private func aftermath(of settlement: Settlement) -> JSONValue? {
        let (noted, hasEngineState) = state.withLock { ($0.aftermath, $0.hasEngineState) }
        // Spelled out, because a bare nil would be JSON's null here.
        let left = noted ?? (hasEngineState ? Aftermath.engineUnknown : Optional.none)
        return switch settlement {
        case .failed(JobMessages.terminated, .leaveToLease): noted ?? Aftermath.engineStopping
        case .failed(_, .leaveToLease): noted ?? Aftermath.engineUnknown
        case .failed(_, .release): left
        case .retry(_, _, let maxAttempts) where job.attemptCount >= maxAttempts: left
        // The job goes on, or has nothing to explain.
        case .completed, .retry: nil
        }
    }

    private func noteEngineStopping() async {
        logger.warning("writeback_stale_attempt")
        await attempt("aftermath_not_recorded") { () throws(JobStoreError) in
            try await store.recordAftermath(Aftermath.engineStopping, underRevoked: claim)
        }
    }

    /// The engine has stopped and the fence is gone: says so, and frees what a cancel left locked.
    private func cleanUp() async {
        let limit = clock.now.advanced(by: WorkerConfiguration.cleanUpLimit)
        // It must not be the last word.
        await state.withLock { $0.stopNote }?.value
        var wasCancelled = false
        await attempt("clean_up_left_to_sweep") { () throws(JobStoreError) in
            let current = try await retry.call(until: limit) { () throws(JobStoreError) in
                try await store.job(claim.jobID, visibility: .includingDeleted)
            }
            wasCancelled =
                current?.status == .cancelled && current?.lastAttemptID == claim.attemptID
            let aftermath = aftermath
            try await retry.call(until: limit) { () throws(JobStoreError) in
                try await store.recordAftermath(aftermath, underRevoked: claim)
            }
            // Whoever may still be writing keeps the table; its lease, and then a sweep, decide.
            guard wasCancelled, Aftermath.saysStopped(aftermath) else { return }
            try await retry.call(until: limit) { () throws(JobStoreError) in
                try await store.releaseLock(underRevoked: claim)
            }
        }
        mailbox.yield(.cleanedUp(wasCancelled: wasCancelled))
    }

    /// Makes a call that is good to have and that nothing depends on.
    private func attempt(
        _ message: Logger.Message, _ call: () async throws(JobStoreError) -> Void
    ) async {
        do { try await call() } catch {
            switch error {
            // The job has moved on to another attempt: nothing of ours is left to say.
            case .fenced: logger.info("writeback_stale_attempt")
            case .unavailable(let reason), .outcomeUnknown(let reason), .corrupt(let reason):
                logger.warning(message, metadata: ["error": "\(reason)"])
            }
        }
    }
}
