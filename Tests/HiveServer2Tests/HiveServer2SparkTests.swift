// SPDX-License-Identifier: Apache-2.0

import Glibc
import HiveServer2
import TestSupport
import Testing

/// Against a real Spark Thrift Server, over each of the transports.
@Suite(.enabled(if: SparkThriftServer.isWanted, "set ICEPACK_TEST_SPARK=1"), .serialized)
struct HiveServer2SparkTests {
    /// Runs a statement to its end.
    static func run(
        _ statement: String, _ client: HiveServer2Client, _ session: SessionHandle,
        timeLimit: Duration? = nil
    ) async throws -> (operation: OperationHandle, status: OperationStatus) {
        let operation = try await client.execute(statement, in: session, timeLimit: timeLimit)
        return (operation, try await end(of: operation, client))
    }

    static func end(
        of operation: OperationHandle, _ client: HiveServer2Client
    ) async throws -> OperationStatus {
        try await withDeadline("the statement ends", limit: .seconds(60)) {
            while true {
                let status = try await client.status(of: operation)
                if status.state.isTerminal { return status }
            }
        }
    }

    static func rows(
        _ statement: String, _ client: HiveServer2Client, _ session: SessionHandle,
        pageSize: Int = 1000
    ) async throws -> ResultSet {
        let (operation, status) = try await run(statement, client, session)
        try #require(status.state == .finished, "\(status)")
        let rows = try await client.rows(of: operation, pageSize: pageSize)
        try await client.closeOperation(operation)
        return rows
    }

