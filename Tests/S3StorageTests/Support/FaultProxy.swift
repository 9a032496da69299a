// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An HTTP proxy on loopback between a storage and its server, which does to chosen calls what
/// networks and servers do.
///
/// It reads a request whole before anything happens to it, so that "before" and "after" the effect
/// are certain.
final class FaultProxy: Sendable {
    /// What happens to a call.
    enum Fault: Sendable {
        /// The connection ends before the server sees the request.
        case cutBefore
        /// The server does its work; the connection ends instead of the answer.
        case loseReply
        /// The server never sees the request, and nobody answers until the connection ends.
        case hang
        /// Somebody else answers.
        case answer(Int, headers: [(String, String)] = [], body: String = "")
        /// The server answers; of the body only so many bytes arrive.
        case truncate(Int)
        /// The server answers; the announced length is this much more than the body's.
        case announceMore(Int)
        /// The server answers; this much of the body is missing and the length says so.
        case shorten(Int)
        /// The server answers; this much of the body is missing, and its range and length fit.
        case shortenRange(Int)
        /// The server answers; the end of the connection is the end of the body.
        case openEnd
        /// The server sees the request twice; the second answer arrives.
        case twice
        /// Something happens before the server sees the request.
        case first(@Sendable () async throws -> Void)
    }

    /// A request that came by.
    struct Seen: Sendable {
        let method: String
        let uri: String
        let headers: HTTPHeaders
        let body: String
    }

    private struct Rule {
        let method: String
        let text: String
        let fault: Fault
        var times: Int
    }

    private let upstream: Int
    private let connections = Mutex<[(channel: any Channel, served: Task<Void, Never>)]>([])
    private let bound = Mutex(0)
    private let rules = Mutex<[Rule]>([])
    private let log = Mutex<[Seen]>([])

    private init(upstream: Int) { self.upstream = upstream }

    /// Where it listens, at 127.0.0.1.
    var port: Int { bound.withLock { $0 } }

    /// Makes the next calls of a method whose URI has a text in it fail.
    func inject(_ fault: Fault, _ method: String, _ text: String = "", times: Int = 1) {
        let rule = Rule(method: method, text: text, fault: fault, times: times)
        rules.withLock { $0.append(rule) }
    }

    /// The calls of a method whose URI has a text in it, in order.
    func seen(_ method: String, _ text: String = "") -> [Seen] {
        log.withLock { $0.filter { $0.method == method && $0.uri.contains(text) } }
    }

