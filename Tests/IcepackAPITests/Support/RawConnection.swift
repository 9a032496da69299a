// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

/// A TCP connection that sends exactly the bytes it is told to.
struct RawConnection {
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var received: [UInt8] = []

    fileprivate init(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.inbound = inbound.makeAsyncIterator()
        self.outbound = outbound
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }

    /// Reads until the text has come; fails when the connection ends before.
    mutating func read(until text: String) async throws -> String {
        while true {
            let all = String(decoding: received, as: UTF8.self)
            if let range = all.firstRange(of: text) {
                let head = all[..<range.upperBound]
                received.removeFirst(head.utf8.count)
                return String(head)
            }
            try #require(try await readMore(), "ended after: \(all)")
        }
    }

    /// Everything until the server ends the connection.
    mutating func readToEnd() async throws -> String {
        while try await readMore() {}
        defer { received = [] }
        return String(decoding: received, as: UTF8.self)
    }

    /// One response whose length is announced.
    mutating func response() async throws -> Reply {
        let lines = try await read(until: "\r\n\r\n").split(separator: "\r\n")
        let status = try #require(lines.first?.split(separator: " ").dropFirst().first)
        var headers = HTTPHeaders()
        for line in lines.dropFirst() {
            let colon = try #require(line.firstIndex(of: ":"))
            headers.add(
                name: String(line[..<colon]), value: String(line[colon...].dropFirst(2)))
        }
        let length = Int(headers.first(name: "Content-Length") ?? "0") ?? 0
        while received.count < length { try #require(try await readMore()) }
        defer { received.removeFirst(length) }
        return Reply(
            status: Int(status) ?? 0, headers: headers, bytes: Array(received.prefix(length)))
    }

    private mutating func readMore() async throws -> Bool {
        guard let next = try await inbound.next(isolation: #isolation) else { return false }
        received += Array(buffer: next)
        return true
    }
}

/// Opens a connection for the time of the body.
func withRawConnection(
    to api: TestAPI, _ body: (inout RawConnection) async throws -> Void
) async throws {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(host: "127.0.0.1", port: api.port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel(
                    wrappingChannelSynchronously: channel,
                    configuration: .init(
                        inboundType: ByteBuffer.self, outboundType: ByteBuffer.self))
            }
        }
    try await channel.executeThenClose { inbound, outbound in
        var connection = RawConnection(inbound, outbound)
        try await body(&connection)
    }
}

/// Opens connections that send nothing.
func openIdle(_ count: Int, to api: TestAPI) async throws -> [any Channel] {
    try await withThrowingTaskGroup(of: (any Channel).self) { group in
        for _ in 0..<count {
            group.addTask {
                try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .connect(host: "127.0.0.1", port: api.port).get()
            }
        }
        return try await group.reduce(into: []) { $0.append($1) }
    }
}
