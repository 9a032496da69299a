// SPDX-License-Identifier: Apache-2.0

import HiveServer2
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TestSupport

@testable import HiveServer2

/// A server on the loopback address that answers as a test says, or breaks as a test says.
struct FakeServer: Sendable {
    /// How it speaks.
    enum Form: Sendable {
        case plain
        case sasl
        case http
    }

    /// A call that arrived.
    struct Call: Sendable {
        /// The number of its connection, from 0.
        let connection: Int
        let method: String
        let sequence: Int32
        /// The head of the request, over HTTP.
        let head: String
    }

    /// What is done about it.
    enum Answer: Sendable {
        /// A message, in the frame that the form wants.
        case reply([UInt8])
        /// Exactly these bytes, and then the end.
        case raw([UInt8])
        /// Exactly these bytes, and then silence until the other side ends it.
        case rawThenStall([UInt8])
        /// The end, without an answer.
        case cut
        /// A message, and bytes after it.
        case replyAnd([UInt8], more: [UInt8])
    }

    typealias Script = @Sendable (Call) async throws -> Answer

    let port: Int

    /// A server that is not there yet.
    ///
    /// `negotiation` replaces what it says in the SASL negotiation.
    static func scripted(
        _ form: Form, tls: NIOSSLContext? = nil, negotiation: Answer = .raw([5, 0, 0, 0, 0]),
        _ script: @escaping Script
    ) -> Scenario {
        Scenario(form: form, tls: tls, negotiation: negotiation, script: script)
    }

    /// A server that is not there yet.
    struct Scenario {
        let form: Form
        let tls: NIOSSLContext?
        let negotiation: Answer
        let script: Script

        /// Runs the body while the server is there.
        func serving(_ body: (FakeServer) async throws -> Void) async throws {
            try await FakeServer.run(self, body)
        }
    }

