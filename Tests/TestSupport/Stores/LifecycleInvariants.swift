// SPDX-License-Identifier: Apache-2.0

public import Jobs
import Logging
import Synchronization
import Testing
import WireFormat

/// The seven invariants of the job lifecycle, each as a test that every store's suite names.
public enum LifecycleInvariants<Store: JobStore> {
    private static var policy: SweepPolicy { SweepPolicy(maxAttempts: 3) }

    private static var settlements: [Settlement] {
        [
            .completed, .failed(error: "e", lock: .release),
            .failed(error: "e", lock: .leaveToLease),
            .retry(error: "e", after: .zero, maxAttempts: 1),
        ]
    }

    /// 1. For one job, at most one attempt ever writes a terminal status.
    public static func oneAttemptSettles(_ test: StoreUnderTest<Store>) async throws {
        let stale = try await test.running()
        try await test.advance(lease)
        _ = try await test.store.sweep(policy)
        for settlement in settlements {
            await expectFenced("stale before the next claim: \(settlement)") {
                try await test.store.settle(stale.claim, as: settlement)
            }
        }
        try await test.advance(.seconds(30))
        let current = try await test.claim()
        for settlement in settlements {
            await expectFenced("stale beside the next claim: \(settlement)") {
                try await test.store.settle(stale.claim, as: settlement)
            }
        }
        try await test.store.settle(current.claim, as: .completed)
        for settlement in settlements {
            await expectFenced("stale after the end: \(settlement)") {
                try await test.store.settle(stale.claim, as: settlement)
            }
        }

        let job = try await test.job(stale.job.id)
        #expect(job.status == .completed && job.attemptID == current.claim.attemptID)
    }

