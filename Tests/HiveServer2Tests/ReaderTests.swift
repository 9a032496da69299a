// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import HiveServer2

/// Every reply is checked before it is used, whatever its bytes are.
@Suite struct ReaderTests {
    private let limits = HiveServer2Limits()

    /// Reads the bytes as the reply to each call, which must return or throw and never trap.
    @discardableResult
    private func readAsAnything(_ bytes: [UInt8], sequence: Int32 = 7) -> [HiveServer2Error] {
        func attempt(_ body: () throws(HiveServer2Error) -> Void) -> HiveServer2Error? {
            do {
                try body()
                return nil
            } catch {
                return error
            }
        }
        func read<Success: Reply>(
            _ request: Request, _ type: Success.Type, _ use: (Success) throws(ThriftError) -> Void
        ) -> HiveServer2Error? {
            attempt { () throws(HiveServer2Error) in
                let reply: Success = try ReplyReader.read(
                    from: bytes, to: request, sequence: sequence, limits: limits)
                do throws(ThriftError) {
                    try use(reply)
                } catch {
                    throw HiveServer2Error(error, in: request.method, limits: limits)
                }
            }
        }
        let operation = Replies.operation
        let fetch = Request.Fetch(orientation: .next, content: .rows, maximumRows: 10)
        return [
            read(.openSession(user: "", settings: [:]), OpenSessionReply.self) {
                (reply) throws(ThriftError) in _ = try reply.session()
            },
            read(
                .executeStatement(Replies.session, statement: "", timeLimitSeconds: nil),
                ExecuteStatementReply.self
            ) { (reply) throws(ThriftError) in _ = try reply.operation() },
            read(.operationStatus(operation, wantsProgress: true), OperationStatusReply.self) {
                (reply) throws(ThriftError) in _ = try reply.operationStatus()
            },
            read(.resultSetMetadata(operation), MetadataReply.self) {
                (reply) throws(ThriftError) in _ = try reply.columns()
            },
            read(.fetchResults(operation, fetch), FetchReply.self) {
                (reply) throws(ThriftError) in
                let page = try reply.page()
                for row in 0..<(page.first?.count ?? 0) { _ = page.map { $0[row] } }
            },
            read(.closeSession(Replies.session), PlainReply.self) {
                (_) throws(ThriftError) in
            },
        ].compactMap(\.self)
    }

    // MARK: What is right

    @Test func `each reply is read by its call and by no other`() {
        for reply in Replies.all(7) {
            // One call reads it; the five others see that it answers another method.
            #expect(readAsAnything(reply).count >= 5)
        }
        #expect(readAsAnything(Replies.openSession(7)).count == 5)
    }

