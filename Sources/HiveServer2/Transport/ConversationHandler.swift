// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOTLS

/// Why a connection is of no more use.
enum ConversationEnd: Error, Hashable, Sendable {
    /// It could not be used from the start: what the caller of the first call is told.
    case neverOpened(HiveServer2Error)
    /// The other side ended it, or the network did.
    case lost(String)
    /// No reply came in time.
    case stalled(Duration)
    /// What came is not a reply.
    case unreadable(ThriftError)
    /// The caller went away; the connection itself goes on.
    case abandoned
    /// We closed it.
    case closed
}

/// A call that is handed to a connection.
struct PendingCall: Sendable {
    let message: [UInt8]
    let limit: Duration
    let reply: OneShot<Result<[UInt8], ConversationEnd>>
}

/// Carries calls over a channel, one at a time: authenticates, frames, assembles, watches the time.
///
/// Invariant: a call that was taken is answered exactly once, with its reply or with the reason
/// why the conversation ended. A reply is waited for even when its caller has gone, so that the
/// connection, to which a session may belong, can be used again afterwards.
final class ConversationHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = Never
    typealias OutboundIn = PendingCall
    typealias OutboundOut = ByteBuffer

    private enum State {
        case securing
        case authenticating(received: [UInt8])
        case idle
        case waiting(PendingCall, timer: Scheduled<Void>)
        case ended
    }

    private let configuration: HiveServer2Configuration
    private let occupancy: Occupancy
    private var assembler: ReplyAssembler
    private var state = State.securing

    init(configuration: HiveServer2Configuration, occupancy: Occupancy) {
        self.configuration = configuration
        self.occupancy = occupancy
        let isPlain = configuration.authentication == .nosasl
        assembler = ReplyAssembler(isPlain ? .plain : .framed, limits: configuration.limits)
    }

    // MARK: Opening

    func channelActive(context: ChannelHandlerContext) {
        if configuration.tls == .off { authenticate(context) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event { authenticate(context) }
    }

    private func authenticate(_ context: ChannelHandlerContext) {
        guard case .securing = state else { return }
        switch configuration.authentication {
        case .nosasl:
            state = .idle
            occupancy.opened(.success(()))
        case .plain(let user, let password):
            state = .authenticating(received: [])
            send(SASLNegotiation.opening(user: user, password: password), context)
        }
    }

    private func negotiate(_ received: [UInt8], _ context: ChannelHandlerContext) {
        do throws(HiveServer2Error) {
            switch try SASLNegotiation.answer(in: received) {
            case .incomplete:
                state = .authenticating(received: received)
            case .accepted(let count):
                guard count == received.count else {
                    throw HiveServer2Error.malformed(
                        call: "the SASL negotiation", reason: "bytes after its end")
                }
                state = .idle
                occupancy.opened(.success(()))
            }
        } catch {
            end(.neverOpened(error), context)
        }
    }

    // MARK: Calls

    func write(
        context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
    ) {
        let call = unwrapOutboundIn(data)
        guard case .idle = state else {
            // Ended between the caller's look and now; a second call at a time cannot be.
            call.reply.fulfil(.failure(.lost("the connection ended")))
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        let timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(call.limit)) {
            self.end(.stalled(call.limit), context)
        }
        state = .waiting(call, timer: timer)
        let isFramed = configuration.authentication != .nosasl
        let bytes = isFramed ? SASLFraming.framed(call.message) : call.message
        context.write(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let piece = unwrapInboundIn(data).readableBytesView
        switch state {
        case .authenticating(let received):
            negotiate(received + piece, context)
        case .waiting(let call, let timer):
            do throws(ThriftError) {
                guard let message = try assembler.take(piece) else { return }
                timer.cancel()
                state = .idle
                occupancy.release()
                call.reply.fulfil(.success(message))
            } catch {
                end(.unreadable(error), context)
            }
        case .idle:
            end(.lost("the server sent bytes that nobody asked for"), context)
        case .securing, .ended:
            return
        }
    }

    // MARK: Ending

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(reason(for: error), context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(reason(for: nil), context)
    }

    private func reason(for error: (any Error)?) -> ConversationEnd {
        let text = error.map(TLSFailure.text) ?? "the server closed the connection"
        switch state {
        case .securing:
            if let error, TLSFailure.isOne(error) { return .neverOpened(.untrusted(reason: text)) }
            return .neverOpened(.unreachable(reason: text))
        case .authenticating:
            return .neverOpened(.unreachable(reason: "\(text), during authentication"))
        case .idle, .waiting, .ended:
            return .lost(text)
        }
    }

    private func end(_ reason: ConversationEnd, _ context: ChannelHandlerContext) {
        if case .ended = state { return }
        let first = occupancy.end(reason)
        if case .waiting(let call, let timer) = state {
            timer.cancel()
            call.reply.fulfil(.failure(first))
        }
        state = .ended
        context.close(promise: nil)
    }

    private func send(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }
}
