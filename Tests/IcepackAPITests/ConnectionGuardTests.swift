// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

@testable import IcepackAPI

/// What needs a clock or a full socket buffer, on a loop whose time the test moves.
@Suite struct ConnectionGuardTests {
    private static func channel() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(ConnectionGuard(limits: APILimits()))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    private static let head = HTTPRequestPart.head(
        HTTPRequest(method: .post, scheme: nil, authority: nil, path: "/"))

    @Test func `a client that leaves its response unread is disconnected at the limit`() throws {
        let channel = try Self.channel()

        channel.isWritable = false
        channel.pipeline.fireChannelWritabilityChanged()
        channel.embeddedEventLoop.advanceTime(by: .seconds(29))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))

        #expect(!channel.isActive)
    }

    @Test func `a client that reads again is left alone`() throws {
        let channel = try Self.channel()

        channel.isWritable = false
        channel.pipeline.fireChannelWritabilityChanged()
        channel.embeddedEventLoop.advanceTime(by: .seconds(29))
        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        channel.embeddedEventLoop.advanceTime(by: .seconds(60))

        #expect(channel.isActive)
        #expect(try channel.finish().isClean)
    }

    @Test func `a body that drips is cut off at the limit, however steadily it drips`() throws {
        let channel = try Self.channel()

        try channel.writeInbound(Self.head)
        for _ in 0..<29 {
            try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(string: "x")))
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        }
        #expect(throws: Never.self) { try channel.throwIfErrorCaught() }
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))

        #expect(throws: RequestReadTimeout.self) { try channel.throwIfErrorCaught() }
    }

    @Test func `a request that is read has no deadline any more`() throws {
        let channel = try Self.channel()

        try channel.writeInbound(Self.head)
        try channel.writeInbound(HTTPRequestPart.end(nil))
        channel.embeddedEventLoop.advanceTime(by: .seconds(3600))

        #expect(throws: Never.self) { try channel.throwIfErrorCaught() }
        #expect(channel.isActive)
    }

    @Test func `after the last response the connection lingers and drops what still comes`() throws
    {
        let channel = try Self.channel()
        let last = HTTPResponse(status: .contentTooLarge, headerFields: [.connection: "close"])

        try channel.writeOutbound(HTTPResponsePart.head(last))
        try channel.writeOutbound(HTTPResponsePart.end(nil))
        try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(string: "late")))
        #expect(try channel.readInbound(as: HTTPRequestPart.self) == nil)
        channel.embeddedEventLoop.advanceTime(by: .seconds(2))

        #expect(!channel.isActive)
    }
}