    @Test func `a status is read with all its fields`() throws {
        let reply: OperationStatusReply = try ReplyReader.read(
            from: Replies.fullStatus(7),
            to: .operationStatus(Replies.operation, wantsProgress: true),
            sequence: 7, limits: limits)

        #expect(
            try reply.operationStatus()
                == OperationStatus(
                    state: .error, sqlState: "42601", errorCode: 7, errorMessage: "no\n\tat x",
                    hasResultSet: false, startedMilliseconds: 1000, completedMilliseconds: 2000,
                    progress: OperationProgress(
                        headers: ["stage", "done"], rows: [["map", "3"]], fraction: 0.5,
                        footer: "foot")))
    }

    @Test func `all forms of column are read, with bitmaps that are short or absent`() throws {
        let fetch = Request.Fetch(orientation: .next, content: .rows, maximumRows: 10)
        let reply: FetchReply = try ReplyReader.read(
            from: Replies.page(7, Replies.everyColumn),
            to: .fetchResults(Replies.operation, fetch), sequence: 7, limits: limits)

        let page = try reply.page()

        #expect(page == Replies.everyColumn)
        #expect(
            page.map { $0[0] } == [
                .boolean(true), .integer(-1), .integer(-2), .integer(-3), .integer(-4),
                .double(0.5), .null, .binary([0, 255]),
            ])
        #expect(page[2][1] == .null)
        #expect(page[6][1] == .string("Grüße"))
    }

    @Test func `a bit of the bitmap stands for its row, from the lowest`() {
        let column = ColumnValues(storage: .longs(Array(0..<18)), nulls: [0b1000_0001, 0b10])

        let nulls = (0..<18).filter { column[$0] == .null }

        #expect(nulls == [0, 7, 9])
    }

    @Test(
        arguments: [
            (0, OperationState.initialized, false), (1, .running, false), (2, .finished, true),
            (3, .canceled, true), (4, .closed, true), (5, .error, true), (6, .unknown, false),
            (7, .pending, false), (8, .timedOut, true), (9, .unrecognized(9), false),
            (-1, .unrecognized(-1), false),
        ] as [(Int32, OperationState, Bool)])
    func `a state is known by its number`(number: Int32, state: OperationState, ends: Bool) {
        #expect(OperationState(wire: number) == state)
        #expect(state.isTerminal == ends)
    }

    // MARK: What is wrong

    @Test func `every prefix of a reply is incomplete to the assembler and broken to the reader`()
        throws
    {
        for reply in Replies.all(7) {
            for form in [ReplyAssembler.Form.plain, .framed] {
                let wire = form == .plain ? reply : SASLFraming.framed(reply)
                var assembler = ReplyAssembler(form, limits: limits)
                for byte in wire.dropLast() { #expect(try assembler.take([byte]) == nil) }
                #expect(try assembler.take(wire.suffix(1)) == reply)
                // And it begins again.
                #expect(try assembler.take(wire) == reply)
            }
            for count in 0..<reply.count {
                #expect(readAsAnything(Array(reply.prefix(count))).count == 6, "\(count) bytes")
            }
        }
    }

    @Test(arguments: UInt64(0)..<40)
    func `random bytes are refused`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let count = Int.random(in: 0...200, using: &random)
            var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            if Bool.random(using: &random) {
                // Behind a sound envelope, so that the structures are reached.
                bytes = Replies.plain("FetchResults", 7).prefix(25) + bytes
            }

            let errors = readAsAnything(bytes)

            #expect(errors.count == 6)
            #expect(errors.allSatisfy { $0.remedy == .fail })
        }
    }

    @Test(arguments: UInt64(0)..<100)
    func `a damaged reply is read or refused, and scanner and reader agree on its end`(
        seed: UInt64
    ) {
        var random = SeededGenerator(seed: seed)
        for reply in Replies.all(7) {
            let bytes = reply.mutated(using: &random)

            let errors = readAsAnything(bytes)

            var assembler = ReplyAssembler(.plain, limits: limits)
            do throws(ThriftError) {
                guard try assembler.take(bytes) != nil else { continue }
                #expect(!errors.contains { "\($0)".contains("ends too early") }, "\(bytes)")
            } catch {
                // What cannot be walked cannot be read.
                #expect(errors.count == 6, "\(error) in \(bytes)")
            }
        }
    }

    @Test func `another sequence, method, type or version is refused`() {
        let request = Request.closeSession(Replies.session)
        func reason(_ bytes: [UInt8]) -> String? {
            do throws(HiveServer2Error) {
                let _: PlainReply = try ReplyReader.read(
                    from: bytes, to: request, sequence: 7, limits: limits)
                return nil
            } catch {
                if case .malformed("CloseSession", let reason) = error { return reason }
                return "\(error)"
            }
        }
        let sound = Replies.plain("CloseSession", 7)
        var old = sound
        old[0] = 0
        var oneway = sound
        oneway[3] = 4
        var call = sound
        call[3] = 1
        let empty = Array(sound.prefix(24)) + [0]

        #expect(reason(sound) == nil)
        #expect(reason(Replies.plain("CloseSession", 8)) == "it answers call 8, not 7")
        #expect(reason(Replies.plain("OpenSession", 7)) == "it answers another method")
        #expect(reason(old) == "it begins with 0x10002")
        #expect(reason(oneway) == "message type 4")
        #expect(reason(call) == "message type 1")
        #expect(reason(sound + [0]) == "bytes after its end")
        #expect(reason(empty) == "the result is missing")
    }

    @Test func `required fields that are absent or of another type are named`() {
        func reason<Success: Reply>(
            _ request: Request, _ type: Success.Type, _ fields: (inout ThriftWriter) -> Void,
            _ use: (Success) throws(ThriftError) -> Void = { (_) throws(ThriftError) in }
        ) -> String {
            do throws(HiveServer2Error) {
                let reply: Success = try ReplyReader.read(
                    from: Replies.reply(request.method, 7, fields), to: request, sequence: 7,
                    limits: limits)
                do throws(ThriftError) { try use(reply) } catch { return error.description }
                return "none"
            } catch {
                if case .malformed(_, let reason) = error { return reason }
                return "\(error)"
            }
        }
        let open = Request.openSession(user: "", settings: [:])
        let status = Request.operationStatus(Replies.operation, wantsProgress: false)

        #expect(reason(open, PlainReply.self) { _ in } == "the status is missing")
        #expect(
            reason(open, PlainReply.self) {
                $0.field(1, .structure)
                $0.stop()
            } == "the status code is missing")
        #expect(reason(open, PlainReply.self) { $0.status(2) } == "status code 2")
        #expect(
            reason(open, PlainReply.self) {
                $0.field(1, .int32)
                $0.int32(0)
            } == "field 1 is of type int32, not structure")
        #expect(
            reason(open, OpenSessionReply.self) {
                $0.status()
            } _: { (reply) throws(ThriftError) in
                _ = try reply.session()
            } == "the protocol version is missing")
        #expect(
            reason(open, OpenSessionReply.self) {
                $0.status()
                $0.field(2, .int32)
                $0.int32(4)
            } _: { (reply) throws(ThriftError) in
                _ = try reply.session()
            } == "invalid protocol version 4: results by column came with 5")
        #expect(
            reason(status, OperationStatusReply.self) {
                $0.status()
            } _: {
                (reply) throws(ThriftError) in
                _ = try reply.operationStatus()
            } == "the operation's state is missing")
    }

    @Test(arguments: [0, 15, 17])
    func `a handle has two halves of 16 bytes`(count: Int) {
        #expect(throws: ThriftError.invalid("guid of a handle")) {
            try HandleIdentifier(guid: Array(repeating: 0, count: count), secret: [])
        }
        #expect(throws: ThriftError.invalid("secret of a handle")) {
            try HandleIdentifier(
                guid: Array(repeating: 0, count: 16), secret: Array(repeating: 0, count: count))
        }
    }
}
