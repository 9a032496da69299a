// SPDX-License-Identifier: Apache-2.0

import HTTPExchange
import IcebergCatalog
import WireFormat

/// Why a call to Glue did not succeed.
enum GlueFailure: Error, Hashable, Sendable {
    /// The request never left; the cause may pass.
    case notSent(reason: String)
    /// The request never left, and will not.
    case notAllowed(reason: String)
    /// The request never left: its guard was closed by then.
    case guardClosed
    /// It left, or may have, and there is no answer.
    case broken(reason: String)
    /// Glue answered with an error of this name.
    case refused(status: Int, type: String, message: String)
    /// It answered with success and with something that makes no sense.
    case nonsense(reason: String)

    /// The characters of a message that are passed on.
    static let messageCharacters = 500

    /// Reads an answer that is no success: `{"__type": "…#Name", "Message": "…"}`.
    init(_ answer: HTTPAnswer) {
        let body: JSONObject?
        do throws(JSONSyntaxError) { body = try JSONValue(parsing: answer.body).objectValue } catch
        {
            // Something before Glue answered: its status says enough.
            body = nil
        }
        let name = body?["__type"]?.stringValue ?? answer.header("x-amzn-errortype") ?? ""
        let message = body?["Message"] ?? body?["message"]
        self = .refused(
            status: answer.status,
            type: Self.line(String(Self.unqualified(name).prefix(Self.messageCharacters))),
            message: Self.line(
                String((message?.stringValue ?? "").prefix(Self.messageCharacters))))
    }

    /// The name without its namespace before it and its URL behind it.
    private static func unqualified(_ name: String) -> Substring {
        let last = name.split(separator: "#").last ?? ""
        return last.prefix { $0 != ":" }
    }

    private static func line(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    init(_ failure: HTTPFailure) {
        switch failure {
        case .notSent(let reason): self = .notSent(reason: reason)
        case .broken, .cancelled: self = .broken(reason: failure.description)
        case .tooLarge: self = .nonsense(reason: failure.description)
        }
    }

    /// Errors that come with status 400 and pass all the same.
    private static let passing: Set<String> = [
        "ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded",
        "ResourceNotReadyException", "OperationTimeoutException", "RequestTimeout",
        "ConcurrentRunsExceededException", "ServiceUnavailable",
    ]

    /// Errors below 500 after which an update may have been made none the less.
    private static let unsettled: Set<String> = [
        "OperationTimeoutException", "RequestTimeout", "InternalServiceException",
        "InternalFailure",
    ]

    /// Whether the same call may go better in a while.
    var isPassing: Bool {
        switch self {
        case .notSent, .broken: true
        case .notAllowed, .guardClosed, .nonsense: false
        case .refused(let status, let type, _):
            status >= 500 || status == 408 || status == 429 || Self.passing.contains(type)
        }
    }

    /// Whether it is certain that the request changed nothing (P-30).
    var isWithoutEffect: Bool {
        switch self {
        case .notSent, .notAllowed, .guardClosed: true
        case .broken, .nonsense: false
        case .refused(let status, let type, _):
            status < 500 && status != 408 && !Self.unsettled.contains(type)
        }
    }

    /// Whether it says that a table or a database is not there.
    var isMissing: Bool {
        if case .refused(_, "EntityNotFoundException", _) = self { true } else { false }
    }

    /// Whether somebody else changed the table first.
    private var isConflict: Bool {
        switch self {
        case .refused(_, "ConcurrentModificationException", _),
            .refused(_, "VersionMismatchException", _):
            true
        case .refused, .notSent, .notAllowed, .guardClosed, .broken, .nonsense: false
        }
    }

    var reason: String {
        switch self {
        case .notSent(let reason), .notAllowed(let reason), .broken(let reason),
            .nonsense(let reason):
            return reason
        case .guardClosed: return "the commit's guard was closed"
        case .refused(let status, let type, let message):
            let words = [type, message].filter { !$0.isEmpty }.joined(separator: ": ")
            return "Glue answered with HTTP status \(status)\(words.isEmpty ? "" : ", ")\(words)"
        }
    }

    /// What a failed look at no table in particular means.
    var catalogError: CatalogError {
        isPassing ? .unavailable(reason: reason) : .denied(reason: reason)
    }

    /// What a failed look at one table means: as far as can be, a fault of that table alone.
    func catalogError(about table: TableIdentifier) -> CatalogError {
        if isMissing { return .noSuchTable(table) }
        switch self {
        case .refused(_, "AccessDeniedException", _), .nonsense:
            return .unreadableTable(table, reason: reason)
        case .refused, .notSent, .notAllowed, .guardClosed, .broken: return catalogError
        }
    }

    /// What a failed update of the pointer means.
    var swapOutcome: SwapOutcome {
        if case .guardClosed = self { return .refused(CommitGuard.refusal) }
        guard isWithoutEffect else { return .unknown(reason: reason) }
        if isConflict { return .refused(.conflict(reason: reason)) }
        return .refused(isPassing ? .unavailable(reason: reason) : .rejected(reason: reason))
    }
}
