// SPDX-License-Identifier: Apache-2.0

public import Jobs
import Synchronization
public import WireFormat

/// A store in memory, for tests: the model behind a mutex, with faults before and after effects.
public final class InMemoryJobStore: Sendable {
    private struct State {
        var model = StoreModel()
        var plan = FaultPlan.none
        var calls: [StoreCall] = []
        var isShutDown = false
        var tasks: Set<ExclusiveTask> = []
    }

    private let state = Mutex(State())
    private let hub = SignalHub()

    private let slowAftermath = Mutex<JSONValue?>(nil)

    /// An empty store.
    public init() {}

    // MARK: For the test

    /// Moves the store's clock.
    public func advance(by duration: Duration) {
        state.withLock { $0.model.now = $0.model.now.advanced(by: duration) }
    }

    /// What the store's clock says.
    public var now: Timestamp { state.withLock { $0.model.now } }

    /// Which calls go wrong from now on; numbers the calls from 0 again.
    public func inject(_ plan: FaultPlan) {
        state.withLock { state in
            state.plan = plan
            state.calls = []
        }
    }

    /// What is written so slowly that other calls come first if they may.
    public func slowDown(aftermath: JSONValue) { slowAftermath.withLock { $0 = aftermath } }

    /// The calls since the last ``inject(_:)``.
    public var calls: [StoreCall] { state.withLock { $0.calls } }

    /// The audit log.
    public var auditLog: [AuditEvent] { state.withLock { $0.model.audit } }

    /// Which job holds the table's lock, and under which fence; nil if nobody does.
    public func lock(on table: TableName) -> (holder: JobID, attempt: AttemptID?)? {
        state.withLock { $0.model.locks[table].map { ($0.holder, $0.attemptID) } }
    }

    // MARK: The shell

    private func write<Value: Sendable>(
        _ call: StoreCall,
        _ body: (inout StoreModel) throws(JobStoreError) -> Value
    ) throws(JobStoreError) -> Value {
        let (result, signals) = state.withLock { state in
            let before = state.model
            let result = Self.run(call, in: &state, body)
            let signals = state.model.signals
            state.model.signals = []
            if case .failure(let error, let isUndone) = result, isUndone {
                state.model = before
                return (Result<Value, JobStoreError>.failure(error), [JobSignal]())
            }
            return (result.value, signals)
        }
        hub.send(signals)
        return try result.get()
    }

    private enum Outcome<Value> {
        case success(Value)
        case failure(JobStoreError, isUndone: Bool)

        var value: Result<Value, JobStoreError> {
            switch self {
            case .success(let value): .success(value)
            case .failure(let error, _): .failure(error)
            }
        }
    }

    private static func run<Value>(
        _ call: StoreCall, in state: inout State,
        _ body: (inout StoreModel) throws(JobStoreError) -> Value
    ) -> Outcome<Value> {
        let fault = state.plan.fault(call, state.calls.count)
        state.calls.append(call)
        guard !state.isShutDown else {
            return .failure(.unavailable(reason: "the store is shut down"), isUndone: true)
        }
        guard fault != .beforeEffect else {
            return .failure(.unavailable(reason: "injected before \(call)"), isUndone: true)
        }
        do {
            let value = try body(&state.model)
            guard fault == nil else {
                return .failure(
                    .outcomeUnknown(reason: "injected after \(call)"), isUndone: false)
            }
            return .success(value)
        } catch {
            return .failure(error, isUndone: true)
        }
    }

