// SPDX-License-Identifier: Apache-2.0

/// Why a call to a HiveServer2 did not do what was asked, with what the caller can do about it.
///
/// `description` never shows statements, settings, passwords or the secrets of handles. What a
/// server says of a statement is in ``statement(sqlState:message:)``.
public enum HiveServer2Error: Error, Hashable, Sendable {
    /// The configuration or the call itself is wrong, and would be wrong again: nothing was sent.
    case misuse(reason: String)
    /// No connection came about: nothing was sent.
    case unreachable(reason: String)
    /// TLS failed, for a certificate that is not trusted or a server without TLS: nothing was sent.
    case untrusted(reason: String)
    /// The server refused the credentials.
    case rejected(reason: String)
    /// The connection ended after the call was sent, so that it may have taken effect.
    case connectionLost(reason: String, session: SessionFate)
    /// No reply came within the limit, as from a stopped server or over a half-open connection;
    /// the call may have taken effect.
    case stalled(limit: Duration, session: SessionFate)
    /// The server does not know the handle: it was closed, timed out, or the server restarted.
    case handleLost(HandleKind)
    /// The server refused or failed the statement, or what was asked of it.
    ///
    /// The message may be long, with a stack of the server; ``firstLine(of:)`` is for people.
    case statement(sqlState: String?, message: String)
    /// The server could not process the call (a Thrift application exception).
    case exception(call: String, kind: Int32, message: String)
    /// An HTTP status other than success, with whether the call may have taken effect.
    case httpStatus(Int, session: SessionFate)
    /// The reply is not what the protocol says.
    case malformed(call: String, reason: String)
    /// More came, or was to be sent, than a limit allows.
    case limitExceeded(HiveServer2Limit, maximum: Int)
    /// The calling task was cancelled; the call may have taken effect.
    case cancelled
    /// This program shut the client down before.
    case closed

    /// What a session is worth after a call was lost.
    public enum SessionFate: Hashable, Sendable {
        /// The call was to open it, and nothing ran in it.
        case notOpened
        /// It does not depend on the connection: its handles still work.
        case kept
        /// It ended with its connection, and what ran in it is being stopped.
        case gone
    }

    /// What a handle stands for.
    public enum HandleKind: Hashable, Sendable {
        /// A session.
        case session
        /// An operation.
        case operation
    }

    /// What the caller can do.
    public enum Remedy: Hashable, Sendable {
        /// Nothing took effect: make the same call again, later.
        case retry
        /// The call may have taken effect, and the handles still work: ask with them.
        case reattach
        /// The same call will not succeed.
        ///
        /// What a statement did before is told by the tables it wrote to.
        case fail
    }

    /// What the caller can do.
    public var remedy: Remedy {
        switch self {
        case .unreachable: .retry
        case .connectionLost(_, let session), .stalled(_, let session): session.remedy
        case .httpStatus(let status, let session):
            // Of the others the server says that the request itself is wrong.
            status >= 500 || status == 429 || status == 408 ? session.remedy : .fail
        case .cancelled: .reattach
        case .misuse, .untrusted, .rejected, .handleLost, .statement, .exception, .malformed,
            .limitExceeded, .closed:
            .fail
        }
    }
}

extension HiveServer2Error.SessionFate {
    fileprivate var remedy: HiveServer2Error.Remedy {
        switch self {
        case .notOpened: .retry
        case .kept: .reattach
        case .gone: .fail
        }
    }
}

extension HiveServer2Error: CustomStringConvertible {
    /// The text for people.
    public var description: String {
        switch self {
        case .misuse(let reason): "wrong use of the HiveServer2 client: \(reason)"
        case .unreachable(let reason): "HiveServer2 unreachable: \(reason)"
        case .untrusted(let reason): "no TLS with HiveServer2: \(reason)"
        case .rejected(let reason): "HiveServer2 refused the credentials: \(reason)"
        case .connectionLost(let reason, let session):
            "connection to HiveServer2 lost: \(reason)\(session.note)"
        case .stalled(let limit, let session):
            "no reply from HiveServer2 within \(limit)\(session.note)"
        case .handleLost(.session): "HiveServer2 does not know the session"
        case .handleLost(.operation): "HiveServer2 does not know the operation"
        case .statement(let sqlState, let message):
            "HiveServer2\(sqlState.map { " (SQLSTATE \($0))" } ?? ""): "
                + Self.firstLine(of: message)
        case .exception(let call, let kind, let message):
            "HiveServer2 could not process \(call) (kind \(kind)): \(Self.firstLine(of: message))"
        case .httpStatus(let status, let session):
            "HiveServer2 answered with HTTP status \(status)\(session.note)"
        case .malformed(let call, let reason): "HiveServer2's reply to \(call): \(reason)"
        case .limitExceeded(let limit, let maximum): "HiveServer2: more than \(maximum) (\(limit))"
        case .cancelled: "call to HiveServer2 cancelled"
        case .closed: "the HiveServer2 client is shut down"
        }
    }

    /// The most characters of a first line.
    static let firstLineCharacters = 2000

    /// The first line of what a server says, which is what is for people; the rest is its stack.
    public static func firstLine(of message: String) -> String {
        let line = message.split(whereSeparator: \.isNewline).lazy
            .first { !$0.allSatisfy(\.isWhitespace) }
        return String((line ?? "no message").prefix(firstLineCharacters))
    }
}

extension HiveServer2Error.SessionFate {
    fileprivate var note: String {
        switch self {
        case .notOpened, .kept: ""
        case .gone: "; its session is gone"
        }
    }
}

extension HiveServer2Error {
    /// What an unreadable reply means for the caller.
    init(_ error: ThriftError, in call: String, limits: HiveServer2Limits) {
        switch error {
        case .limitExceeded(let limit):
            self = .limitExceeded(limit, maximum: limits.maximum(of: limit))
        case .truncated, .unknownType, .wrongType, .wrongElement, .negativeSize,
            .impossibleCount, .notText, .notStrict, .unexpectedMessage, .wrongMethod,
            .wrongSequence, .trailingBytes, .missing, .invalid:
            self = .malformed(call: call, reason: error.description)
        }
    }
}

extension HiveServer2Limits {
    func maximum(of limit: HiveServer2Limit) -> Int {
        switch limit {
        case .messageBytes: messageBytes
        case .stringBytes: stringBytes
        case .depth: depth
        case .elements: elements
        case .columns: columns
        case .resultRows: resultRows
        case .resultBytes: resultBytes
        case .challengeBytes: Self.challengeBytes
        }
    }
}
