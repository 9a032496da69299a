// SPDX-License-Identifier: Apache-2.0

import HiveServer2
import TestSupport
import Testing

@testable import HiveServer2

/// What each fault of the server or of the network becomes, and what it says is to be done.
@Suite struct FaultTests {
    /// The error of a call, which must fail.
    private func error<Value>(
        _ body: () async throws(HiveServer2Error) -> Value
    ) async -> HiveServer2Error? {
        do throws(HiveServer2Error) {
            _ = try await body()
            return nil
        } catch {
            return error
        }
    }

    /// A running operation at a server that answers the question for its status as told.
    private func asking(
        _ form: FakeServer.Form, replyLimit: Duration = .seconds(20),
        limits: HiveServer2Limits = HiveServer2Limits(), _ answer: @escaping FakeServer.Script
    ) -> Question {
        Question(form: form, replyLimit: replyLimit, limits: limits, answer: answer)
    }

    private struct Question {
        let form: FakeServer.Form
        let replyLimit: Duration
        let limits: HiveServer2Limits
        let answer: FakeServer.Script

        func run(
            _ body: (HiveServer2Client, SessionHandle, OperationHandle) async throws -> Void
        ) async throws {
            let answer = answer
            try await FakeServer.scripted(form) { call in
                call.method == "GetOperationStatus"
                    ? try await answer(call) : FakeServer.sound(call)
            }.serving { server in
                let client = try server.client(form, replyLimit: replyLimit, limits: limits)
                let session = try await client.openSession()
                let operation = try await client.execute("SELECT 1", in: session)
                try await body(client, session, operation)
                await client.shutdown()
            }
        }
    }

    /// Short, but long enough for a busy machine to answer what is to be answered.
    private static let shortLimit = Duration.seconds(2)

    private static let forms = [FakeServer.Form.plain, .sasl, .http]

    // MARK: Sunny path

