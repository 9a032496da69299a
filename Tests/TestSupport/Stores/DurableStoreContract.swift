// SPDX-License-Identifier: Apache-2.0

public import Jobs
public import Testing
import WireFormat

/// A place that holds a store's data, and ways to open and to damage it.
public struct DurableStoreUnderTest<Store: JobStore>: Sendable {
    /// What a test can do to the data behind the store's back.
    public enum Damage: Hashable, Sendable {
        /// `schema_migrations` says a version was applied that nobody knows yet.
        case newerSchema
        /// `schema_migrations` says version 1 was applied with another checksum.
        case changedChecksum
        /// `jobs.progress` of this job is valid JSON of the wrong shape.
        case malformedProgress(JobID)
        /// `jobs.progress` of this job is empty again.
        case clearedProgress(JobID)
        /// `jobs.attempt_id` of this job is no attempt id.
        case malformedFence(JobID)
        /// Every row of `table_locks` is removed, as an operator might who wants to help.
        case removedLocks
    }

    /// A store on the same data, as another process would open it; not migrated.
    public let open: @Sendable () async throws -> Store
    /// Moves the clock by which every store on the data judges leases.
    public let advance: @Sendable (Duration) async throws -> Void
    /// Damages the data.
    public let damage: @Sendable (Damage) async throws -> Void

    /// Takes every hook.
    public init(
        open: @escaping @Sendable () async throws -> Store,
        advance: @escaping @Sendable (Duration) async throws -> Void,
        damage: @escaping @Sendable (Damage) async throws -> Void
    ) {
        self.open = open
        self.advance = advance
        self.damage = damage
    }

    /// A migrated store.
    func migrated() async throws -> StoreUnderTest<Store> {
        let store = try await open()
        try await store.migrate()
        return StoreUnderTest(store: store, advance: advance)
    }
}

/// One rule about data that outlives its store.
public struct DurableStoreRule<Store: JobStore>: Sendable, CustomTestStringConvertible {
    /// The rule, as a sentence.
    public let testDescription: String
    /// Breaks a test if the store does not keep it.
    public let check: @Sendable (DurableStoreUnderTest<Store>) async throws -> Void
}

/// What every store that keeps its data must do besides ``JobStoreContract``.
public enum DurableStoreContract<Store: JobStore> {
    private static func rule(
        _ sentence: String,
        _ check: @escaping @Sendable (DurableStoreUnderTest<Store>) async throws -> Void
    ) -> DurableStoreRule<Store> {
        DurableStoreRule(testDescription: sentence, check: check)
    }

    /// Every rule.
    public static var rules: [DurableStoreRule<Store>] { migrating + sharing + damaged }

