// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import WireFormat

/// Keeps one connection from taking more than its share and ends it so that the client sees why.
///
/// What the server itself leaves open, and what this adds:
/// - a request whose body trickles in has a deadline from its head to its end;
/// - a client that does not read its response is disconnected;
/// - text that is not HTTP gets a problem document, not an empty 400;
/// - after a response with `Connection: close` the sending side is closed at once, and what the
///   client still sends is read and dropped for a moment: closing at once would reset the
///   connection and destroy a response that the client has not read yet;
/// - a close that comes while a response is still being sent waits for it.
///
/// It stands between the HTTP codec and the server's own handlers, on one event loop.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: APILimits
    private var readDeadline: Scheduled<Void>?
    private var stallDeadline: Scheduled<Void>?
    private var lingerDeadline: Scheduled<Void>?
    /// What the codec found wrong with the client's bytes.
    private var parserFailure: ProblemCode?
    /// The response being written carries `Connection: close`.
    private var isLastResponse = false
    /// The last response is out; whatever still comes in is dropped.
    private var isLingering = false
    /// Responses whose last byte has not left yet.
    private var endsInFlight = 0
    private var isCloseWanted = false

    init(limits: APILimits) { self.limits = limits }

    func handlerRemoved(context: ChannelHandlerContext) { cancelDeadlines() }

    func channelInactive(context: ChannelHandlerContext) {
        cancelDeadlines()
        context.fireChannelInactive()
    }

    private func cancelDeadlines() {
        for deadline in [readDeadline, stallDeadline, lingerDeadline] { deadline?.cancel() }
        (readDeadline, stallDeadline, lingerDeadline) = (nil, nil, nil)
    }

    // MARK: What comes in

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isLingering else { return }
        switch unwrapInboundIn(data) {
        case .head:
            readDeadline?.cancel()
            readDeadline = schedule(limits.requestReadLimit, context) { _, context in
                context.fireErrorCaught(RequestReadTimeout())
            }
        case .body: break
        case .end:
            readDeadline?.cancel()
            readDeadline = nil
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let failure = error as? HTTPParserError {
            parserFailure = failure == .headerOverflow ? .headersTooLarge : .malformedRequest
        }
        context.fireErrorCaught(error)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if isLingering, case .inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stallDeadline?.cancel()
        stallDeadline =
            context.channel.isWritable
            ? nil : schedule(limits.writeStallLimit, context) { $1.close(promise: nil) }
        context.fireChannelWritabilityChanged()
    }

    // MARK: What goes out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            isLastResponse = head.headerFields[.connection] == "close"
            if let failure = parserFailure, Self.isServersOwn(head) {
                writeProblem(failure, context: context, promise: promise)
            } else {
                context.write(data, promise: promise)
            }
        case .body: context.write(data, promise: promise)
        case .end:
            writeEnd(data, context: context, promise: promise)
        }
    }

    /// Whether this is the empty response that the server gives to bytes that are not HTTP.
    private static func isServersOwn(_ head: HTTPResponse) -> Bool {
        head.status == .badRequest && head.headerFields[.contentLength] == "0"
    }

    private func writeProblem(
        _ code: ProblemCode, context: ChannelHandlerContext, promise: EventLoopPromise<Void>?
    ) {
        let problem = Problem(
            code,
            code == .headersTooLarge
                ? "The header fields may have at most \(limits.maximumHeaderBytes) bytes together."
                : "The bytes received are not a valid HTTP/1.1 request.")
        let body = ByteBuffer(bytes: problem.json.bytes())
        var head = HTTPResponse(status: code.status)
        head.headerFields[.contentType] = "application/problem+json"
        head.headerFields[.contentLength] = String(body.readableBytes)
        head.headerFields[.connection] = "close"
        head.headerFields[.requestID] = RequestID.random()
        context.write(wrapOutboundOut(.head(head)), promise: promise)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
    }

    private func writeEnd(
        _ data: NIOAny, context: ChannelHandlerContext, promise: EventLoopPromise<Void>?
    ) {
        endsInFlight += 1
        let written = promise ?? context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        written.futureResult.whenComplete { _ in
            let (connection, context) = bound.value
            connection.endWritten(context: context)
        }
        context.write(data, promise: written)
    }

    private func endWritten(context: ChannelHandlerContext) {
        endsInFlight -= 1
        guard endsInFlight == 0, context.channel.isActive else { return }
        if isCloseWanted {
            context.close(promise: nil)
        } else if isLastResponse, !isLingering {
            isLingering = true
            readDeadline?.cancel()
            context.close(mode: .output, promise: nil)
            lingerDeadline = schedule(limits.lingerLimit, context) { $1.close(promise: nil) }
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch mode {
        case .all where endsInFlight > 0:
            isCloseWanted = true
            context.channel.closeFuture.cascade(to: promise)
        case .output where isLingering: promise?.succeed()
        case .all, .input, .output: context.close(mode: mode, promise: promise)
        }
    }

    private func schedule(
        _ delay: Duration, _ context: ChannelHandlerContext,
        _ action: @escaping @Sendable (ConnectionGuard, ChannelHandlerContext) -> Void
    ) -> Scheduled<Void> {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        return context.eventLoop.scheduleTask(in: TimeAmount(delay)) {
            let (connection, context) = bound.value
            action(connection, context)
        }
    }
}

@available(*, unavailable)
extension ConnectionGuard: Sendable {}
