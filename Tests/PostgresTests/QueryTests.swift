// SPDX-License-Identifier: Apache-2.0

import Postgres
import TestSupport
import Testing

@Suite(.enabled(if: PostgresCluster.isAvailable)) struct QueryTests {
    @Test(arguments: [
        "", "plain", "it's \"quoted\" \\ and\n\tspaced", "naïve 漢字 🧊", "{a,\"b\"}", "NULL", "$1",
    ])
    func `a text comes back as it was sent`(text: String) async throws {
        try await withPool { pool in
            let result = try await pool.query(
                "SELECT $1::text, $2::text[]", [.text(text), .texts([text, "x"])])

            #expect(try result[0].decode(0) as String == text)
            #expect(try result[0].decode(1) as [String] == [text, "x"])
        }
    }

    @Test func `every kind of value makes the round trip`() async throws {
        try await withPool { pool in
            let result = try await pool.query(
                """
                SELECT $1::bigint, $2::bigint, $3::boolean, $4::boolean, $5::double precision,
                    $6::text, $7::text[], $8::bigint[]::text[], $9::jsonb, $10::double precision
                """,
                [
                    .integer(.max), .integer(.min), true, false, .double(0.1), nil, .texts([]),
                    .integers([1, -2]), #"{"a": 1}"#, .double(.infinity),
                ])
            let row = try #require(result.first)

            #expect(try row.decode(0) as Int64 == .max)
            #expect(try row.decode(1) as Int64 == .min)
            #expect(try row.decode(2) as Bool)
            #expect(try !row.decode(3, as: Bool.self))
            #expect(try row.decode(4) as Double == 0.1)
            #expect(try row.decodeIfPresent(5, as: String.self) == nil)
            #expect(try row.decode(6) as [String] == [])
            #expect(try row.decode(7) as [String] == ["1", "-2"])
            #expect(try row.decode(8) as String == #"{"a": 1}"#)
            #expect(try row.decode(9) as Double == .infinity)
        }
    }

    @Test func `a value of another type or a NULL is refused`() async throws {
        try await withPool { pool in
            let result = try await pool.query("SELECT 'x', NULL, '9223372036854775808', '{NULL}'")
            let row = try #require(result.first)

            #expect(throws: PostgresError.decoding(reason: "column 0 is no Int64")) {
                try row.decode(0, as: Int64.self)
            }
            #expect(throws: PostgresError.decoding(reason: "column 1 is NULL")) {
                try row.decode(1, as: String.self)
            }
            #expect(throws: PostgresError.self) { try row.decode(2, as: Int64.self) }
            #expect(throws: PostgresError.self) { try row.decode(3, as: [String].self) }
            #expect(throws: PostgresError.decoding(reason: "no column 4")) {
                try row.decode(4, as: String.self)
            }
        }
    }

    @Test func `a text with U+0000 is refused before it is cut short`() async throws {
        try await withPool { pool in
            for value in [PostgresValue.text("a\0b"), .texts(["a\0b"])] {
                let error = await failure { () throws(PostgresError) in
                    try await pool.query("SELECT $1::text", [value])
                }
                #expect(error == .misuse(reason: "parameter 1 contains U+0000"))
            }
            let after = try await pool.query("SELECT 1")
            #expect(after.count == 1, "the connection is still good")
        }
    }

    @Test func `values of megabytes pass both ways while others work`() async throws {
        try await withPool(PoolOptions(maximumConnections: 2)) { pool in
            let large = String(repeating: "0123456789abcdef", count: 1 << 20)

            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        let echo = try await pool.query("SELECT $1::text", [.text(large)])
                        #expect(try echo[0].decode(0) as String == large)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `a refused statement says its code, and shows its values to nobody`() async throws {
        try await withPool { pool in
            try await pool.query("CREATE TABLE t (a text CONSTRAINT only_one PRIMARY KEY)")
            try await pool.query("INSERT INTO t VALUES ($1)", ["secret"])

            let error = await failure { () throws(PostgresError) in
                try await pool.query("INSERT INTO t VALUES ($1)", ["secret"])
            }

            guard case .server(let server) = error else {
                Issue.record("\(error as Any)")
                return
            }
            #expect(server.sqlState == SQLState.uniqueViolation)
            #expect(server.constraint == "only_one")
            #expect(server.description == "database error 23505 (constraint only_one)")
            let input = await failure { () throws(PostgresError) in
                try await pool.query("SELECT $1::text::int", ["secret"])
            }
            #expect(input?.description == "database error 22P02")
        }
    }

    @Test func `a hundred tasks share four connections`() async throws {
        try await withPool(PoolOptions(maximumConnections: 4)) { pool in
            let sum = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        var sum = 0
                        for _ in 0..<10 {
                            sum += try await pool.query(
                                "SELECT $1::int", [.int(number)], effect: .reads)[0].decode(0)
                        }
                        return sum
                    }
                }
                return try await group.reduce(0, +)
            }

            #expect(sum == 49_500)
            #expect(pool.openConnections <= 4)
        }
    }

    @Test func `a batch is one transaction`() async throws {
        try await withPool { pool in
            try await pool.query("CREATE TABLE t (a int PRIMARY KEY)")
            let insert = PostgresStatement("INSERT INTO t VALUES ($1::int)", [1])

            let error = await failure { () throws(PostgresError) in
                try await pool.batch([insert, insert])
            }
            let results = try await pool.batch([
                insert, PostgresStatement("SELECT count(*) FROM t"),
            ])

            guard case .server = error else {
                Issue.record("\(error as Any)")
                return
            }
            #expect(results[0].affectedRows == 1)
            #expect(try results[1][0].decode(0) as Int == 1)
        }
    }

    @Test func `a batch has a limit`() async throws {
        try await withPool { pool in
            let one = PostgresStatement("SELECT 1", effect: .reads)
            let limit = PostgresConnection.maximumBatch

            let results = try await pool.batch(Array(repeating: one, count: limit))
            #expect(results.count == limit)
            let error = await failure { () throws(PostgresError) in
                try await pool.batch(Array(repeating: one, count: limit + 1))
            }
            #expect(error == .misuse(reason: "65 statements at once; at most 64"))
        }
    }

    @Test func `prepared statements beyond the limit make room for each other`() async throws {
        try await withPool(PoolOptions(maximumConnections: 1)) { pool in
            for round in 0..<2 {
                for number in 0..<150 {
                    let result = try await pool.query("SELECT \(number)")
                    #expect(try result[0].decode(0) as Int == number, "round \(round)")
                }
            }

            let kept = try await pool.query("SELECT count(*) FROM pg_prepared_statements")
            #expect(try kept[0].decode(0, as: Int.self) <= 128)
        }
    }

    @Test func `a statement that failed to prepare is prepared again`() async throws {
        try await withPool(PoolOptions(maximumConnections: 1)) { pool in
            let error = await failure { () throws(PostgresError) in
                try await pool.query("SELECT a FROM t")
            }
            guard case .server(let server) = error else {
                Issue.record("\(error as Any)")
                return
            }
            #expect(server.sqlState == SQLState.undefinedTable)

            try await pool.execute(script: "CREATE TABLE t (a int); INSERT INTO t VALUES (7);")

            #expect(try await pool.query("SELECT a FROM t")[0].decode(0) as Int == 7)
        }
    }

    @Test func `a changed table costs one transient error`() async throws {
        try await withPool(PoolOptions(maximumConnections: 1)) { pool in
            try await pool.execute(script: "CREATE TABLE t (a int); INSERT INTO t VALUES (7);")
            _ = try await pool.query("SELECT * FROM t")
            try await pool.execute(script: "ALTER TABLE t ADD b text DEFAULT 'x'")

            let error = await failure { () throws(PostgresError) in
                try await pool.query("SELECT * FROM t")
            }

            guard case .server(let server) = error else {
                Issue.record("\(error as Any)")
                return
            }
            #expect(server.isTransient)
            #expect(try await pool.query("SELECT * FROM t")[0].columnCount == 2)
        }
    }

    @Test func `a script that fails leaves nothing`() async throws {
        try await withPool { pool in
            let error = await failure { () throws(PostgresError) in
                try await pool.execute(script: "CREATE TABLE t (a int); SELECT 1 / 0;")
            }

            #expect(error?.description == "database error 22012")
            let found = try await pool.query("SELECT to_regclass('t')::text")
            #expect(try found[0].decodeIfPresent(0, as: String.self) == nil)
        }
    }
}