    /// A read whose reply is lost has no effect: it is merely unavailable.
    private func read<Value: Sendable>(
        _ call: StoreCall, _ body: (StoreModel) -> Value
    ) throws(JobStoreError) -> Value {
        do {
            return try write(call) { model throws(JobStoreError) in body(model) }
        } catch {
            switch error {
            case .outcomeUnknown(let reason): throw .unavailable(reason: reason)
            case .fenced, .unavailable, .corrupt: throw error
            }
        }
    }
}

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension InMemoryJobStore: JobQueue {
    public func submit(
        _ submission: JobSubmission
    ) async throws(JobStoreError) -> SubmissionOutcome {
        try write(.submit) { model throws(JobStoreError) in
            model.submit(submission, claim: nil)
        }
    }

    public func submitClaimed(
        _ submission: JobSubmission, by worker: WorkerID, attempt: AttemptID, lease: Duration
    ) async throws(JobStoreError) -> SubmissionOutcome {
        try write(.submitClaimed) { model throws(JobStoreError) in
            model.submit(
                submission, claim: .init(worker: worker, attempt: attempt, lease: lease))
        }
    }

    public func recordDryRun(
        _ submission: JobSubmission, results: [ActionResult]
    ) async throws(JobStoreError) -> SubmissionOutcome {
        try write(.recordDryRun) { model throws(JobStoreError) in
            model.recordDryRun(submission, results: results)
        }
    }

    public func claim(
        by worker: WorkerID, attempt: AttemptID, lease: Duration
    ) async throws(JobStoreError) -> ClaimedJob? {
        try write(.claim) { model throws(JobStoreError) in
            try model.claim(by: worker, attempt: attempt, lease: lease)
        }
    }

    public func renew(
        _ claim: Claim, lease: Duration, progress: JobProgress?
    ) async throws(JobStoreError) {
        try write(.renew) { model throws(JobStoreError) in
            try model.renew(claim, lease: lease, progress: progress)
        }
    }

    public func record(_ result: ActionResult, under claim: Claim) async throws(JobStoreError) {
        try write(.record) { model throws(JobStoreError) in
            try model.record(result, under: claim)
        }
    }

    public func setEngine(
        _ engine: String, reason: String, under claim: Claim
    ) async throws(JobStoreError) {
        try write(.setEngine) { model throws(JobStoreError) in
            try model.change(under: claim) { job in
                job.engine = engine
                job.engineReason = reason
            }
        }
    }

    public func setEngineState(
        _ engineState: JSONValue?, under claim: Claim
    ) async throws(JobStoreError) {
        try write(.setEngineState) { model throws(JobStoreError) in
            try model.change(under: claim) { $0.engineState = engineState }
        }
    }

    public func settle(_ claim: Claim, as settlement: Settlement) async throws(JobStoreError) {
        try write(.settle) { model throws(JobStoreError) in
            try model.settle(claim, as: settlement)
        }
    }

    public func recordAftermath(
        _ aftermath: JSONValue, underRevoked claim: Claim
    ) async throws(JobStoreError) {
        if slowAftermath.withLock({ $0 == aftermath }) {
            for _ in 0..<1000 { await Task.yield() }
        }
        try write(.recordAftermath) { model throws(JobStoreError) in
            try model.recordAftermath(aftermath, underRevoked: claim)
        }
    }

    public func releaseLock(underRevoked claim: Claim) async throws(JobStoreError) {
        try write(.releaseLock) { model throws(JobStoreError) in
            try model.releaseLock(underRevoked: claim)
        }
    }

    public func cancel(_ job: JobID) async throws(JobStoreError) -> CancelOutcome {
        try write(.cancel) { model throws(JobStoreError) in model.cancel(job) }
    }

    public func softDelete(_ job: JobID) async throws(JobStoreError) -> DeleteOutcome {
        try write(.softDelete) { model throws(JobStoreError) in model.softDelete(job) }
    }

    public func sweep(_ policy: SweepPolicy) async throws(JobStoreError) -> SweepReport {
        try write(.sweep) { model throws(JobStoreError) in model.sweep(policy) }
    }

    public func engineHolds(limit: Int) async throws(JobStoreError) -> [EngineHold] {
        try read(.engineHolds) { $0.engineHolds(limit: limit) }
    }
}

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension InMemoryJobStore: JobHistory, FileJournal, TableCache, AuditLog, JobSignals, JobStore {
    public func job(
        _ id: JobID, visibility: JobVisibility
    ) async throws(JobStoreError) -> Job? {
        try read(.job) { model in
            model.job(id).flatMap { job in
                visibility == .includingDeleted || job.deletedAt == nil ? job : nil
            }
        }
    }

    public func jobs(matching query: JobQuery) async throws(JobStoreError) -> [Job] {
        try read(.jobs) { $0.jobs(matching: query) }
    }

    public func purgeHistory(olderThan age: Duration) async throws(JobStoreError) -> Int {
        try write(.purgeHistory) { model throws(JobStoreError) in model.purge(olderThan: age) }
    }

    public func queueDepth() async throws(JobStoreError) -> Int {
        try read(.queueDepth) { $0.queueDepth }
    }

    public func append(
        _ entries: [FileJournalEntry], tableUUID: String, under claim: Claim
    ) async throws(JobStoreError) {
        try write(.append) { model throws(JobStoreError) in
            try model.append(entries, tableUUID: tableUUID, under: claim)
        }
    }

    public func close(paths: [String], under claim: Claim) async throws(JobStoreError) {
        try write(.close) { model throws(JobStoreError) in
            try model.setJournal(.done, under: claim) {
                $0.jobID == claim.jobID && paths.contains($0.entry.path)
            }
        }
    }

    public func markUnknown(under claim: Claim) async throws(JobStoreError) {
        try write(.markUnknown) { model throws(JobStoreError) in
            model.setJournal(.unknown) { $0.jobID == claim.jobID }
        }
    }

    public func openEntries(
        tableUUID: String, for job: JobID, after id: Int64, limit: Int
    ) async throws(JobStoreError) -> [OpenFileJournalEntry] {
        try read(.openEntries) {
            $0.openEntries(tableUUID: tableUUID, for: job, after: id, limit: limit)
        }
    }

    public func closeReplayed(_ ids: [Int64], under claim: Claim) async throws(JobStoreError) {
        try write(.closeReplayed) { model throws(JobStoreError) in
            try model.setJournal(.done, under: claim) { ids.contains($0.id) }
        }
    }

    public func cachedTable(_ name: TableName) async throws(JobStoreError) -> CachedTable? {
        try read(.cachedTable) { model in model.cache.first { $0.name == name } }
    }

    public func cachedTables(database: String?) async throws(JobStoreError) -> [CachedTable] {
        try read(.cachedTables) { model in
            model.cache.filter { (database ?? $0.name.database) == $0.name.database }
        }
    }

    public func unreadableTables() async throws(JobStoreError) -> [TableName] {
        try read(.unreadableTables) { model in
            model.cache.filter { $0.error != nil }.map(\.name)
        }
    }

    public func tableCacheState() async throws(JobStoreError) -> TableCacheState {
        try read(.tableCacheState) { model in
            TableCacheState(
                lastSynced: model.cacheSyncedAt, tableCount: model.cache.count,
                age: model.cacheSyncedAt.map { model.now.since($0) })
        }
    }

    public func replaceCachedTables(_ tables: [CachedTable]) async throws(JobStoreError) {
        try write(.replaceCachedTables) { model throws(JobStoreError) in
            model.replaceCache(tables)
        }
    }

    public func withLock<Value: Sendable>(
        _ task: ExclusiveTask, _ body: @Sendable (ExclusiveLease) async throws -> Value
    ) async throws -> Value? {
        guard state.withLock({ $0.tasks.insert(task).inserted }) else { return nil }
        defer { state.withLock { _ = $0.tasks.remove(task) } }
        return try await body(ExclusiveLease { () throws(JobStoreError) in true })
    }

    public func record(_ observation: TableObservation) async throws(JobStoreError) {
        try write(.recordObservation) { model throws(JobStoreError) in
            model.record(observation)
        }
    }

    public func confirmObservation(
        of table: TableName, metadataLocation: String, at time: Timestamp
    ) async throws(JobStoreError) -> Bool {
        try write(.confirmObservation) { model throws(JobStoreError) in
            guard let last = model.newest(table), last.lastError == nil,
                last.observation.metadataLocation == metadataLocation
            else { return false }
            model.record(
                TableObservation(
                    table: table, metadataLocation: metadataLocation, collectedAt: time,
                    status: last.observation.status, health: last.observation.health))
            return true
        }
    }

    public func recordFailure(
        of table: TableName, reason: String, without known: TableObservation?
    ) async throws(JobStoreError) {
        try write(.recordFailure) { model throws(JobStoreError) in
            if let known, model.newest(table) == nil { model.record(known) }
            guard let last = model.newest(table),
                let index = model.observations.firstIndex(of: last)
            else { return }
            model.observations[index] = RecordedObservation(
                observation: last.observation, age: .zero, lastError: reason)
        }
    }

    public func firstSeen(
        _ table: TableName, uuid: String
    ) async throws(JobStoreError) -> Timestamp? {
        try write(.firstSeen) { model throws(JobStoreError) in
            model.firstSeen(table, uuid: uuid)
        }
    }

    public func observation(
        of table: TableName
    ) async throws(JobStoreError) -> RecordedObservation? {
        try read(.observation) { model in
            model.newest(table).map {
                RecordedObservation(
                    observation: $0.observation, age: model.now.since($0.observation.collectedAt),
                    lastError: $0.lastError)
            }
        }
    }

    public func observationTimes() async throws(JobStoreError) -> [TableName: Timestamp] {
        try read(.observationTimes) { model in
            Dictionary(
                model.observations.map { ($0.observation.table, $0.observation.collectedAt) },
                uniquingKeysWith: { max($0, $1) })
        }
    }

    public func healthHistory(
        of table: TableName?, limit: Int
    ) async throws(JobStoreError) -> [RecordedHealth] {
        try read(.healthHistory) { model in
            let wanted = model.observations.reversed().filter {
                table == nil || $0.observation.table == table
            }
            return wanted.sorted { $0.observation.collectedAt > $1.observation.collectedAt }
                .prefix(min(max(limit, 0), RecordedHealth.maximumPage)).map {
                    RecordedHealth(
                        table: $0.observation.table, collectedAt: $0.observation.collectedAt,
                        health: $0.observation.health, lastError: $0.lastError)
                }
        }
    }

    public func record(
        _ run: OrchestratorRun
    ) async throws(JobStoreError) -> RecordedOrchestratorRun {
        try write(.recordRun) { model throws(JobStoreError) in
            let record = RecordedOrchestratorRun(id: (model.runs.last?.id ?? 0) + 1, run: run)
            model.runs.append(record)
            return record
        }
    }

    public func orchestratorRuns(
        limit: Int
    ) async throws(JobStoreError) -> [RecordedOrchestratorRun] {
        try read(.orchestratorRuns) { model in
            let bounded = min(max(limit, 0), RecordedOrchestratorRun.maximumPage)
            return Array(model.runs.reversed().prefix(bounded))
        }
    }

    public func orchestratorRun(
        _ id: Int64
    ) async throws(JobStoreError) -> RecordedOrchestratorRun? {
        try read(.orchestratorRun) { model in model.runs.first { $0.id == id } }
    }

    public func audit(_ event: AuditEvent) async throws(JobStoreError) {
        try write(.audit) { model throws(JobStoreError) in model.audit.append(event) }
    }

    public func signals() async -> AsyncStream<JobSignal> { hub.stream() }

    public func migrate() async throws(JobStoreError) {
        try read(.migrate) { _ in }
    }

    public func ping(within limit: Duration) async throws(JobStoreError) {
        try read(.ping) { _ in }
    }

    public func shutdown() async {
        state.withLock { $0.isShutDown = true }
        hub.finish()
    }
}
