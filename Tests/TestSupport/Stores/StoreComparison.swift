// SPDX-License-Identifier: Apache-2.0

public import Jobs
import Testing
import WireFormat

/// Does the same random things to a store and to the store in memory, and compares what they
/// answer and hold after every step.
public struct StoreComparison<Store: JobStore> {
    private let test: StoreUnderTest<Store>
    private let model = InMemoryJobStore()
    private var random: SeededGenerator
    private var jobs: [JobID] = []
    /// Every claim that was ever granted; most of them are stale.
    private var claims: [Claim] = []
    private var settlers: [JobID: Set<AttemptID>] = [:]
    private var trace: [String] = []

    /// Leases end between the steps of time, which are whole thousands of seconds: the minutes by
    /// which a database's clock runs on, on a busy machine, decide nothing.
    private let lease: Duration = .seconds(9500)

    /// Compares a fresh store.
    public init(_ test: StoreUnderTest<Store>, seed: UInt64) {
        self.test = test
        random = SeededGenerator(seed: seed)
    }

    /// Takes so many steps; throws at the first difference, with the steps that led to it.
    public mutating func run(steps: Int) async throws {
        for _ in 0..<steps {
            try await step()
            try await compareContents()
        }
    }

    // MARK: Steps

    private mutating func step() async throws {
        switch random.next() % 20 {
        case 0...3: try await submit()
        case 4...6: try await claim()
        case 7: try await renewOrRecord()
        case 8, 9: try await settle()
        case 10: try await withFence()
        case 11: try await cancelOrDelete()
        case 12, 13: try await sweep()
        case 14, 15: try await journal()
        case 16:
            try await both("purge") { try await $0.purgeHistory(olderThan: .seconds(30_500)) }
        default: try await advance()
        }
    }

    private mutating func advance() async throws {
        let thousands = [1, 3, 6, 10, 40, 900][Int(random.next() % 6)]
        trace.append("advance \(thousands)000 s")
        model.advance(by: .seconds(thousands * 1000))
        try await test.advance(.seconds(thousands * 1000))
    }

    private mutating func submit() async throws {
        let id =
            random.next() % 8 == 0 ? jobs.randomElement(using: &random) : JobID(using: &random)
        guard let id else { return }
        let key = random.next() % 3 == 0 ? "key\(random.next() % 3)" : nil
        let kind = random.next() % 6
        let submission = JobSubmission(
            jobID: id, table: TableName(database: "d", table: "t\(random.next() % 3)"),
            actions: ["a", "b"], isDryRun: kind == 0, options: ["a": 1],
            idempotency: key.map { .init(key: $0, digest: "d\(random.next() % 2)") },
            actor: "test", lockLease: lease)
        jobs.append(id)
        let outcome: Answer<SubmissionOutcome>
        switch kind {
        case 0:
            outcome = try await both("dry run \(submission)") { store in
                try await store.recordDryRun(submission, results: [.success("a")])
            }
        case 1:
            let claim = Claim(jobID: id, attemptID: AttemptID(using: &random))
            let lease = lease
            claims.append(claim)
            outcome = try await both("submit claimed \(submission)") { store in
                try await store.submitClaimed(
                    submission, by: WorkerID("w"), attempt: claim.attemptID, lease: lease)
            }
        default:
            outcome = try await both("submit \(submission)") { try await $0.submit(submission) }
        }
        // An id that was purged may be used again, and begins a new life.
        if case .value(.accepted) = outcome { settlers[id] = nil }
    }

    private mutating func claim() async throws {
        let attempt = AttemptID(using: &random)
        let lease = lease
        let claimed = try await both("claim \(attempt)") { store in
            try await store.claim(by: WorkerID("w"), attempt: attempt, lease: lease)
        }
        if case .value(let claimed?) = claimed { claims.append(claimed.claim) }
    }

    /// Mostly a recent claim, sometimes any.
    private mutating func anyClaim() -> Claim? {
        random.next() % 3 == 0
            ? claims.randomElement(using: &random) : claims.suffix(3).randomElement(using: &random)
    }