    @Test(arguments: SparkThriftServer.Transport.allCases)
    func `a value of every type arrives as what it is`(transport: SparkThriftServer.Transport)
        async throws
    {
        let statement = """
            SELECT true AS b, CAST(-1 AS TINYINT) AS i8, CAST(-2 AS SMALLINT) AS i16, -3 AS i32,
                CAST(-4 AS BIGINT) AS i64, CAST(0.5 AS FLOAT) AS f32, CAST(0.25 AS DOUBLE) AS f64,
                'Grüße' AS s, CAST('ab' AS BINARY) AS bin, CAST(1.20 AS DECIMAL(5, 2)) AS d,
                DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 01:02:03' AS ts,
                ARRAY(1, 2) AS a, MAP('k', 1) AS m, NAMED_STRUCT('x', 1) AS st,
                CAST(NULL AS INT) AS n, current_user() AS who
            """
        try await SparkThriftServer.shared(transport).withSession { client, session in
            let result = try await Self.rows(statement, client, session)

            let row = try #require(result.rows.first)
            #expect(result.rows.count == 1)
            #expect(row["b"] == .boolean(true))
            for (name, value) in [("i8", -1), ("i16", -2), ("i32", -3), ("i64", -4)] {
                #expect(try row.integer(name) == Int64(value))
            }
            #expect(row["f32"] == .double(0.5))
            #expect(row["f64"] == .double(0.25))
            #expect(row["s"] == .string("Grüße"))
            #expect(row["bin"] == .binary(Array("ab".utf8)))
            #expect(row["d"] == .string("1.20"))
            #expect(row["day"] == .string("2024-02-29"))
            #expect(row["ts"] == .string("2024-02-29 01:02:03"))
            #expect(row["a"] == .string("[1,2]"))
            #expect(row["m"] == .string(#"{"k":1}"#))
            #expect(row["st"] == .string(#"{"x":1}"#))
            #expect(row["n"] == .null)
            #expect(row["nothing"] == nil)
            #expect(row["who"] == .string(client.configuration.user))
            #expect(
                result.columns.map(\.type) == [
                    .boolean, .tinyint, .smallint, .int, .bigint, .float, .double, .string, .binary,
                    .decimal, .date, .timestamp, .array, .map, .struct, .int, .string,
                ])
        }
    }

    /// Takes minutes unless it is stopped.
    private static let slow = "SELECT count(*) FROM range(0, 4000000000000)"

    @Test(arguments: SparkThriftServer.Transport.allCases)
    func `2500 rows come in pages, again from the first when asked again`(
        transport: SparkThriftServer.Transport
    ) async throws {
        try await SparkThriftServer.shared(transport).withSession { client, session in
            let (operation, status) = try await Self.run(
                "SELECT id, IF(id % 3 = 0, NULL, CAST(id AS STRING)) AS s FROM range(0, 2500)",
                client, session)
            try #require(status.state == .finished)

            for pageSize in [1000, 2500, 100_000] {
                let result = try await client.rows(of: operation, pageSize: pageSize)

                let ids = try result.rows.map { try $0.integer("id") }
                #expect(ids == (0..<2500).map { Int64($0) })
                let texts = try result.rows.map { try $0.string("s") }
                #expect(texts == (0..<2500).map { $0 % 3 == 0 ? nil : "\($0)" })
            }
            await #expect(throws: HiveServer2Error.limitExceeded(.resultRows, maximum: 2499)) {
                try await client.rows(of: operation, limit: 2499)
            }
            #expect(try await client.rows(of: operation, limit: 2500).rows.count == 2500)
            #expect(try await client.logLines(of: operation) == [])
        }
    }

    @Test(arguments: SparkThriftServer.Transport.allCases)
    func `tables are made and maintained, with rows or without`(
        transport: SparkThriftServer.Transport
    ) async throws {
        try await SparkThriftServer.shared(transport).withSession { client, session in
            let table = "lab.db.t\(UInt32.random(in: 0 ... .max))"
            let create = "CREATE TABLE \(table) (id BIGINT) USING iceberg"
            let none = try await Self.rows(create, client, session)
            _ = try await Self.rows("INSERT INTO \(table) VALUES (1), (2)", client, session)
            _ = try await Self.rows("INSERT INTO \(table) VALUES (3)", client, session)
            let call = "/* a comment */ CALL lab.system.rewrite_data_files(table => '\(table)', "
            let result = try await Self.rows(
                call + "options => map('rewrite-all', 'true'))", client, session)
            let count = try await Self.rows("SELECT count(*) AS n FROM \(table)", client, session)

            #expect(none.rows.isEmpty)
            let row = try #require(result.rows.first)
            #expect(try row.integer("rewritten_data_files_count") ?? 0 >= 2)
            #expect(try row.integer("rewritten_bytes_count") ?? 0 > 0)
            #expect(try count.rows.first?.integer("n") == 3)
        }
    }

    @Test(arguments: SparkThriftServer.Transport.allCases)
    func `a statement that fails says why in its status`(transport: SparkThriftServer.Transport)
        async throws
    {
        try await SparkThriftServer.shared(transport).withSession { client, session in
            let (_, parse) = try await Self.run("SELEKT 1", client, session)
            let (_, column) = try await Self.run("SELECT nothing", client, session)
            let (operation, failed) = try await Self.run(
                "SELECT raise_error('boom') FROM range(3)", client, session)
            let (_, missing) = try await Self.run(
                "CALL lab.system.rewrite_manifests('db.nope')", client, session)

            for status in [parse, column, failed, missing] { #expect(status.state == .error) }
            #expect(parse.sqlState == "42601")
            #expect(column.sqlState == "42703")
            #expect(missing.sqlState == nil)
            let text = HiveServer2Error.firstLine(of: missing.errorMessage ?? "")
            #expect(text.contains("Couldn't load table"), "\(text)")
            #expect(failed.errorMessage?.contains("boom") == true)
            await #expect(throws: HiveServer2Error.self) { try await client.rows(of: operation) }
            // The session is none the worse.
            #expect(try await Self.rows("SELECT 1 AS n", client, session).rows.count == 1)
        }
    }

    @Test(arguments: SparkThriftServer.Transport.allCases)
    func `a running statement is cancelled while its status is waited for`(
        transport: SparkThriftServer.Transport
    ) async throws {
        try await SparkThriftServer.shared(transport).withSession { client, session in
            let operation = try await client.execute(Self.slow, in: session)
            let first = try await client.status(of: operation)
            #expect(!first.state.isTerminal)
            let began = ContinuousClock.now
            async let polled = client.status(of: operation)
            // Lets the poll go first; nothing depends on it but what is tried.
            await moment()

            try await client.cancel(operation)
            let status = try await polled

            #expect(ContinuousClock.now - began < .seconds(5))
            #expect(status.state == .canceled || status.state == .running)
            #expect(try await Self.end(of: operation, client).state == .canceled)
        }
    }

    @Test(arguments: SparkThriftServer.Transport.allCases)
    func `a statement ends at its time limit`(transport: SparkThriftServer.Transport) async throws {
        try await SparkThriftServer.shared(transport).withSession { client, session in
            let (_, status) = try await Self.run(
                Self.slow, client, session, timeLimit: .milliseconds(1500))

            #expect(status.state == .timedOut)
        }
    }

    @Test(arguments: SparkThriftServer.Transport.allCases)
    func `a cancelled task leaves its poll at once, and the client as it was`(
        transport: SparkThriftServer.Transport
    ) async throws {
        try await SparkThriftServer.shared(transport).withSession { client, session in
            let operation = try await client.execute(Self.slow, in: session)
            let waiting = Task { try await client.status(of: operation) }
            await moment()
            let began = ContinuousClock.now

            waiting.cancel()
            let outcome = await waiting.result

            #expect(ContinuousClock.now - began < .seconds(2))
            #expect(throws: HiveServer2Error.cancelled) { try outcome.get() }
            try await client.cancel(operation)
            #expect(try await Self.end(of: operation, client).state == .canceled)
        }
    }

    @Test(arguments: SparkThriftServer.Transport.allCases)
    func `a handle that the server does not know is lost`(transport: SparkThriftServer.Transport)
        async throws
    {
        let digits = String(repeating: "ab", count: 16)
        let session = try #require(SessionHandle(text: "session/\(digits)/\(digits)"))
        let operation = try #require(
            OperationHandle(text: "operation/\(digits)/\(digits)/0/rows"))
        try await SparkThriftServer.shared(transport).withSession { client, own in
            let (closed, _) = try await Self.run("SELECT 1", client, own)
            try await client.closeOperation(closed)

            for lost in [operation, closed] {
                await #expect(throws: HiveServer2Error.handleLost(.operation)) {
                    try await client.status(of: lost)
                }
                await #expect(throws: HiveServer2Error.handleLost(.operation)) {
                    try await client.rows(of: lost)
                }
            }
            await #expect(throws: HiveServer2Error.handleLost(.session)) {
                try await client.execute("SELECT 1", in: session)
            }
            await #expect(throws: HiveServer2Error.handleLost(.session)) {
                try await client.closeSession(session)
            }
        }
    }

    @Test(arguments: SparkThriftServer.Transport.allCases)
    func `settings hold for their session alone`(transport: SparkThriftServer.Transport)
        async throws
    {
        let server = try await SparkThriftServer.shared(transport)
        let key = "spark.sql.shuffle.partitions"
        for (settings, value) in [(["set:hiveconf:\(key)": "7"], "7"), ([:], "4")] {
            try await server.withSession(settings: settings) { client, session in
                let result = try await Self.rows("SET \(key)", client, session)

                #expect(try result.rows.first?.string("value") == value)
            }
        }
    }

    @Test(arguments: [SparkThriftServer.Transport.binaryNoSASL, .binaryPlain])
    func `over binary a cut connection takes session and operations with it`(
        transport: SparkThriftServer.Transport
    ) async throws {
        let server = try await SparkThriftServer.shared(transport)
        try await Relay.with(to: server.port) { relay in
            var configuration = server.configuration
            configuration.port = relay.port
            let client = try HiveServer2Client(configuration)
            let session = try await client.openSession()
            let operation = try await client.execute(Self.slow, in: session)

            await relay.cut()

            await #expect {
                try await client.status(of: operation)
            } throws: { error in
                guard case HiveServer2Error.connectionLost(_, .gone) = error else { return false }
                return true
            }
            await client.shutdown()
        }
        // What the server itself says of such handles.
        try await Relay.with(to: server.port) { relay in
            var configuration = server.configuration
            configuration.port = relay.port
            let client = try HiveServer2Client(configuration)
            let session = try await client.openSession()
            let operation = try await client.execute(Self.slow, in: session)
            let other = try HiveServer2Client(server.configuration)
            _ = try await other.status(of: operation)

            await relay.cut()

            try await eventually("the server has forgotten the operation") {
                do throws(HiveServer2Error) {
                    _ = try await other.status(of: operation)
                    return false
                } catch {
                    guard error == .handleLost(.operation) else { throw error }
                    return true
                }
            }
            await #expect(throws: HiveServer2Error.handleLost(.session)) {
                try await other.execute("SELECT 1", in: session)
            }
            await client.shutdown()
            await other.shutdown()
        }
    }

    @Test func `over HTTP saved handles are taken up again by another client`() async throws {
        let server = try await SparkThriftServer.shared(.http)
        try await Relay.with(to: server.port) { relay in
            var configuration = server.configuration
            configuration.port = relay.port
            let client = try HiveServer2Client(configuration)
            let session = try await client.openSession()
            let operation = try await client.execute(Self.slow, in: session)
            let saved = (session.text, operation.text)
            async let polled = client.status(of: operation)
            await moment()

            await relay.cut()

            do {
                _ = try await polled
            } catch let error as HiveServer2Error {
                // Or before it was sent, when the poll was slow to go.
                #expect(error.remedy == .reattach || error.remedy == .retry, "\(error)")
            }
            await client.shutdown()

            let other = try HiveServer2Client(server.configuration)
            let sessionAgain = try #require(SessionHandle(text: saved.0))
            let operationAgain = try #require(OperationHandle(text: saved.1))
            #expect(try await !other.status(of: operationAgain).state.isTerminal)
            try await other.cancel(operationAgain)
            #expect(try await Self.end(of: operationAgain, other).state == .canceled)
            #expect(try await Self.rows("SELECT 1 AS n", other, sessionAgain).rows.count == 1)
            try await other.closeSession(sessionAgain)
            await other.shutdown()
        }
    }

    @Test func `a client of the wrong form gets an error and no session`() async throws {
        let plain = try await SparkThriftServer.shared(.binaryPlain)
        let http = try await SparkThriftServer.shared(.http)
        var naked = plain.configuration
        naked.authentication = .nosasl
        var wrongPath = http.configuration
        wrongPath.transport = .http(path: "elsewhere")
        var binary = http.configuration
        binary.transport = .binary
        var posting = plain.configuration
        posting.transport = .http()
        for var configuration in [naked, wrongPath, binary, posting] {
            configuration.connectLimit = .seconds(6)
            configuration.replyLimit = .seconds(6)
            let client = try HiveServer2Client(configuration)

            await #expect(throws: HiveServer2Error.self) { try await client.openSession() }
            await client.shutdown()
        }
    }

    /// A client that soon has waited long enough, with a statement that runs.
    private static func impatient(
        _ server: SparkThriftServer
    ) async throws -> (client: HiveServer2Client, operation: OperationHandle) {
        var configuration = server.configuration
        configuration.connectLimit = .seconds(6)
        configuration.replyLimit = .seconds(6)
        let client = try HiveServer2Client(configuration)
        let session = try await client.openSession()
        return (client, try await client.execute(slow, in: session))
    }

    @Test(arguments: [SparkThriftServer.Transport.binaryPlain, .http])
    func `a stopped server is stalled`(transport: SparkThriftServer.Transport) async throws {
        let server = try await SparkThriftServer.shared(transport)
        let (client, operation) = try await Self.impatient(server)
        let fate: HiveServer2Error.SessionFate = transport == .http ? .kept : .gone

        server.send(SIGSTOP)
        await #expect(throws: HiveServer2Error.stalled(limit: .seconds(6), session: fate)) {
            try await client.status(of: operation)
        }
        server.send(SIGCONT)

        if transport == .http {
            // Nothing was lost but time.
            #expect(try await !client.status(of: operation).state.isTerminal)
            try await client.cancel(operation)
        }
        await client.shutdown()
    }

    /// The last test of this suite, since whoever comes next has to start a server.
    @Test func `a killed server is lost, and then unreachable`() async throws {
        let server = try await SparkThriftServer.shared(.binaryPlain)
        let fates: [(SparkThriftServer.Transport, HiveServer2Error.SessionFate)] = [
            (.binaryPlain, .gone), (.http, .kept),
        ]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (transport, fate) in fates {
                let (client, operation) = try await Self.impatient(server.over(transport))
                group.addTask {
                    try await Self.expectLoss(of: operation, client, session: fate)
                    await client.shutdown()
                }
            }
            // Lets the polls go first; nothing depends on it but what is tried.
            await moment()
            server.send(SIGKILL)
            try await group.waitForAll()
        }
    }

    private static func expectLoss(
        of operation: OperationHandle, _ client: HiveServer2Client,
        session fate: HiveServer2Error.SessionFate
    ) async throws {
        do throws(HiveServer2Error) {
            // A poll may be answered before; then the next one finds nobody.
            for _ in 0..<2 { _ = try await client.status(of: operation) }
            Issue.record("a dead server answered")
        } catch {
            switch error {
            case .connectionLost(_, let session): #expect(session == fate)
            case .unreachable: break
            default: Issue.record("\(error)")
            }
        }
        // A dying process may still take a connection.
        try await eventually("the server is unreachable") {
            do throws(HiveServer2Error) {
                _ = try await client.openSession()
                return false
            } catch {
                #expect(error.remedy == .retry)
                if case .unreachable = error { return true }
                return false
            }
        }
    }
}