    private static func run(
        _ scenario: Scenario, _ body: (FakeServer) async throws -> Void
    ) async throws {
        let connections = Connections(scenario)
        let tls = scenario.tls
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLServerHandler(context: tls))
                    }
                    let (stream, continuation) = AsyncStream<ByteBuffer>.makeStream()
                    try channel.pipeline.syncOperations.addHandler(Feeding(continuation))
                    connections.serve(channel, stream)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(FakeServer(port: server.localAddress?.port ?? 0)))
        } catch {
            outcome = .failure(error)
        }
        try await server.close()
        await connections.end()
        try outcome.get()
    }

    /// Hands on what arrives.
    private final class Feeding: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let continuation: AsyncStream<ByteBuffer>.Continuation

        init(_ continuation: AsyncStream<ByteBuffer>.Continuation) {
            self.continuation = continuation
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            continuation.yield(unwrapInboundIn(data))
        }

        func channelInactive(context: ChannelHandlerContext) { continuation.finish() }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }

    /// The connections that there were, each served by a task.
    private final class Connections: Sendable {
        private let form: Form
        private let negotiation: Answer
        private let script: Script
        private let served = Mutex<[(channel: any Channel, task: Task<Void, Never>)]>([])

        init(_ scenario: Scenario) {
            form = scenario.form
            negotiation = scenario.negotiation
            script = scenario.script
        }

        func serve(_ channel: any Channel, _ stream: AsyncStream<ByteBuffer>) {
            served.withLock { served in
                let number = served.count
                let task = Task {
                    var conversation = Conversation(
                        inbound: stream.makeAsyncIterator(), channel: channel, connection: number)
                    // The other side may break off at any time: that is what is tested.
                    try? await conversation.serve(form, negotiation, script)
                    try? await channel.close()
                }
                served.append((channel, task))
            }
        }

        func end() async {
            for (channel, task) in served.withLock(\.self) {
                task.cancel()
                channel.close(promise: nil)
                await task.value
            }
        }
    }

    /// One connection.
    private struct Conversation {
        var inbound: AsyncStream<ByteBuffer>.Iterator
        let channel: any Channel
        let connection: Int
        var received: [UInt8] = []

        mutating func serve(_ form: Form, _ negotiation: Answer, _ script: Script) async throws {
            if form == .sasl {
                // START PLAIN, and OK with the credentials.
                for _ in 0..<2 { _ = try await frame(headBytes: 5) }
                guard case .raw([5, 0, 0, 0, 0]) = negotiation else {
                    return try await finish(negotiation, form)
                }
                try await send([5, 0, 0, 0, 0])
            }
            while true {
                let call = try await next(form)
                let answer = try await script(call)
                guard case .reply(let message) = answer else {
                    return try await finish(answer, form)
                }
                try await send(wrapped(message, form))
            }
        }

        private mutating func finish(_ answer: Answer, _ form: Form) async throws {
            switch answer {
            case .reply(let message): try await send(wrapped(message, form))
            case .raw(let bytes): try await send(bytes)
            case .cut: return
            case .replyAnd(let message, let more):
                try await send(wrapped(message, form) + more)
                try await waitForEnd()
            case .rawThenStall(let bytes):
                try await send(bytes)
                try await waitForEnd()
            }
        }

        private mutating func next(_ form: Form) async throws -> Call {
            var head = ""
            let message: [UInt8]
            switch form {
            case .plain:
                var scanner = ThriftScanner(limits: HiveServer2Limits())
                while try !scanner.reachesEnd(in: received) { try await readMore() }
                message = take(scanner.position)
            case .sasl:
                message = try await frame(headBytes: 4)
            case .http:
                head = try await requestHead()
                message = try await requestBody(head)
            }
            let length = Int(message.bigEndian(Int32.self, at: 4) ?? 0)
            return Call(
                connection: connection,
                method: String(decoding: message[8..<(8 + length)], as: UTF8.self),
                sequence: message.bigEndian(Int32.self, at: 8 + length) ?? -1, head: head)
        }

        private mutating func frame(headBytes: Int) async throws -> [UInt8] {
            while received.count < headBytes { try await readMore() }
            let length = Int(received.bigEndian(UInt32.self, at: headBytes - 4) ?? 0)
            while received.count < headBytes + length { try await readMore() }
            _ = take(headBytes)
            return take(length)
        }

        private mutating func requestHead() async throws -> String {
            let mark = Array("\r\n\r\n".utf8)
            while true {
                if let range = received.firstRange(of: mark) {
                    return String(decoding: take(range.upperBound), as: UTF8.self)
                }
                try await readMore()
            }
        }

        private mutating func requestBody(_ head: String) async throws -> [UInt8] {
            let line = head.split(separator: "\r\n").first {
                $0.lowercased().hasPrefix("content-length:")
            }
            let length = line.flatMap { Int($0.drop { !$0.isNumber }) } ?? 0
            while received.count < length { try await readMore() }
            return take(length)
        }

        private func wrapped(_ message: [UInt8], _ form: Form) -> [UInt8] {
            switch form {
            case .plain: message
            case .sasl: SASLFraming.framed(message)
            case .http: FakeServer.response(200, message)
            }
        }

        private mutating func take(_ count: Int) -> [UInt8] {
            defer { received.removeFirst(count) }
            return Array(received.prefix(count))
        }

        private func send(_ bytes: [UInt8]) async throws {
            try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
        }

        private mutating func readMore() async throws {
            guard let piece = await inbound.next(isolation: #isolation) else { throw Ended() }
            received += piece.readableBytesView
        }

        private mutating func waitForEnd() async throws {
            while await inbound.next(isolation: #isolation) != nil {}
        }

        private struct Ended: Error {}
    }

    /// An HTTP response.
    static func response(
        _ status: Int, _ body: [UInt8] = [], headers: [String] = []
    ) -> [UInt8] {
        let lines =
            ["HTTP/1.1 \(status) Said", "Content-Length: \(body.count)"] + headers + ["", ""]
        return Array(lines.joined(separator: "\r\n").utf8) + body
    }

    /// What a server of sound mind answers.
    static func sound(_ call: Call) -> Answer {
        switch call.method {
        case "OpenSession": .reply(Replies.openSession(call.sequence))
        case "ExecuteStatement": .reply(Replies.execute(call.sequence))
        case "GetOperationStatus": .reply(Replies.status(call.sequence))
        case "GetResultSetMetadata": .reply(Replies.metadata(call.sequence, [("a", 4)]))
        case "FetchResults": .reply(Replies.page(call.sequence, nil))
        default: .reply(Replies.plain(call.method, call.sequence))
        }
    }
}

extension FakeServer {
    /// A client whose limits are short, as a test that waits for them wants.
    func client(
        _ form: Form, host: String = "127.0.0.1",
        authentication: HiveServer2Configuration.Authentication? = nil,
        tls: HiveServer2Configuration.TLS = .off, connectLimit: Duration = .seconds(10),
        replyLimit: Duration = .seconds(20), limits: HiveServer2Limits = HiveServer2Limits()
    ) throws -> HiveServer2Client {
        let configuration = HiveServer2Configuration(
            host: host, port: port, transport: form.transport,
            authentication: authentication ?? form.authentication, tls: tls,
            connectLimit: connectLimit, replyLimit: replyLimit, limits: limits)
        return try HiveServer2Client(checked: configuration)
    }
}

extension FakeServer.Form {
    var transport: HiveServer2Configuration.Transport {
        switch self {
        case .plain, .sasl: .binary
        case .http: .http()
        }
    }

    var authentication: HiveServer2Configuration.Authentication {
        switch self {
        case .plain: .nosasl
        case .sasl, .http: .plain(user: "ann", password: "s3cret")
        }
    }
}

/// Calls that arrived, in their order.
final class CallLog: Sendable {
    private let calls = Mutex<[FakeServer.Call]>([])

    func note(_ call: FakeServer.Call) { calls.withLock { $0.append(call) } }

    var all: [FakeServer.Call] { calls.withLock { $0 } }

    var methods: [String] { all.map(\.method) }
}

/// Something that a test waits for and another part of it announces.
final class Signal: Sendable {
    private let isSet = Mutex(false)

    func set() { isSet.withLock { $0 = true } }

    func wait(_ what: String) async throws {
        try await eventually(what) { self.isSet.withLock { $0 } }
    }
}