    private mutating func renewOrRecord() async throws {
        guard let claim = anyClaim() else { return }
        let lease = lease
        let done = Int64(random.next() % 100)
        switch random.next() % 4 {
        case 0:
            let progress = JobProgress(action: "a", done: done, total: nil, unit: "files")
            try await both("renew \(claim)") { store in
                try await store.renew(claim, lease: lease, progress: progress)
            }
        case 1:
            let result = ActionResult.success(done % 2 == 0 ? "a" : "b", message: "\(done)")
            try await both("record \(claim)") { try await $0.record(result, under: claim) }
        case 2:
            try await both("engine \(claim)") {
                try await $0.setEngine("native", reason: "\(done)", under: claim)
            }
        default:
            // Spelled out, because a bare nil would be JSON's null here.
            let state: JSONValue? = done % 2 == 0 ? Optional.none : ["n": .integer(done)]
            try await both("engine state \(claim)") {
                try await $0.setEngineState(state, under: claim)
            }
        }
    }

    private mutating func settle() async throws {
        guard let claim = anyClaim() else { return }
        let settlements: [Settlement] = [
            .completed, .failed(error: "e", lock: .release),
            .failed(error: "e", lock: .leaveToLease),
            .retry(error: "r", after: .seconds(2500), maxAttempts: 3),
        ]
        let settlement = settlements[Int(random.next() % 4)]
        let outcome = try await both("settle \(claim) \(settlement)") {
            try await $0.settle(claim, as: settlement)
        }
        guard case .value = outcome, try await isTerminal(claim.jobID) else { return }
        settlers[claim.jobID, default: []].insert(claim.attemptID)
        #expect(settlers[claim.jobID]?.count == 1, "invariant 1: \(trace.suffix(12))")
    }

    private func isTerminal(_ id: JobID) async throws -> Bool {
        try await test.store.job(id, visibility: .includingDeleted)?.status.isTerminal ?? false
    }

    private mutating func withFence() async throws {
        guard let claim = anyClaim() else { return }
        let kind = random.next() % 4
        if kind < 2 {
            let state: JSONValue = kind == 0 ? "engine_stopped" : "engine_unknown"
            try await both("aftermath \(state.text()) \(claim)") {
                try await $0.recordAftermath(["engine_state": state], underRevoked: claim)
            }
        } else {
            try await both("release \(claim)") { try await $0.releaseLock(underRevoked: claim) }
        }
    }

    private mutating func cancelOrDelete() async throws {
        guard let id = jobs.suffix(6).randomElement(using: &random) else { return }
        if random.next() % 3 > 0 {
            try await both("cancel \(id)") { try await $0.cancel(id) }
        } else {
            try await both("delete \(id)") { try await $0.softDelete(id) }
        }
    }

    private mutating func sweep() async throws {
        try await both("sweep") { store in
            var report = try await store.sweep(
                SweepPolicy(maxAttempts: 3, retryDelay: .seconds(2500)))
            report.requeued.sort { $0.rawValue < $1.rawValue }
            report.abandoned.sort { $0.rawValue < $1.rawValue }
            return report
        }
    }

    private mutating func journal() async throws {
        guard let claim = anyClaim() else { return }
        let files = (0..<3).map { _ in
            FileJournalEntry(path: "file:///\(random.next() % 6)", kind: "data_file")
        }
        switch random.next() % 5 {
        case 0, 1:
            try await both("journal \(claim)") {
                try await $0.append(files, tableUUID: tableUUID, under: claim)
            }
        case 2:
            try await both("close \(claim)") {
                try await $0.close(paths: files.map(\.path), under: claim)
            }
        case 3:
            try await both("unknown \(claim)") { try await $0.markUnknown(under: claim) }
        default:
            // The two stores number their rows as they like.
            try await both("replay \(claim)") { store in
                let open = try await store.openEntries(
                    tableUUID: tableUUID, for: claim.jobID, after: 0, limit: 2)
                try await store.closeReplayed(open.map(\.id), under: claim)
            }
        }
    }

    // MARK: Comparing

    private enum Answer<Value: Sendable & Equatable>: Equatable {
        case value(Value)
        case fenced
        case failed(String)
    }

    @discardableResult
    private mutating func both<Value: Sendable & Equatable>(
        _ what: String, _ call: @Sendable (any JobStore) async throws -> Value
    ) async throws -> Answer<Value> {
        trace.append(what)
        let expected = await answer(of: model, call)
        let actual = await answer(of: test.store, call)
        guard Self.describe(expected) == Self.describe(actual) else {
            throw difference(expected: Self.describe(expected), actual: Self.describe(actual))
        }
        return actual
    }

