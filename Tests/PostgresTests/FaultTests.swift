// SPDX-License-Identifier: Apache-2.0

import Glibc
import Postgres
import TestSupport
import Testing

/// What happens when tasks, connections and servers end early.
@Suite(.enabled(if: PostgresCluster.isAvailable)) struct FaultTests {
    @Test func `a cancelled task stops its statement on the server`() async throws {
        try await withPool { pool in
            let task = Task { () async -> PostgresError? in
                await failure { () throws(PostgresError) in
                    try await pool.query("SELECT pg_sleep(60) /* victim */")
                }
            }
            @Sendable func isRunning() async throws -> Bool {
                try await pool.query(
                    """
                    SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%victim%'
                        AND state = 'active' AND pid <> pg_backend_pid()
                    """)[0].decode(0) as Int > 0
            }
            #expect(try await eventually { try await isRunning() })

            task.cancel()

            #expect(await task.value == .cancelled)
            #expect(try await !isRunning())
            let after = try await pool.query("SELECT 1")
            #expect(after.count == 1)
        }
    }

    @Test func `a task cancelled before it asks sends nothing`() async throws {
        try await withPool { pool in
            try await pool.query("CREATE TABLE t (a int)")
            let task = Task { () async -> PostgresError? in
                while !Task.isCancelled { await Task.yield() }
                return await failure { () throws(PostgresError) in
                    try await pool.query("INSERT INTO t VALUES (1)")
                }
            }

            task.cancel()

            #expect(await task.value == .cancelled)
            #expect(try await pool.query("SELECT count(*) FROM t")[0].decode(0) as Int == 0)
        }
    }

    @Test func `a task cancelled while it waits for a connection stops waiting`() async throws {
        try await withPool(PoolOptions(maximumConnections: 1)) { pool in
            try await pool.withConnection { _ throws(PostgresError) in
                let task = Task { () async -> PostgresError? in
                    await failure { () throws(PostgresError) in try await pool.query("SELECT 1") }
                }
                task.cancel()
                #expect(await task.value == .cancelled)
            }
            let after = try await pool.query("SELECT 1")
            #expect(after.count == 1)
        }
    }

    @Test func `who waits too long for a connection is told so`() async throws {
        try await withPool(
            PoolOptions(maximumConnections: 1, acquireTimeout: .milliseconds(50))
        ) { pool in
            // Opening the first connection may itself take longer than this pool's patience.
            let isOpen = try await eventually {
                await failure { () throws(PostgresError) in try await pool.query("SELECT 1") }
                    == nil
            }
            #expect(isOpen)

            let error = try await pool.withConnection { _ throws(PostgresError) in
                await failure { () throws(PostgresError) in try await pool.query("SELECT 1") }
            }

            #expect(error == .unavailable(reason: "all connections (1) stayed in use"))
        }
    }

    @Test func `the server ends a statement that takes too long`() async throws {
        try await withPool(PoolOptions(statementTimeout: .milliseconds(50))) { pool in
            let error = await failure { () throws(PostgresError) in
                try await pool.query("SELECT pg_sleep(60)")
            }

            guard case .server(let server) = error else {
                Issue.record("\(error as Any)")
                return
            }
            #expect(server.sqlState == SQLState.queryCanceled)
        }
    }

    @Test func `a server that has gone silent is given up`() async throws {
        try await withPool(
            PoolOptions(
                maximumConnections: 1, statementTimeout: .milliseconds(300),
                replyGrace: .milliseconds(300))
        ) { pool in
            let backend = try await pool.query("SELECT pg_backend_pid()")[0].decode(0) as Int
            kill(pid_t(backend), SIGSTOP)
            // Killing it instead would take every other test's session with it.
            defer { kill(pid_t(backend), SIGCONT) }

            let error = await failure { () throws(PostgresError) in
                try await pool.query("SELECT 1", effect: .reads)
            }

            #expect(error == .unavailable(reason: "the server did not reply in time"))
            kill(pid_t(backend), SIGCONT)
            #expect(
                try await eventually {
                    await failure { () throws(PostgresError) in try await pool.query("SELECT 1") }
                        == nil
                })
        }
    }

    @Test func `a restart of the server breaks what is under way and no more`() async throws {
        let cluster = try await PostgresCluster.start()
        try await withPool(url: cluster.url(database: "postgres")) { pool in
            let running = Task { () async -> PostgresError? in
                await failure { () throws(PostgresError) in
                    try await pool.query("SELECT pg_sleep(60)")
                }
            }
            #expect(try await eventually { pool.openConnections >= 1 })

            try await cluster.restart()

            guard case .outcomeUnknown = await running.value else {
                Issue.record("\(String(describing: await running.value))")
                return
            }
            let after = try await pool.query("SELECT 1", effect: .reads)
            #expect(after.count == 1)
        }
        try await cluster.stop()
    }

    @Test func `without a server every call says so after its patience`() async throws {
        let nowhere = "postgres://nobody:hidden@127.0.0.1:1/none"
        try await withPool(url: nowhere, PoolOptions(acquireTimeout: .milliseconds(200))) {
            pool in
            let error = await failure { () throws(PostgresError) in
                try await pool.query("SELECT 1")
            }

            guard case .unavailable(let reason) = error else {
                Issue.record("\(error as Any)")
                return
            }
            #expect(reason.contains("refused"))
            #expect(!reason.contains("hidden"))
        }
    }

    @Test func `a wrong password is refused at once and never shown`() async throws {
        let cluster = try await PostgresCluster.shared()
        var url = cluster.url(database: "postgres", user: "guarded:wr0ng-p4ss")
        try await withPool(url: url) { pool in
            let clock = ContinuousClock()
            let start = clock.now

            let error = await failure { () throws(PostgresError) in
                try await pool.query("SELECT 1")
            }

            #expect(clock.now - start < pool.limits.acquireTimeout)
            #expect("\(error as Any)".contains("password authentication failed"))
            #expect(!"\(error as Any)".contains("wr0ng-p4ss"))
        }
        url = cluster.url(database: "postgres", user: "guarded:s3cr%3At%2Fw%40rd%20%25")
        try await withPool(url: url) { pool in
            let user = try await pool.query("SELECT current_user::text")
            #expect(try user[0].decode(0) as String == PostgresCluster.guardedUser)
        }
    }

    @Test func `a pool that was shut down serves nobody and has let everybody finish`() async throws
    {
        try await withPool { pool in
            try await pool.query("CREATE TABLE t (a int)")
            let last = Task {
                await failure { () throws(PostgresError) in
                    try await pool.query("INSERT INTO t SELECT 1 FROM pg_sleep(0.2)")
                }
            }
            #expect(try await eventually { pool.openConnections == 1 })

            await pool.shutdown()

            #expect(pool.openConnections == 0)
            let error = await last.value
            #expect(error == nil || error == .closed)
            let late = await failure { () throws(PostgresError) in try await pool.query("SELECT 1")
            }
            #expect(late == .closed)
        }
    }
}
