// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import WireFormat

@testable import Jobs

/// What the SQL stores share.
@Suite struct StorePartsTests {
    private let plan = MigrationPlan([
        Migration(version: 1, sql: "CREATE TABLE a (x INTEGER);"),
        Migration(version: 2, sql: "CREATE TABLE b (x INTEGER);"),
    ])

    private func applied(_ count: Int) -> [AppliedMigration] {
        plan.migrations.prefix(count).map {
            AppliedMigration(version: $0.version, checksum: $0.checksum)
        }
    }

    @Test func `what is not applied yet is pending, in order`() throws {
        #expect(try plan.pending(after: []).map(\.version) == [1, 2])
        #expect(try plan.pending(after: applied(1)).map(\.version) == [2])
        #expect(try plan.pending(after: applied(2).reversed()).isEmpty)
    }

    @Test func `a newer, a changed and an incomplete schema are refused`() {
        let newer = applied(2) + [AppliedMigration(version: 3, checksum: "0")]
        let changed = [AppliedMigration(version: 1, checksum: "0")]
        let incomplete = Array(applied(2).suffix(1))

        for (rows, word) in [(newer, "version 3"), (changed, "checksum"), (incomplete, "missing")] {
            do {
                _ = try plan.pending(after: rows)
                Issue.record("accepted \(rows)")
            } catch {
                guard case .corrupt(let reason) = error else {
                    Issue.record("was \(error)")
                    continue
                }
                #expect(reason.contains(word))
            }
        }
    }

    @Test func `a checksum follows every byte`() {
        #expect(Migration(version: 1, sql: "").checksum == "cbf29ce484222325")
        #expect(Migration(version: 1, sql: "a").checksum == "af63dc4c8601ec8c")
        #expect(
            Migration(version: 1, sql: "a").checksum != Migration(version: 1, sql: "a ").checksum)
    }

    @Test func `a slow reader is told to look at everything`() async {
        let hub = SignalHub()
        var reader = hub.stream().makeAsyncIterator()

        hub.send(Array(repeating: .jobAvailable, count: SignalHub.bufferLimit))
        hub.send([.jobChanged(.random())])

        var sawResync = false
        for _ in 0..<SignalHub.bufferLimit where await reader.next() == .resync {
            sawResync = true
        }
        #expect(sawResync)
    }

    @Test func `a hub that is finished ends its streams, old and new`() async {
        let hub = SignalHub()
        var old = hub.stream().makeAsyncIterator()

        hub.finish()

        var new = hub.stream().makeAsyncIterator()
        #expect(await old.next() == nil)
        #expect(await new.next() == nil)
        #expect(hub.readerCount == 0)
    }

    @Test func `a reader that goes away is forgotten`() async {
        let hub = SignalHub()
        let reading = Task {
            for await _ in hub.stream() {}
        }
        _ = try? await eventually("somebody reads") { hub.readerCount == 1 }

        reading.cancel()
        await reading.value

        #expect(hub.readerCount == 0)
    }

    private var row: JobRow {
        JobRow(
            jobID: String(repeating: "a", count: 32), database: "d", table: "t", actions: ["x"],
            isDryRun: false, status: "running", submittedAt: 5, attemptCount: 1)
    }

    @Test func `a row becomes a job`() throws {
        var row = row
        row.options = #"{"x":{"y":1}}"#
        row.progress = JobProgress(action: "x", done: 1, total: nil, unit: "files")
            .stored(at: Timestamp(microseconds: 9)).text()

        let job = try row.job(results: [])

        #expect(job.status == .running && job.attemptCount == 1)
        #expect(job.options == ["x": ["y": 1]])
        #expect(job.progress?.updatedAt == Timestamp(microseconds: 9))
    }

    @Test func `a column that cannot be read is corrupt and named`() {
        let damages: [(column: String, damage: (inout JobRow) -> Void)] = [
            ("job_id", { $0.jobID = "A" }), ("status", { $0.status = "asleep" }),
            ("options", { $0.options = "{" }), ("progress", { $0.progress = "[]" }),
            ("attempt_id", { $0.attemptID = "x" }),
            ("last_attempt_id", { $0.lastAttemptID = "x" }),
            ("engine_state", { $0.engineState = "" }), ("aftermath", { $0.aftermath = "'" }),
        ]
        for (column, damage) in damages {
            var row = row
            damage(&row)

            let error = #expect(throws: JobStoreError.self) { try row.job(results: []) }
            guard case .corrupt(let reason)? = error else { continue }
            #expect(reason.contains(column))
        }
    }

    @Test func `a result that cannot be read is corrupt`() {
        var action = ActionRow(
            jobID: "j", action: "a", isSuccess: true, message: "", elapsedSeconds: 0)
        action.metrics = "[]"

        #expect(throws: JobStoreError.self) { try action.result() }
        action.metrics = nil
        action.plan = "{"
        #expect(throws: JobStoreError.self) { try action.result() }
    }

    @Test func `waits double to their limit and are half random`() {
        var backoff = Backoff()
        var shortest = Backoff()

        let long = (0..<10).map { _ in backoff.wait(random: .max) }
        let short = (0..<10).map { _ in shortest.wait(random: 0) }

        #expect(short.first == Backoff.shortest / 2)
        #expect(short.last == Backoff.longest / 2)
        #expect(zip(long, short).allSatisfy { $0 > $1 && $0 <= $1 * 2 })
    }

    @Test func `a bell that was rung before is heard`() async {
        let bell = Bell()

        bell.ring()
        bell.ring()

        await bell.wait()
    }

    @Test func `a cancelled waiter returns`() async {
        let bell = Bell()
        let waiting = Task { await bell.wait() }

        waiting.cancel()

        await waiting.value
    }
}
