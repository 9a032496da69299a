// SPDX-License-Identifier: Apache-2.0

public import Jobs
public import Testing
import WireFormat

/// A fresh, migrated store and what a test needs besides its port.
public struct StoreUnderTest<Store: JobStore>: Sendable {
    /// The store.
    public let store: Store
    /// Moves the clock by which the store judges leases.
    public let advance: @Sendable (Duration) async throws -> Void

    /// Takes both.
    public init(store: Store, advance: @escaping @Sendable (Duration) async throws -> Void) {
        self.store = store
        self.advance = advance
    }
}

/// One rule that every store keeps.
public struct JobStoreRule<Store: JobStore>: Sendable, CustomTestStringConvertible {
    /// The rule, as a sentence.
    public let testDescription: String
    /// Breaks a test if the store does not keep it.
    public let check: @Sendable (StoreUnderTest<Store>) async throws -> Void

    init(
        _ sentence: String,
        check: @escaping @Sendable (StoreUnderTest<Store>) async throws -> Void
    ) {
        testDescription = sentence
        self.check = check
    }
}

/// What every store must do, as rules to be checked one by one on a fresh store each.
public enum JobStoreContract<Store: JobStore> {
    typealias Rule = JobStoreRule<Store>

    /// Every rule.
    public static var rules: [JobStoreRule<Store>] {
        // Not a sum: the compiler takes minutes over long ones.
        [
            submitting, idempotency, claiming, fencing, settling, cancelling, sweeping,
            holding, reading, journal, cache, observing, signalling,
        ].flatMap { $0 }
    }
}

/// Something that a rule needs did not happen.
struct BrokenExpectation: Error, CustomStringConvertible {
    let description: String
}

/// The lease that rules claim with unless they say otherwise.
let lease: Duration = .seconds(100)

let tableUUID = "11111111-2222-4333-8444-555555555555"

extension TableName {
    static let orders = TableName(database: "sales", table: "orders")
    static let visits = TableName(database: "web.raw", table: "visits")
}

extension StoreUnderTest {
    func submission(
        on table: TableName = .orders, id: JobID = .random(),
        actions: [String] = ["expire_snapshots"], dryRun isDryRun: Bool = false,
        options: JSONValue = .null, key: String? = nil, digest: String = "d1",
        lockLease: Duration = lease
    ) -> JobSubmission {
        JobSubmission(
            jobID: id, table: table, actions: actions, isDryRun: isDryRun, options: options,
            idempotency: key.map { .init(key: $0, digest: digest) }, actor: "test",
            lockLease: lockLease)
    }

    /// Submits a job that must be accepted.
    @discardableResult func accept(
        on table: TableName = .orders, actions: [String] = ["expire_snapshots"],
        key: String? = nil, lockLease: Duration = lease
    ) async throws -> Job {
        let outcome = try await store.submit(
            submission(on: table, actions: actions, key: key, lockLease: lockLease))
        guard case .accepted(let job) = outcome else {
            throw BrokenExpectation(description: "expected to be accepted, was \(outcome)")
        }
        return job
    }

    func tryClaim(lease duration: Duration = lease) async throws -> ClaimedJob? {
        try await store.claim(by: WorkerID("w:1:1"), attempt: .random(), lease: duration)
    }

    func claim(lease duration: Duration = lease) async throws -> ClaimedJob {
        guard let claimed = try await tryClaim(lease: duration) else {
            throw BrokenExpectation(description: "nothing to claim")
        }
        return claimed
    }

    /// A running job.
    func running(on table: TableName = .orders) async throws -> ClaimedJob {
        try await accept(on: table)
        return try await claim()
    }

    func job(_ id: JobID) async throws -> Job {
        guard let job = try await store.job(id, visibility: .includingDeleted) else {
            throw BrokenExpectation(description: "job \(id) is gone")
        }
        return job
    }

    /// Whether the table is free for a new job; takes it if it is.
    func isFree(_ table: TableName = .orders) async throws -> Bool {
        switch try await store.submit(submission(on: table)) {
        case .accepted: true
        case .repeated, .locked, .idempotencyMismatch: false
        }
    }
}

func expectFenced(
    _ what: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Void
) async {
    await #expect(throws: JobStoreError.fenced, "\(what)", sourceLocation: sourceLocation) {
        try await body()
    }
}

extension ActionResult {
    static func success(_ action: String, message: String = "done") -> ActionResult {
        ActionResult(
            action: action, isSuccess: true, message: message, impact: "1 file",
            elapsedSeconds: 0.25, metrics: JSONObject([.init(key: "files", value: 1)]),
            engine: "native", engineReason: "native comes first")
    }
}
