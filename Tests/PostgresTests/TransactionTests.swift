// SPDX-License-Identifier: Apache-2.0

import Postgres
import TestSupport
import Testing

@Suite(.enabled(if: PostgresCluster.isAvailable)) struct TransactionTests {
    private func rows(_ pool: PostgresPool) async throws -> Int {
        try await pool.query("SELECT count(*) FROM t", effect: .reads)[0].decode(0)
    }

    @Test func `a body that returns is committed`() async throws {
        try await withPool { pool in
            try await pool.query("CREATE TABLE t (a int)")

            let sum = try await pool.withTransaction { transaction throws(PostgresError) in
                try await transaction.query("INSERT INTO t VALUES ($1::int)", [1])
                let result = try await transaction.query("SELECT sum(a)::int FROM t")
                return try result[0].decode(0) as Int
            }

            #expect(sum == 1)
            #expect(try await rows(pool) == 1)
        }
    }

    @Test func `a body that throws is rolled back and the connection lives on`() async throws {
        try await withPool(PoolOptions(maximumConnections: 1)) { pool in
            try await pool.query("CREATE TABLE t (a int)")
            let before = try await pool.query("SELECT pg_backend_pid()")[0].decode(0) as Int

            let error = await failure { () throws(PostgresError) in
                try await pool.withTransaction { transaction throws(PostgresError) in
                    try await transaction.query("INSERT INTO t VALUES (1)")
                    try await transaction.query("SELECT 1 / 0")
                }
            }

            #expect(error?.description == "database error 22012")
            #expect(try await rows(pool) == 0)
            #expect(try await pool.query("SELECT pg_backend_pid()")[0].decode(0) as Int == before)
        }
    }

    @Test func `a body may give up without an error`() async throws {
        try await withPool { pool in
            try await pool.query("CREATE TABLE t (a int)")

            let answer = try await pool.withTransaction { transaction throws(PostgresError) in
                try await transaction.query("INSERT INTO t VALUES (1)")
                transaction.rollBackAtEnd()
                return "no"
            }

            #expect(answer == "no")
            #expect(try await rows(pool) == 0)
        }
    }

    @Test func `a body that hides a failed statement is told so`() async throws {
        try await withPool { pool in
            try await pool.query("CREATE TABLE t (a int)")

            let error = await failure { () throws(PostgresError) in
                try await pool.withTransaction { transaction throws(PostgresError) in
                    try await transaction.query("INSERT INTO t VALUES (1)")
                    _ = await failure { () throws(PostgresError) in
                        try await transaction.query("SELECT 1 / 0")
                    }
                }
            }

            guard case .misuse = error else {
                Issue.record("\(error as Any)")
                return
            }
            #expect(try await rows(pool) == 0)
        }
    }

    @Test func `a connection lost before the commit means nothing happened`() async throws {
        try await withPool { pool in
            try await pool.query("CREATE TABLE t (a int)")

            let error = await failure { () throws(PostgresError) in
                try await pool.withTransaction { transaction throws(PostgresError) in
                    try await transaction.query("INSERT INTO t VALUES (1)")
                    try await transaction.query("SELECT pg_terminate_backend(pg_backend_pid())")
                }
            }

            guard case .unavailable = error else {
                Issue.record("\(error as Any)")
                return
            }
            #expect(try await rows(pool) == 0)
        }
    }

    @Test func `a write whose connection is lost has an unknown outcome, a read has not`()
        async throws
    {
        try await withPool { pool in
            let suicide = "SELECT pg_terminate_backend(pg_backend_pid())"

            let write = await failure { () throws(PostgresError) in try await pool.query(suicide) }
            let read = await failure { () throws(PostgresError) in
                try await pool.query(suicide, effect: .reads)
            }

            guard case .outcomeUnknown = write else {
                Issue.record("\(write as Any)")
                return
            }
            guard case .unavailable = read else {
                Issue.record("\(read as Any)")
                return
            }
            let after = try await pool.query("SELECT 1")
            #expect(after.count == 1)
        }
    }

    @Test func `a transaction left open by a borrower is rolled back`() async throws {
        try await withPool(PoolOptions(maximumConnections: 1)) { pool in
            try await pool.query("CREATE TABLE t (a int)")

            try await pool.withConnection { connection throws(PostgresError) in
                try await connection.query(PostgresStatement("BEGIN"))
                try await connection.query(PostgresStatement("INSERT INTO t VALUES (1)"))
            }

            #expect(try await rows(pool) == 0)
        }
    }
}