    /// 2. Every write by a worker names its attempt: with a fence that is gone, nothing is written
    /// but that a commit's outcome is unknown.
    public static func everyWriteIsFenced(_ test: StoreUnderTest<Store>) async throws {
        let stale = try await test.running()
        try await test.advance(lease)
        _ = try await test.store.sweep(policy)
        try await test.advance(.seconds(30))
        let current = try await test.claim()
        let file = FileJournalEntry(path: "file:///theirs", kind: "data_file")
        try await test.store.append([file], tableUUID: tableUUID, under: current.claim)
        let open = try await test.store.openEntries(
            tableUUID: tableUUID, for: current.job.id, after: 0, limit: 9)

        await JobStoreContract.expectEveryWriteFenced(test.store, stale.claim)
        await expectFenced("close") {
            try await test.store.close(paths: [file.path], under: stale.claim)
        }
        await expectFenced("replay") {
            try await test.store.closeReplayed(open.map(\.id), under: stale.claim)
        }

        #expect(try await test.job(stale.job.id) == current.job)
        #expect(
            try await test.store.openEntries(
                tableUUID: tableUUID, for: current.job.id, after: 0, limit: 9) == open)
    }

    /// 3. A table has at most one live real job, and only its holder's fence frees the lock.
    public static func oneLiveJobPerTable(_ test: StoreUnderTest<Store>) async throws {
        let stale = try await test.running()
        #expect(!(try await test.isFree()), "beside a running job")
        try await test.advance(lease)
        #expect(!(try await test.isFree()), "although its lease has passed")
        _ = try await test.store.sweep(policy)
        #expect(!(try await test.isFree()), "while it waits for its next attempt")
        try await test.advance(.seconds(30))
        let current = try await test.claim()

        await expectFenced("release with a stale fence") {
            try await test.store.releaseLock(underRevoked: stale.claim)
        }
        await expectFenced("renewal with a stale fence") {
            try await test.store.renew(stale.claim, lease: lease * 9, progress: nil)
        }
        #expect(!(try await test.isFree()))
        try await test.store.settle(
            current.claim, as: .failed(error: "e", lock: .leaveToLease))
        #expect(!(try await test.isFree()), "within the lease of a job that is over")
        try await test.advance(lease)
        #expect(try await test.isFree(), "the stale renewal did not extend it")

        let live = try await test.store.jobs(matching: JobQuery()).filter {
            !$0.status.isTerminal
        }
        #expect(live.count == 1)
    }

    /// 4. A submitted job is never lost, whatever dies and whenever.
    public static func noJobIsLost(_ test: StoreUnderTest<Store>) async throws {
        let abandoned = try await test.accept()
        let finished = try await test.accept(on: .visits)
        // Every worker dies right after its claim, until there are no attempts left…
        for _ in 0..<policy.maxAttempts {
            while let claimed = try await test.tryClaim() {
                // …but the second attempt at the other job lives.
                guard claimed.job.id == finished.id, claimed.job.attemptCount == 2 else { continue }
                try await test.store.settle(claimed.claim, as: .completed)
            }
            try await test.advance(lease)
            _ = try await test.store.sweep(policy)
            try await test.advance(policy.delay(afterAttempts: policy.maxAttempts))
        }

        let job = try await test.job(abandoned.id)
        #expect(job.status == .failed && job.error == "Abandoned after 3 attempts")
        #expect(try await test.job(finished.id).status == .completed)
        #expect(try await test.store.queueDepth() == 0)
        #expect(try await test.isFree())
        #expect(try await test.isFree(.visits))
    }

    /// 5. A worker without its fence changes nothing in a table: its guard asks the store.
    public static func withoutFenceNothingChanges(
        _ test: StoreUnderTest<Store>
    ) async throws {
        let changes = Mutex(0)
        let refusal = Mutex<ActionFailure?>(nil)
        let job = try await test.accept()
        let worker = try worker(on: test.store) { _, context throws(ActionFailure) in
            try await context.confirmLease(atLeast: .seconds(1))
            changes.withLock { $0 += 1 }
            do {
                _ = try await test.store.cancel(job.id)
            } catch {
                throw .failed(message: "\(error)")
            }
            do throws(ActionFailure) {
                try await context.confirmLease(atLeast: .seconds(1))
            } catch {
                refusal.withLock { $0 = error }
                throw error
            }
            changes.withLock { $0 += 1 }
            return .success("expire_snapshots")
        }

        let outcome = await worker.runOnce()

        #expect(changes.withLock { $0 } == 1)
        #expect(refusal.withLock { $0 } == .fenceLost)
        #expect(outcome == .ran(job.id, .cancelled))
        #expect(try await test.isFree())
    }

    /// 6. Leases are judged by the store's clock: a worker's that stands still changes nothing.
    public static func theStoresClockJudges(_ test: StoreUnderTest<Store>) async throws {
        let job = try await test.accept()
        let swept = Mutex<SweepReport?>(nil)
        // The worker's clock never moves, so by its own reckoning its lease is as good as new.
        let worker = try worker(on: test.store) { _, _ throws(ActionFailure) in
            do {
                #expect(try await test.store.sweep(policy) == SweepReport())
                try await test.advance(lease)
                let report = try await test.store.sweep(policy)
                swept.withLock { $0 = report }
            } catch {
                throw .failed(message: "\(error)")
            }
            return .success("expire_snapshots")
        }

        let outcome = await worker.runOnce()

        #expect(swept.withLock { $0 } == SweepReport(requeued: [job.id]))
        #expect(outcome == .ran(job.id, .fenceLost))
        #expect(try await test.job(job.id).status == .pending)
    }

    /// 7. Soft-deleted jobs stay in the store and out of normal reads.
    public static func deletedJobsStayHidden(_ test: StoreUnderTest<Store>) async throws {
        let running = try await test.running()
        try await test.store.settle(running.claim, as: .completed)
        #expect(try await test.store.softDelete(running.job.id) == .deleted)

        #expect(try await test.store.job(running.job.id, visibility: .normal) == nil)
        #expect(try await test.store.jobs(matching: JobQuery()).isEmpty)
        #expect(try await test.store.jobs(matching: JobQuery(table: .orders)).isEmpty)
        #expect(try await test.store.cancel(running.job.id) == .notFound)
        let kept = try await test.store.jobs(matching: JobQuery(visibility: .includingDeleted))
        #expect(kept.map(\.id) == [running.job.id])
        #expect(try await test.job(running.job.id).deletedAt != nil)
    }

    private static func worker(
        on store: Store, engine: @escaping ActionEngine
    ) throws -> Worker<Store, ManualClock> {
        Worker(
            store: store, id: WorkerID("invariants"),
            configuration: try WorkerConfiguration(lease: lease, heartbeat: .seconds(10)),
            clock: ManualClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, engine: engine)
    }
}
