// SPDX-License-Identifier: Apache-2.0

import Jobs
import Postgres
import PostgresStore
import TestSupport
import Testing
import WireFormat

/// Migrations, lost connections, texts that the server cannot store, and broken rows.
@Suite(.enabled(if: PostgresCluster.isAvailable)) struct PostgresStoreFaultTests {
    private func submission(_ table: String = "t") -> JobSubmission {
        JobSubmission(
            jobID: .random(), table: TableName(database: "db", table: table),
            actions: ["expire_snapshots"], isDryRun: false, options: .null, idempotency: nil,
            actor: "test", lockLease: .seconds(100))
    }

    private func claim(_ store: PostgresStore) async throws -> ClaimedJob {
        try #require(
            try await store.claim(by: WorkerID("w"), attempt: .random(), lease: .seconds(100)))
    }

    @Test func `many processes migrate at once, and again`() async throws {
        let url = try await PostgresCluster.shared().createDatabase()
        let configuration = try PostgresConfiguration(url: url)

        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    let store = PostgresStore(configuration)
                    try await store.migrate()
                    try await store.migrate()
                    await store.shutdown()
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `a newer schema and an edited migration stop the start`() async throws {
        try await withStore { store, clock in
            try await clock.pool.query("UPDATE shifted.schema_migrations SET checksum = 'edited'")
            await #expect(throws: JobStoreError.self) { try await store.migrate() }

            try await clock.pool.query(
                "INSERT INTO shifted.schema_migrations (version, checksum) VALUES (99, 'future')")
            let error = await #expect(throws: JobStoreError.self) { try await store.migrate() }
            guard case .corrupt(let reason)? = error else {
                Issue.record("\(error as Any)")
                return
            }
            #expect(reason.contains("99"))
        }
    }

    @Test func `without a schema the store says what to do`() async throws {
        let url = try await PostgresCluster.shared().createDatabase()
        let store = PostgresStore(try PostgresConfiguration(url: url))

        let error = await #expect(throws: JobStoreError.self) {
            try await store.submit(submission())
        }

        #expect("\(error as Any)".contains("icepack migrate"))
        await store.shutdown()
    }

    @Test func `the autoscaler's query works as published`() async throws {
        try await withStore { store, clock in
            _ = try await store.submit(submission("a"))
            _ = try await store.submit(submission("b"))
            _ = try await claim(store)

            let count = try await clock.pool.withTransaction { transaction throws(PostgresError) in
                try await transaction.query("SET LOCAL search_path = shifted, pg_catalog")
                return try await transaction.query(
                    """
                    SELECT COUNT(*) FROM job_queue
                    WHERE claimed_at IS NULL AND visible_at <= NOW()
                    """
                )[0].decode(0, as: Int.self)
            }

            #expect(count == 1)
            #expect(try await store.queueDepth() == 1)
        }
    }

    @Test func `a listener that is cut off hears of what follows`() async throws {
        try await withStore { store, clock in
            let signals = await store.signals()
            var iterator = signals.makeAsyncIterator()
            #expect(await iterator.next() == .resync, "connected")

            try await clock.pool.query(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE query LIKE 'LISTEN%' AND datname = current_database()
                """)

            #expect(await iterator.next() == .resync, "connected again")
            let submitted = submission()
            _ = try await store.submit(submitted)
            var heard: [JobSignal] = []
            while heard.count < 2, let signal = await iterator.next() { heard.append(signal) }
            #expect(Set(heard) == [.jobAvailable, .jobChanged(submitted.jobID)])
        }
    }

    @Test func `too many signals at once become one to look at everything`() async throws {
        try await withStore(connections: 8) { store, _ in
            let signals = await store.signals()
            for number in 0..<300 { _ = try await store.submit(submission("t\(number)")) }

            try await withDeadline("no signal of a job") {
                for await signal in signals where signal == .jobAvailable || signal == .resync {
                    return
                }
            }
        }
    }

    @Test func `U+0000 in a message does not stop a job from ending`() async throws {
        try await withStore { store, _ in
            _ = try await store.submit(submission())
            let held = try await claim(store)

            try await store.record(
                ActionResult(
                    action: "a", isSuccess: false, message: "bad\0byte", error: "x\0",
                    elapsedSeconds: 0,
                    metrics: JSONObject([.init(key: "k\0", value: .string("v\0"))])),
                under: held.claim)
            let end = Settlement.failed(error: "bad\0byte", lock: .release)
            try await store.settle(held.claim, as: end)
            try await store.settle(held.claim, as: end)

            let job = try await store.job(held.job.id, visibility: .normal)
            #expect(job?.error == "bad\u{FFFD}byte")
            #expect(job?.results.first?.message == "bad\u{FFFD}byte")
            #expect(job?.results.first?.metrics["k\u{FFFD}"] == .string("v\u{FFFD}"))
        }
    }

    @Test func `a path with U+0000 is refused, never shortened`() async throws {
        try await withStore { store, _ in
            _ = try await store.submit(submission())
            let held = try await claim(store)

            let error = await #expect(throws: JobStoreError.self) {
                try await store.append(
                    [FileJournalEntry(path: "file:///a\0b", kind: "data_file")], tableUUID: "u",
                    under: held.claim)
            }

            guard case .corrupt? = error else {
                Issue.record("\(error as Any)")
                return
            }
        }
    }

    @Test func `a row that cannot be read is reported, not guessed`() async throws {
        try await withStore { store, clock in
            let submitted = submission()
            _ = try await store.submit(submitted)
            try await clock.pool.query("UPDATE shifted.jobs SET attempt_id = 'not hexadecimal'")

            let error = await #expect(throws: JobStoreError.self) {
                try await store.job(submitted.jobID, visibility: .normal)
            }

            guard case .corrupt? = error else {
                Issue.record("\(error as Any)")
                return
            }
        }
    }

    @Test func `a queued job that cannot be read fails alone, and the next is claimed`()
        async throws
    {
        try await withStore { store, clock in
            let broken = submission("broken")
            let healthy = submission("healthy")
            _ = try await store.submit(broken)
            _ = try await store.submit(healthy)
            try await clock.pool.query(
                "UPDATE shifted.jobs SET progress = '[]' WHERE job_id = $1",
                [.text(broken.jobID.rawValue)])

            #expect(try await claim(store).job.id == healthy.jobID)

            try await clock.pool.query("UPDATE shifted.jobs SET progress = NULL")
            let failed = try await store.job(broken.jobID, visibility: .normal)
            #expect(failed?.status == .failed && failed?.completedAt != nil)
            #expect(
                failed?.error
                    == JobMessages.unreadable(
                        "jobs.progress of job \(broken.jobID) cannot be read"))
            guard case .accepted = try await store.submit(submission("broken")) else {
                Issue.record("the table is not free")
                return
            }
        }
    }

    @Test func `a claim gives up after a hundred jobs that cannot be read`() async throws {
        try await withStore { store, clock in
            for number in 0..<101 { _ = try await store.submit(submission("t\(number)")) }
            try await clock.pool.query("UPDATE shifted.jobs SET progress = '[]'")

            let error = await #expect(throws: JobStoreError.self) { _ = try await claim(store) }

            guard case .corrupt? = error else {
                Issue.record("\(error as Any)")
                return
            }
            #expect(try await store.queueDepth() == 1)
        }
    }

    @Test func `purging history leaves the audit log alone`() async throws {
        try await withStore { store, clock in
            try await store.audit(AuditEvent(actor: "a", event: "e", jobID: nil))
            try await clock.advance(by: .seconds(1000))

            _ = try await store.purgeHistory(olderThan: .seconds(1))

            let rows = try await clock.pool.query(
                "SELECT count(*) FROM shifted.audit_log", effect: .reads)
            #expect(try rows.first?.decode(0, as: Int.self) == 1)
        }
    }

    @Test func `a lock that belongs to another job stops the claim and changes nothing`()
        async throws
    {
        try await withStore { store, clock in
            let submitted = submission()
            _ = try await store.submit(submitted)
            try await clock.pool.query(
                "UPDATE shifted.table_locks SET holder = $1", [.text(JobID.random().rawValue)])

            let error = await #expect(throws: JobStoreError.self) { _ = try await claim(store) }

            guard case .corrupt? = error else {
                Issue.record("\(error as Any)")
                return
            }
            let job = try await store.job(submitted.jobID, visibility: .normal)
            #expect(job?.status == .pending && job?.attemptCount == 0)
        }
    }

    @Test func `a hold that is given up is in the audit log`() async throws {
        try await withStore { store, clock in
            _ = try await store.submit(submission())
            let held = try await claim(store)
            try await store.setEngineState(["engine": "spark"], under: held.claim)
            try await store.settle(held.claim, as: .failed(error: "e", lock: .release))
            try await clock.advance(by: SweepPolicy.engineHoldLimit + .seconds(1))

            _ = try await store.sweep(SweepPolicy(maxAttempts: 3))

            let rows = try await clock.pool.query(
                "SELECT actor, event, job_id, details FROM shifted.audit_log", effect: .reads)
            let row = try #require(rows.first)
            let expected = SweepPolicy.givenUpEvent(
                held.job.id, on: TableName(database: "db", table: "t"))
            #expect(rows.count == 1)
            #expect(try row.decode(0, as: String.self) == expected.actor)
            #expect(try row.decode(1, as: String.self) == expected.event)
            #expect(try row.decode(2, as: String.self) == held.job.id.rawValue)
            #expect(
                try JSONValue(parsing: try row.decode(3, as: String.self)) == expected.details)
        }
    }

    @Test func `a lock row that somebody removed is put back by the claim`() async throws {
        try await withStore { store, clock in
            let submitted = submission()
            _ = try await store.submit(submitted)
            try await clock.pool.query("DELETE FROM shifted.table_locks")
            #expect(try await store.submit(submission()) == .locked(by: submitted.jobID))

            let held = try await claim(store)

            try await store.renew(held.claim, lease: .seconds(100), progress: nil)
            #expect(try await store.submit(submission()) == .locked(by: submitted.jobID))
        }
    }

    @Test func `two processes do not sync the tables at the same time`() async throws {
        let url = try await PostgresCluster.shared().createDatabase()
        let first = PostgresStore(try PostgresConfiguration(url: url))
        let second = PostgresStore(try PostgresConfiguration(url: url))

        let inner = try await first.withLock(.tableSync) {
            try await second.withLock(.tableSync) { "both" } ?? "one"
        }

        #expect(inner == "one")
        #expect(try await second.withLock(.tableSync) { "free" } == "free")
        await first.shutdown()
        await second.shutdown()
    }

    @Test func `a task that was lost with its session is taken again, unless somebody has it`()
        async throws
    {
        let cluster = try await PostgresCluster.shared()
        let url = try await cluster.createDatabase()
        let name = String(try #require(url.split(separator: "/").last))
        let first = PostgresStore(try PostgresConfiguration(url: url))
        let second = PostgresStore(try PostgresConfiguration(url: url))
        @Sendable func loseSession() async throws {
            _ = try await cluster.execute(
                """
                SELECT pg_terminate_backend(pid)
                FROM pg_locks JOIN pg_database d ON d.oid = database
                WHERE locktype = 'advisory' AND datname = current_database()
                """, database: name)
        }

        let seen = try await first.withLock(.orchestratorRun) { lease in
            let atFirst = try await lease.isHeld()
            try await loseSession()
            let again = try await lease.isHeld()
            let other = try await second.withLock(.orchestratorRun) { true }
            try await loseSession()
            let taken = try await second.withLock(.orchestratorRun) { try await lease.isHeld() }
            return [atFirst, again, other == nil, taken == false, try await lease.isHeld()]
        }

        #expect(seen == [true, true, true, true, true])
        await first.shutdown()
        await second.shutdown()
    }

    @Test func `a listing of more tables than one statement takes is replaced whole`() async throws
    {
        try await withStore { store, _ in
            let tables = (0..<5_001).map {
                CachedTable(name: TableName(database: "db", table: "t\($0)"))
            }

            try await store.replaceCachedTables(tables)
            #expect(try await store.cachedTables(database: "db").count == 5_001)
            try await store.replaceCachedTables(Array(tables.prefix(1)))

            #expect(try await store.cachedTables(database: nil) == Array(tables.prefix(1)))
        }
    }

    @Test func `a journal of more files than one statement takes is one call`() async throws {
        try await withStore { store, _ in
            _ = try await store.submit(submission())
            let held = try await claim(store)
            let files = (0..<10_001).map {
                FileJournalEntry(path: "file:///f\($0)", kind: "data_file")
            }

            try await store.append(files + files.prefix(1), tableUUID: "u", under: held.claim)
            let job = held.claim.jobID
            let open = try await store.openEntries(
                tableUUID: "u", for: job, after: 0, limit: 10_000)
            try await store.closeReplayed(open.map(\.id), under: held.claim)

            let rest = try await store.openEntries(
                tableUUID: "u", for: job, after: 0, limit: 10_000)
            #expect(open.count == 10_000)
            #expect(rest.map(\.entry) == [files[10_000]])
        }
    }

    @Test func `a store without its server is unavailable, and back when it is`() async throws {
        let cluster = try await PostgresCluster.start()
        var limits = PostgresPool.Limits()
        limits.acquireTimeout = .milliseconds(500)
        let store = PostgresStore(
            try PostgresConfiguration(url: cluster.url(database: "postgres")), limits: limits)
        try await eventually("migrated") {
            do throws(JobStoreError) {
                try await store.migrate()
                return true
            } catch {
                return false
            }
        }

        try await cluster.stop()
        let error = await #expect(throws: JobStoreError.self) {
            try await store.submit(submission())
        }
        try await cluster.resume()

        guard case .unavailable? = error else {
            Issue.record("\(error as Any)")
            return
        }
        try await eventually("the store is back") {
            do throws(JobStoreError) {
                try await store.ping(within: .seconds(5))
                return true
            } catch {
                return false
            }
        }
        await store.shutdown()
        try await cluster.stop()
    }
}
