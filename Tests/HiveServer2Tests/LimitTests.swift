// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HiveServer2

/// Each limit holds at its edge, and is what is complained of beyond it.
@Suite struct LimitTests {
    /// Reads a reply to CloseSession with an unknown field in it.
    private func read(
        _ limits: HiveServer2Limits, _ write: (inout ThriftWriter) -> Void
    ) throws -> Int {
        let bytes = Replies.reply("CloseSession", 7) {
            $0.status()
            write(&$0)
        }
        var assembler = ReplyAssembler(.plain, limits: limits)
        let whole = try #require(try assembler.take(bytes))
        let _: PlainReply = try ReplyReader.read(
            from: whole, to: .closeSession(Replies.session), sequence: 7, limits: limits)
        return bytes.count
    }

    private func fetch(_ page: [ColumnValues], _ limits: HiveServer2Limits) throws {
        let fetch = Request.Fetch(orientation: .next, content: .rows, maximumRows: 10)
        let _: FetchReply = try ReplyReader.read(
            from: Replies.page(7, page), to: .fetchResults(Replies.operation, fetch), sequence: 7,
            limits: limits)
    }

    @Test func `a message of messageBytes is taken, and no longer one`() throws {
        var limits = HiveServer2Limits()
        limits.messageBytes = try read(limits) { _ in }

        _ = try read(limits) { _ in }
        limits.messageBytes -= 1

        #expect(throws: ThriftError.limitExceeded(.messageBytes)) { try read(limits) { _ in } }
        #expect(throws: HiveServer2Error.limitExceeded(.messageBytes, maximum: 1)) {
            limits.messageBytes = 1
            let _: PlainReply = try ReplyReader.read(
                from: Replies.plain("CloseSession", 7), to: .closeSession(Replies.session),
                sequence: 7, limits: limits)
        }
    }

    @Test func `a frame of messageBytes is waited for, and no longer one`() throws {
        var limits = HiveServer2Limits()
        limits.messageBytes = 256
        var assembler = ReplyAssembler(.framed, limits: limits)

        #expect(try assembler.take([0, 0, 1, 0]) == nil)
        assembler = ReplyAssembler(.framed, limits: limits)
        #expect(throws: ThriftError.limitExceeded(.messageBytes)) {
            try assembler.take([0, 0, 1, 1])
        }
    }

    @Test func `a text of stringBytes is taken, and no longer one`() throws {
        var limits = HiveServer2Limits()
        limits.stringBytes = 40

        for isSkipped in [true, false] {
            let write = { (writer: inout ThriftWriter, count: Int) in
                // Field 9 is skipped; the row set's third is read.
                writer.field(9, .string)
                writer.binary(Array(repeating: 65, count: count))
            }
            if isSkipped {
                _ = try read(limits) { write(&$0, 40) }
                #expect(throws: ThriftError.limitExceeded(.stringBytes)) {
                    try read(limits) { write(&$0, 41) }
                }
            } else {
                let text = String(repeating: "x", count: 40)
                try fetch([ColumnValues(storage: .strings([text]), nulls: [])], limits)
                #expect(throws: HiveServer2Error.limitExceeded(.stringBytes, maximum: 40)) {
                    try fetch([ColumnValues(storage: .strings([text + "x"]), nulls: [])], limits)
                }
            }
        }
    }

    @Test(arguments: [ThriftType.structure, .list, .map])
    func `nesting is as deep as depth allows, and no deeper`(type: ThriftType) throws {
        var limits = HiveServer2Limits()
        limits.depth = 10
        // The message and its result are two levels; each below is one.
        func nested(_ levels: Int) -> (inout ThriftWriter) -> Void {
            { writer in
                writer.field(9, type)
                for level in (1...levels).reversed() {
                    switch type {
                    case .list: writer.list(level == 1 ? .byte : .list, 1)
                    case .map:
                        writer.byte(ThriftType.byte.rawValue)
                        writer.list(level == 1 ? .byte : .map, 1)
                        writer.byte(0)
                    default: writer.field(1, level == 1 ? .byte : .structure)
                    }
                }
                writer.byte(0)
                if type == .structure { for _ in 1...levels { writer.stop() } }
            }
        }
        let edge = (1...10).last { (try? read(limits, nested($0))) != nil } ?? 0

        #expect(edge == 8)
        #expect(throws: ThriftError.limitExceeded(.depth)) { try read(limits, nested(edge + 1)) }
        #expect(throws: ThriftError.limitExceeded(.depth)) { try read(limits, nested(5000)) }
    }

    @Test func `a list has as many elements as allowed, and no more`() throws {
        var limits = HiveServer2Limits()
        limits.elements = 3

        try fetch([ColumnValues(storage: .bytes([1, 2, 3]), nulls: [])], limits)
        #expect(throws: HiveServer2Error.limitExceeded(.elements, maximum: 3)) {
            try fetch([ColumnValues(storage: .bytes([1, 2, 3, 4]), nulls: [])], limits)
        }
    }

    @Test func `a result has as many columns as allowed, and no more`() throws {
        var limits = HiveServer2Limits()
        limits.columns = 8

        try fetch(Replies.everyColumn, limits)
        #expect(throws: HiveServer2Error.limitExceeded(.columns, maximum: 8)) {
            try fetch(Replies.everyColumn + Replies.everyColumn.prefix(1), limits)
        }
    }

    @Test(arguments: [ThriftType.byte, .int64, .string, .structure, .list, .map])
    func `a count that cannot be is refused before anything is allocated`(type: ThriftType) throws {
        for count in [Int32.max, -1] {
            #expect(throws: ThriftError.self) {
                try read(HiveServer2Limits()) {
                    $0.field(9, .list)
                    $0.byte(type.rawValue)
                    $0.int32(count)
                }
            }
        }
    }

    @Test func `a method's name is no longer than methodBytes`() throws {
        let length = HiveServer2Limits.methodBytes
        let head: [UInt8] = [0x80, 1, 0, 2, 0, 0, 0]
        var assembler = ReplyAssembler(.plain, limits: HiveServer2Limits())

        #expect(try assembler.take(head + [UInt8(length)]) == nil)
        assembler = ReplyAssembler(.plain, limits: HiveServer2Limits())
        #expect(throws: ThriftError.wrongMethod) { try assembler.take(head + [UInt8(length + 1)]) }
    }

    @Test func `what a server says during authentication is bounded`() throws {
        let maximum = HiveServer2Limits.challengeBytes

        #expect(try SASLNegotiation.answer(in: [5, 0, 1, 0, 0]) == .incomplete)
        #expect(maximum == 0x1_0000)
        #expect(throws: HiveServer2Error.limitExceeded(.challengeBytes, maximum: maximum)) {
            try SASLNegotiation.answer(in: [5, 0, 1, 0, 1])
        }
    }

    @Test func `a statement of statementBytes is sent, and no longer one`() async throws {
        var limits = HiveServer2Limits()
        limits.statementBytes = 8
        try await FakeServer.scripted(.plain) { FakeServer.sound($0) }.serving { server in
            let client = try server.client(.plain, limits: limits)
            let session = try await client.openSession(settings: ["abcd": "efgh"])

            _ = try await client.execute("SELECT 1", in: session)
            await #expect(
                throws: HiveServer2Error.misuse(
                    reason: "a statement of more than 8 bytes")
            ) { try await client.execute("SELECT 10", in: session) }
            await #expect(
                throws: HiveServer2Error.misuse(
                    reason: "settings of more than 8 bytes")
            ) { try await client.openSession(settings: ["abcd": "efghi"]) }
            await client.shutdown()
        }
    }

    @Test(arguments: [0, 1, 5])
    func `rows are collected up to the limit, and the server may not go on for ever`(
        limit: Int
    ) async throws {
        let column = ColumnValues(storage: .longs([1]), nulls: [])
        try await FakeServer.scripted(.plain) { call in
            call.method == "FetchResults"
                ? .reply(Replies.page(call.sequence, [column])) : FakeServer.sound(call)
        }.serving { server in
            let client = try server.client(.plain)
            let session = try await client.openSession()
            let operation = try await client.execute("x", in: session)

            await #expect(throws: HiveServer2Error.limitExceeded(.resultRows, maximum: limit)) {
                try await client.rows(of: operation, pageSize: 1, limit: limit)
            }
            await client.shutdown()
        }
    }

    @Test func `as many rows as the limit are all right`() async throws {
        let log = CallLog()
        try await FakeServer.scripted(.plain) { call in
            log.note(call)
            guard call.method == "FetchResults" else { return FakeServer.sound(call) }
            let fetches = log.methods.filter { $0 == "FetchResults" }.count
            let values: [Int64] = fetches > 3 ? [] : [Int64(fetches)]
            return .reply(
                Replies.page(
                    call.sequence, [ColumnValues(storage: .longs(values), nulls: [])]))
        }.serving { server in
            var limits = HiveServer2Limits()
            limits.resultBytes = 24
            let client = try server.client(.plain, limits: limits)
            let session = try await client.openSession()
            let operation = try await client.execute("x", in: session)

            let result = try await client.rows(of: operation, pageSize: 1, limit: 3)

            #expect(result.rows.map { $0["a"] } == [.integer(1), .integer(2), .integer(3)])
            await client.shutdown()
        }
    }

    @Test func `bytes of rows are collected up to the limit`() async throws {
        let column = ColumnValues(storage: .longs([1]), nulls: [])
        var limits = HiveServer2Limits()
        limits.resultBytes = 23
        try await FakeServer.scripted(.plain) { call in
            call.method == "FetchResults"
                ? .reply(Replies.page(call.sequence, [column])) : FakeServer.sound(call)
        }.serving { server in
            let client = try server.client(.plain, limits: limits)
            let session = try await client.openSession()
            let operation = try await client.execute("x", in: session)

            await #expect(throws: HiveServer2Error.limitExceeded(.resultBytes, maximum: 23)) {
                try await client.rows(of: operation, pageSize: 1)
            }
            for size in [0, limits.elements + 1] {
                await #expect(throws: HiveServer2Error.self) {
                    try await client.rows(of: operation, pageSize: size)
                }
            }
            await client.shutdown()
        }
    }
}