    @Test(arguments: forms)
    func `a statement is run and read, and the session closed`(form: FakeServer.Form) async throws {
        let log = CallLog()
        try await FakeServer.scripted(form) { call in
            log.note(call)
            return FakeServer.sound(call)
        }.serving { server in
            let client = try server.client(form)

            let session = try await client.openSession()
            let operation = try await client.execute("SELECT 1", in: session)
            let status = try await client.status(of: operation)
            let rows = try await client.rows(of: operation)
            try await client.cancel(operation)
            try await client.closeOperation(operation)
            try await client.closeSession(session)
            await client.shutdown()

            #expect(session == Replies.session)
            #expect(operation == Replies.operation)
            #expect(status.state == .finished)
            #expect(rows.columns == [Column(name: "a", type: .bigint)])
            #expect(rows.rows.isEmpty)
            #expect(
                log.methods == [
                    "OpenSession", "ExecuteStatement", "GetOperationStatus",
                    "GetResultSetMetadata", "FetchResults", "CancelOperation", "CloseOperation",
                    "CloseSession",
                ])
            // One connection for the session, or one for each POST.
            #expect(Set(log.all.map(\.connection)).count == (form == .http ? 8 : 1))
        }
    }

    // MARK: Before anything is sent

    @Test(arguments: forms)
    func `a server that is not there is tried again`(form: FakeServer.Form) async throws {
        var port = 0
        try await FakeServer.scripted(form) { FakeServer.sound($0) }.serving { port = $0.port }
        let client = try FakeServer(port: port).client(form)

        let error = await error { () throws(HiveServer2Error) in try await client.openSession() }

        guard case .unreachable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.remedy == .retry)
        await client.shutdown()
    }

    @Test(arguments: forms)
    func `a name that does not exist is tried again`(form: FakeServer.Form) async throws {
        let client = try FakeServer(port: 1).client(form, host: "nobody.invalid")

        let error = await error { () throws(HiveServer2Error) in try await client.openSession() }

        guard case .unreachable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        await client.shutdown()
    }

    @Test(arguments: [
        (FakeServer.Answer.cut, HiveServer2Error.Remedy.retry),
        (.raw([5, 0, 0]), .retry),
        (.rawThenStall([5, 0, 0]), .retry),
        (.rawThenStall([]), .retry),
        (.raw([9, 0, 0, 0, 0]), .fail),
        (.raw([2, 0, 0, 0, 0]), .fail),
        (.raw([5, 0, 0, 0, 0, 1]), .fail),
        (.raw([5, 255, 255, 255, 255]), .fail),
        (.raw([4, 0, 0, 0, 2] + "no".utf8), .fail),
        (.raw([3, 0, 0, 0, 2] + "no".utf8), .fail),
    ])
    func `a SASL negotiation that does not end well is one of few things`(
        answer: FakeServer.Answer, remedy: HiveServer2Error.Remedy
    ) async throws {
        try await FakeServer.scripted(.sasl, negotiation: answer) { FakeServer.sound($0) }.serving {
            server in
            let client = try server.client(.sasl, connectLimit: Self.shortLimit)

            let error = await error { () throws(HiveServer2Error) in
                try await client.openSession()
            }

            #expect(error?.remedy == remedy, "\(String(describing: error))")
            if case .raw(let bytes) = answer, bytes.first == 3 || bytes.first == 4 {
                #expect(error == .rejected(reason: "no"))
            }
            await client.shutdown()
        }
    }

    @Test func `the session is tried again when the call to open it is lost`() async throws {
        for form in Self.forms {
            try await FakeServer.scripted(form) { _ in .cut }.serving { server in
                let client = try server.client(form)

                let error = await error { () throws(HiveServer2Error) in
                    try await client.openSession()
                }

                #expect(error?.remedy == .retry, "\(String(describing: error))")
                guard case .connectionLost(_, .notOpened) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                await client.shutdown()
            }
        }
    }

    // MARK: After a call was sent

    @Test(arguments: [FakeServer.Form.plain, .sasl])
    func `a cut connection takes its session with it`(form: FakeServer.Form) async throws {
        try await asking(form) { _ in .cut }.run { client, session, operation in
            let first = await error { () throws(HiveServer2Error) in
                try await client.status(of: operation)
            }
            let second = await error { () throws(HiveServer2Error) in
                try await client.execute("SELECT 2", in: session)
            }

            for error in [first, second] {
                guard case .connectionLost(_, .gone) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(error?.remedy == .fail)
            }
            // The client itself goes on.
            _ = try await client.openSession()
        }
    }

    @Test func `a cut reply takes the session with it, wherever it is cut`() async throws {
        for count in [1, 4, 20, 40] {
            try await asking(.plain) { .raw(Array(Replies.status($0.sequence).prefix(count))) }.run
            { client, _, operation in
                let error = await error { () throws(HiveServer2Error) in
                    try await client.status(of: operation)
                }

                guard case .connectionLost(_, .gone) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
            }
        }
    }

    @Test func `over HTTP the session outlives a cut, and its handles work at once`() async throws {
        let log = CallLog()
        try await asking(.http) { call in
            log.note(call)
            return log.all.count == 1 ? .cut : .reply(Replies.status(call.sequence))
        }.run { client, _, operation in
            let error = await error { () throws(HiveServer2Error) in
                try await client.status(of: operation)
            }

            guard case .connectionLost(_, .kept) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(error?.remedy == .reattach)
            let status = try await client.status(of: operation)
            #expect(status.state == .finished)
        }
    }

    @Test(arguments: [
        (FakeServer.Form.plain, HiveServer2Error.SessionFate.gone, HiveServer2Error.Remedy.fail),
        (.sasl, .gone, .fail), (.http, .kept, .reattach),
    ])
    func `silence is a stalled server once the limit has passed`(
        form: FakeServer.Form, fate: HiveServer2Error.SessionFate, remedy: HiveServer2Error.Remedy
    ) async throws {
        let limit = Self.shortLimit
        for sent in [0, 10] {
            try await asking(form, replyLimit: limit) { call in
                let reply = Replies.status(call.sequence)
                let wire = form == .sasl ? SASLFraming.framed(reply) : reply
                return .rawThenStall(Array(wire.prefix(sent)))
            }.run { client, _, operation in
                let error = await error { () throws(HiveServer2Error) in
                    try await client.status(of: operation)
                }

                if form == .http, sent > 0 {
                    // Ten bytes of Thrift are no HTTP.
                    #expect(error?.remedy == .reattach, "\(String(describing: error))")
                } else {
                    #expect(error == .stalled(limit: limit, session: fate))
                    #expect(error?.remedy == remedy)
                }
            }
        }
    }

    @Test func `a body over HTTP that does not end is a stalled server`() async throws {
        let limit = Self.shortLimit
        try await asking(.http, replyLimit: limit) {
            .rawThenStall(FakeServer.response(200, Replies.status($0.sequence)).dropLast())
        }.run { client, _, operation in
            let error = await error { () throws(HiveServer2Error) in
                try await client.status(of: operation)
            }

            #expect(error == .stalled(limit: limit, session: .kept))
        }
    }

    // MARK: Replies that are none

    @Test(arguments: forms)
    func `garbage and the reply to another call are refused`(form: FakeServer.Form) async throws {
        let answers: [FakeServer.Script] = [
            { _ in .reply([0xDE, 0xAD, 0xBE, 0xEF, 1, 2, 3]) },
            { .reply(Replies.status($0.sequence + 1)) },
            { .reply(Replies.execute($0.sequence)) },
            { .reply(Replies.status($0.sequence) + [0]) },
            { .replyAnd(Replies.status($0.sequence), more: form == .http ? [] : [0]) },
        ]
        for (index, answer) in answers.enumerated() where !(form == .http && index == 4) {
            try await asking(form, answer).run { client, session, operation in
                let first = await error { () throws(HiveServer2Error) in
                    try await client.status(of: operation)
                }

                if index < 4 {
                    guard case .malformed("GetOperationStatus", _) = first else {
                        Issue.record("\(index): \(String(describing: first))")
                        return
                    }
                }
                #expect(first == nil || first?.remedy == .fail)
                guard form != .http else { return }
                // Nobody knows what the next bytes of that connection would belong to.
                try await eventually("the session's connection has ended") {
                    let second = await self.error { () throws(HiveServer2Error) in
                        try await client.execute("SELECT 2", in: session)
                    }
                    if case .connectionLost(_, .gone) = second { return true }
                    return false
                }
            }
        }
    }

    @Test func `a length beyond the limit is refused before it is awaited`() async throws {
        try await asking(.sasl) { _ in .rawThenStall([0x7F, 0xFF, 0xFF, 0xFF]) }.run {
            client, _, operation in
            let error = await error { () throws(HiveServer2Error) in
                try await client.status(of: operation)
            }

            #expect(
                error == .limitExceeded(.messageBytes, maximum: HiveServer2Limits().messageBytes))
        }
        var limits = HiveServer2Limits()
        limits.messageBytes = 1000
        let body = [UInt8](repeating: 0, count: 1001)
        try await asking(.http, limits: limits) { _ in .raw(FakeServer.response(200, body)) }.run {
            client, _, operation in
            let error = await error { () throws(HiveServer2Error) in
                try await client.status(of: operation)
            }

            #expect(error == .limitExceeded(.messageBytes, maximum: 1000))
        }
    }

    // MARK: What a server says

    @Test(
        arguments: [
            ("Invalid OperationHandle: OperationHandle [x]", 3, .handleLost(.operation)),
            ("Invalid SessionHandle: SessionHandle [x]", 3, .handleLost(.session)),
            ("org.apache.E: Invalid SessionHandle [x]", 3, .handleLost(.session)),
            ("", 4, .handleLost(.operation)),
            (
                "no such table\n\tat Invalid OperationHandle", 3,
                .statement(
                    sqlState: "42P01", message: "no such table\n\tat Invalid OperationHandle")
            ),
        ] as [(String, Int32, HiveServer2Error)])
    func `an unknown handle is known by the text`(
        message: String, code: Int32, expected: HiveServer2Error
    ) async throws {
        try await asking(.plain) { call in
            .reply(
                Replies.failure(
                    call.method, call.sequence, code: code, sqlState: "42P01",
                    message: message))
        }.run { client, _, operation in
            let error = await error { () throws(HiveServer2Error) in
                try await client.status(of: operation)
            }

            #expect(error == expected)
            #expect(error?.remedy == .fail)
            // It was an answer, after which the connection is as good as before.
            try await client.cancel(operation)
        }
    }

    @Test func `an application exception is told, and the connection used again`() async throws {
        try await asking(.plain) { call in
            .reply(
                Replies.reply(call.method, call.sequence, type: .exception) {
                    $0.field(1, .string)
                    $0.string("Internal error")
                    $0.field(2, .int32)
                    $0.int32(6)
                })
        }.run { client, _, operation in
            let error = await error { () throws(HiveServer2Error) in
                try await client.status(of: operation)
            }

            #expect(
                error
                    == .exception(call: "GetOperationStatus", kind: 6, message: "Internal error"))
            try await client.cancel(operation)
        }
    }

    @Test(
        arguments: [
            (401, HiveServer2Error.rejected(reason: "HTTP status 401"), .fail),
            (403, .rejected(reason: "HTTP status 403"), .fail),
            (404, .httpStatus(404, session: .kept), .fail),
            (302, .httpStatus(302, session: .kept), .fail),
            (429, .httpStatus(429, session: .kept), .reattach),
            (502, .httpStatus(502, session: .kept), .reattach),
        ] as [(Int, HiveServer2Error, HiveServer2Error.Remedy)])
    func `a status of HTTP other than success says what to do`(
        status: Int, expected: HiveServer2Error, remedy: HiveServer2Error.Remedy
    ) async throws {
        let answer = FakeServer.response(status, headers: ["Location: /elsewhere"])
        try await asking(.http) { _ in .raw(answer) }.run { client, _, operation in
            let error = await error { () throws(HiveServer2Error) in
                try await client.status(of: operation)
            }

            #expect(error == expected)
            #expect(error?.remedy == remedy)
        }
    }

    @Test(arguments: [
        (HiveServer2Configuration.Authentication.nosasl, "aWNlcGFjazppY2VwYWNr"),
        (.plain(user: "ann", password: "pw:ü"), "YW5uOnB3OsO8"),
    ])
    func `HTTP always carries Basic, and never a cookie`(
        authentication: HiveServer2Configuration.Authentication, credentials: String
    ) async throws {
        let log = CallLog()
        try await FakeServer.scripted(.http) { call in
            log.note(call)
            guard case .reply(let message) = FakeServer.sound(call) else { return .cut }
            let cookie = "Set-Cookie: hive.server2.auth=x; HttpOnly"
            return .raw(FakeServer.response(200, message, headers: [cookie]))
        }.serving { server in
            let client = try server.client(.http, authentication: authentication)
            let session = try await client.openSession()
            try await client.closeSession(session)
            await client.shutdown()

            #expect(log.all.count == 2)
            for call in log.all {
                let head = call.head.lowercased()
                #expect(head.hasPrefix("post /cliservice http/1.1\r\n"))
                #expect(call.head.contains("Authorization: Basic \(credentials)\r\n"))
                #expect(head.contains("content-type: application/x-thrift\r\n"))
                #expect(!head.contains("cookie"))
            }
        }
    }
}