    @discardableResult
    private mutating func both(
        _ what: String, _ call: @Sendable (any JobStore) async throws -> Void
    ) async throws -> Answer<Bool> {
        try await both(what) { store in
            try await call(store)
            return true
        }
    }

    private func answer<Value: Sendable & Equatable>(
        of store: any JobStore, _ call: (any JobStore) async throws -> Value
    ) async -> Answer<Value> {
        do {
            return .value(try await call(store))
        } catch JobStoreError.fenced {
            return .fenced
        } catch {
            return .failed("\(error)")
        }
    }

    /// Without times, which the two stores read from different clocks.
    private static func describe<Value>(_ answer: Answer<Value>) -> String {
        switch answer {
        case .fenced: return "fenced"
        case .failed(let reason): return "failed: \(reason)"
        case .value(let value):
            switch value {
            case let outcome as SubmissionOutcome: return describe(outcome)
            case let claimed as ClaimedJob?: return claimed.map { describe($0.job) } ?? "nothing"
            case let outcome as CancelOutcome:
                switch outcome {
                case .cancelled(let job): return "cancelled \(describe(job))"
                case .alreadyTerminal(let job): return "terminal \(describe(job))"
                case .notFound: return "not found"
                }
            case let outcome as DeleteOutcome:
                if case .active(let job) = outcome { return "active \(describe(job))" }
                return "\(outcome)"
            default: return "\(value)"
            }
        }
    }

    private static func describe(_ outcome: SubmissionOutcome) -> String {
        switch outcome {
        case .accepted(let job): "accepted \(describe(job))"
        case .repeated(let job): "repeated \(describe(job))"
        case .locked(let by): "locked by \(by)"
        case .idempotencyMismatch(let first): "mismatch with \(first)"
        }
    }

    private static func describe(_ job: Job) -> String {
        var progress = job.progress
        progress?.updatedAt = nil
        let parts: [String] = [
            "\(job.id)", "\(job.table)", "\(job.status)", "\(job.isDryRun)", job.options.text(),
            "error \(job.error ?? "-")", "attempt \(job.attemptID?.rawValue ?? "-")",
            "last \(job.lastAttemptID?.rawValue ?? "-")", "count \(job.attemptCount)",
            "started \(job.startedAt != nil)", "completed \(job.completedAt != nil)",
            "deleted \(job.deletedAt != nil)", "engine \(job.engineReason ?? "-")",
            "state \(job.engineState?.text() ?? "-")", "after \(job.aftermath?.text() ?? "-")",
            "done \(progress?.done ?? -1)", job.results.map(\.message).joined(separator: ","),
        ]
        return parts.joined(separator: " ")
    }

    private func compareContents() async throws {
        let query = JobQuery(visibility: .includingDeleted, limit: 501)
        let expected = try await contents(of: model, query)
        let actual = try await contents(of: test.store, query)
        guard expected == actual else {
            let differing = zip(expected, actual).first { $0 != $1 }
            throw difference(
                expected: "\(expected.count) lines: \(differing?.0 ?? "")",
                actual: "\(actual.count) lines: \(differing?.1 ?? "")")
        }
        let live = try await test.store.jobs(matching: query)
            .filter { !$0.isDryRun && !$0.status.isTerminal }
        #expect(
            Set(live.map(\.table)).count == live.count, "invariant 3: \(trace.suffix(12))")
    }

    private func contents(of store: any JobStore, _ query: JobQuery) async throws -> [String] {
        let jobs = try await store.jobs(matching: query).sorted {
            $0.id.rawValue < $1.id.rawValue
        }
        let tables = Dictionary(jobs.map { ($0.table, $0.id) }, uniquingKeysWith: { one, _ in one })
        var open: [String] = []
        for job in tables.values {
            open += try await store.openEntries(
                tableUUID: tableUUID, for: job, after: 0, limit: 1000
            ).map { "\($0.jobID) \($0.entry.path)" }
        }
        let depth = try await store.queueDepth()
        let holds = try await store.engineHolds(limit: 100).map {
            "hold \($0.claim) \($0.table) \($0.state.text())"
        }
        return jobs.map(Self.describe) + holds.sorted()
            + open.sorted()
            + ["depth \(depth)"]
    }

    private func difference(expected: String, actual: String) -> BrokenExpectation {
        BrokenExpectation(
            description: """
                the model: \(expected)
                the store: \(actual)
                after: \(trace.suffix(12).joined(separator: "\n  "))
                """)
    }
}