    /// Runs a proxy for as long as the body takes.
    ///
    /// - Parameter upstream: The server's port; 0 for none.
    static func run<Value: Sendable>(
        to upstream: Int, _ body: @escaping @Sendable (FaultProxy) async throws -> Value
    ) async throws -> Value {
        let proxy = FaultProxy(upstream: upstream)
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.backlog, value: 256)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    proxy.begin(try Connection(wrappingChannelSynchronously: channel))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        proxy.bound.withLock { $0 = server.localAddress?.port ?? 0 }
        let result: Result<Value, any Error>
        do { result = .success(try await body(proxy)) } catch { result = .failure(error) }
        try? await server.close()
        for connection in proxy.connections.withLock({ $0 }) {
            connection.channel.close(promise: nil)
            connection.served.cancel()
            await connection.served.value
        }
        return try result.get()
    }

    /// Serves a connection from its first moment on: to NIO one that was accepted and is never
    /// served is a mistake, also while the proxy closes.
    private func begin(_ connection: Connection) {
        // Unstructured because the connection may come when nobody waits for any more.
        let served = Task { await serve(connection) }
        connections.withLock { $0.append((connection.channel, served)) }
    }

    private typealias Connection = NIOAsyncChannel<
        HTTPServerRequestPart, HTTPServerResponsePart
    >
    private typealias Output = NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>

    private func serve(_ connection: Connection) async {
        // A client that went away is none of ours.
        try? await connection.executeThenClose { inbound, outbound in
            var head: HTTPRequestHead?
            var body = ByteBuffer()
            for try await part in inbound {
                switch part {
                case .head(let new):
                    head = new
                    body.clear()
                case .body(var piece): body.writeBuffer(&piece)
                case .end:
                    guard let request = head else { return }
                    guard try await self.answer(request, body, outbound) else { return }
                }
            }
        }
    }

    /// False to end the connection.
    private func answer(
        _ head: HTTPRequestHead, _ body: ByteBuffer, _ output: Output
    ) async throws -> Bool {
        let seen = Seen(
            method: head.method.rawValue, uri: head.uri, headers: head.headers,
            body: String(
                buffer: body.getSlice(at: 0, length: min(4096, body.readableBytes)) ?? body))
        log.withLock { $0.append(seen) }
        switch fault(for: seen) {
        case nil: return try await send(try await forward(head, body), head, output)
        case .first(let action):
            try await action()
            return try await send(try await forward(head, body), head, output)
        case .cutBefore: return false
        case .loseReply:
            _ = try await forward(head, body)
            return false
        case .hang:
            try await Task.never()
            return false
        case .answer(let status, let headers, let text):
            var reply = Reply(status: HTTPResponseStatus(statusCode: status))
            for (name, value) in headers { reply.headers.add(name: name, value: value) }
            reply.body = ByteBuffer(string: text)
            return try await send(reply, head, output)
        case .truncate(let count):
            var reply = try await forward(head, body)
            reply.announced = reply.body.readableBytes
            reply.body = reply.body.getSlice(at: 0, length: count) ?? reply.body
            _ = try await send(reply, head, output)
            return false
        case .announceMore(let count):
            var reply = try await forward(head, body)
            reply.announced = reply.body.readableBytes + count
            _ = try await send(reply, head, output)
            return false
        case .shorten(let count):
            var reply = try await forward(head, body)
            let kept = max(0, reply.body.readableBytes - count)
            reply.body = reply.body.getSlice(at: 0, length: kept) ?? reply.body
            return try await send(reply, head, output)
        case .shortenRange(let count):
            var reply = try await forward(head, body)
            let kept = max(0, reply.body.readableBytes - count)
            reply.body = reply.body.getSlice(at: 0, length: kept) ?? reply.body
            reply.headers.replaceOrAdd(name: "content-range", value: "bytes 0-\(kept - 1)/100")
            return try await send(reply, head, output)
        case .openEnd:
            var reply = try await forward(head, body)
            reply.hasOpenEnd = true
            _ = try await send(reply, head, output)
            return false
        case .twice:
            _ = try await forward(head, body)
            return try await send(try await forward(head, body), head, output)
        }
    }

    private func fault(for seen: Seen) -> Fault? {
        rules.withLock { rules in
            let index = rules.firstIndex {
                $0.method == seen.method && $0.times > 0
                    && ($0.text.isEmpty || seen.uri.contains($0.text))
            }
            guard let index else { return nil }
            rules[index].times -= 1
            return rules[index].fault
        }
    }

    private struct Reply: Sendable {
        var status: HTTPResponseStatus
        var headers = HTTPHeaders()
        var body = ByteBuffer()
        /// If not the body's own.
        var announced: Int?
        /// Whether no length is announced at all.
        var hasOpenEnd = false
    }

    private func forward(_ head: HTTPRequestHead, _ body: ByteBuffer) async throws -> Reply {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(upstream)\(head.uri)")
        request.method = head.method
        request.headers = head.headers
        if body.readableBytes > 0 { request.body = .bytes(body) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        var reply = Reply(status: response.status, headers: response.headers)
        reply.body = try await response.body.collect(upTo: 256 << 20)
        return reply
    }

    private func send(
        _ reply: Reply, _ head: HTTPRequestHead, _ output: Output
    ) async throws -> Bool {
        var headers = reply.headers
        headers.remove(name: "transfer-encoding")
        headers.remove(name: "connection")
        if reply.hasOpenEnd {
            headers.remove(name: "content-length")
            headers.add(name: "connection", value: "close")
        } else if head.method != .HEAD || reply.announced != nil
            || !headers.contains(name: "content-length")
        {
            let length = reply.announced ?? reply.body.readableBytes
            headers.replaceOrAdd(name: "content-length", value: String(length))
        }
        try await output.write(
            .head(
                HTTPResponseHead(
                    // In the newer version an end that is not announced is marked in another way.
                    version: reply.hasOpenEnd ? .http1_0 : .http1_1, status: reply.status,
                    headers: headers)))
        if head.method != .HEAD { try await output.write(.body(.byteBuffer(reply.body))) }
        if reply.announced == nil { try await output.write(.end(nil)) }
        return true
    }
}

extension Task where Success == Never, Failure == Never {
    /// Comes back when the task is cancelled, and not before.
    static func never() async throws {
        for await _ in AsyncStream<Void>.makeStream().stream {}
        try Task.checkCancellation()
    }
}