    static var migrating: [DurableStoreRule<Store>] {
        [
            rule("migrating twice changes nothing") { place in
                let test = try await place.migrated()
                let job = try await test.accept()

                try await test.store.migrate()

                #expect(try await test.job(job.id) == job)
            },
            rule("eight callers at once migrate once") { place in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<8 {
                        group.addTask {
                            let store = try await place.open()
                            try await store.migrate()
                            await store.shutdown()
                        }
                    }
                    try await group.waitForAll()
                }

                try await place.migrated().accept()
            },
            rule("a schema newer than the program stops it") { place in
                try await place.migrated().accept()
                try await place.damage(.newerSchema)

                let store = try await place.open()
                try await expectCorrupt("newer") { try await store.migrate() }
            },
            rule("a migration that has changed since it was applied stops the program") { place in
                try await place.migrated().accept()
                try await place.damage(.changedChecksum)

                let store = try await place.open()
                try await expectCorrupt("changed") { try await store.migrate() }
            },
        ]
    }

    static var sharing: [DurableStoreRule<Store>] {
        [
            rule("what one process writes, another reads, and both keep the rules") { place in
                let first = try await place.migrated()
                let second = try await place.migrated()
                let job = try await first.accept()

                #expect(try await second.job(job.id) == job)
                #expect(try await second.store.submit(second.submission()) == .locked(by: job.id))
                let claimed = try await second.claim()
                #expect(try await first.tryClaim() == nil)
                _ = try await first.store.cancel(job.id)
                await expectFenced("renew") {
                    try await second.store.renew(claimed.claim, lease: lease, progress: nil)
                }
            },
            rule("data outlives the store that wrote it") { place in
                let first = try await place.migrated()
                let running = try await first.running()
                await first.store.shutdown()

                let second = try await place.migrated()

                #expect(try await second.job(running.job.id) == running.job)
                try await second.store.settle(running.claim, as: .completed)
            },
            rule("another process's submission is heard") { place in
                let listener = try await place.migrated()
                let other = try await place.migrated()
                let signals = await listener.store.signals()

                try await other.accept()

                try await withDeadline("no signal came from another process") {
                    for await signal in signals {
                        switch signal {
                        case .jobAvailable, .resync: return
                        case .jobChanged, .jobCancelled: break
                        }
                    }
                }
            },
            rule("many processes claim and settle a queue exactly once") { place in
                let first = try await place.migrated()
                for number in 0..<20 {
                    try await first.accept(on: TableName(database: "s", table: "t\(number)"))
                }

                let settled = try await withThrowingTaskGroup(of: [JobID].self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            let worker = try await place.migrated()
                            var done: [JobID] = []
                            while let claimed = try await worker.tryClaim() {
                                try await worker.store.settle(claimed.claim, as: .completed)
                                done.append(claimed.job.id)
                            }
                            return done
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }

                #expect(settled.count == 20 && Set(settled).count == 20)
            },
        ]
    }

    static var damaged: [DurableStoreRule<Store>] {
        [
            rule("progress that cannot be read is corrupt, and other jobs are not") { place in
                let test = try await place.migrated()
                let broken = try await test.running()
                let healthy = try await test.accept(on: .visits)
                try await place.damage(.malformedProgress(broken.job.id))

                try await expectCorrupt("progress") {
                    _ = try await test.store.job(broken.job.id, visibility: .normal)
                }
                #expect(try await test.job(healthy.id) == healthy)
            },
            rule("a queued job that cannot be read fails alone, and the next is claimed") { place in
                let test = try await place.migrated()
                let broken = try await test.accept()
                let healthy = try await test.accept(on: .visits)
                try await place.damage(.malformedProgress(broken.id))

                let claimed = try await test.claim()

                #expect(claimed.job.id == healthy.id)
                #expect(try await test.tryClaim() == nil)
                #expect(try await test.isFree(), "its table is free")
                try await place.damage(.clearedProgress(broken.id))
                let failed = try await test.job(broken.id)
                #expect(failed.status == .failed && failed.completedAt != nil)
                #expect(
                    failed.error
                        == JobMessages.unreadable(
                            "jobs.progress of job \(broken.id) cannot be read"))
            },
            rule("a fence that cannot be read is corrupt") { place in
                let test = try await place.migrated()
                let broken = try await test.running()
                try await place.damage(.malformedFence(broken.job.id))

                try await expectCorrupt("fence") {
                    _ = try await test.store.job(broken.job.id, visibility: .normal)
                }
                await expectFenced("the claim no longer matches") {
                    try await test.store.record(.success("a"), under: broken.claim)
                }
            },
            rule("without its lock row a live job still keeps its table") { place in
                let test = try await place.migrated()
                let job = try await test.accept()
                try await place.damage(.removedLocks)

                #expect(try await test.store.submit(test.submission()) == .locked(by: job.id))
                let claimed = try await test.claim()
                try await test.store.renew(claimed.claim, lease: lease, progress: nil)
                try await test.store.settle(claimed.claim, as: .completed)
                #expect(try await test.isFree())
            },
            rule("a worker whose lock row was removed is fenced") { place in
                let test = try await place.migrated()
                let running = try await test.running()
                try await place.damage(.removedLocks)

                await expectFenced("renew") {
                    try await test.store.renew(running.claim, lease: lease, progress: nil)
                }
            },
        ]
    }

    private static func expectCorrupt(
        _ what: String, _ body: () async throws -> Void
    ) async throws {
        do {
            try await body()
            Issue.record("\(what): nothing was thrown")
        } catch JobStoreError.corrupt {
            return
        }
    }
}
