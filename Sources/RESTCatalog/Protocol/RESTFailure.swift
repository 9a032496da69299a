// SPDX-License-Identifier: Apache-2.0

import HTTPExchange
import IcebergCatalog

/// Why a call to a REST catalog did not succeed.
enum RESTFailure: Error, Hashable, Sendable {
    /// The request never left; the cause may pass.
    case notSent(reason: String)
    /// The request never left, and will not: there is no token to send it with.
    case notAllowed(reason: String)
    /// The request never left: its guard was closed by then.
    case guardClosed
    /// It left, or may have, and there is no answer: it may have had its effect.
    case broken(reason: String)
    /// The server answered, and not with success.
    case refused(RESTRefusal)
    /// It answered with success and with something that makes no sense, or too much of it.
    case nonsense(reason: String)

    init(_ failure: HTTPFailure) {
        switch failure {
        case .notSent(let reason): self = .notSent(reason: reason)
        case .broken, .cancelled: self = .broken(reason: failure.description)
        case .tooLarge: self = .nonsense(reason: failure.description)
        }
    }

    /// Whether the same call may go better in a while.
    var isPassing: Bool {
        switch self {
        case .notSent, .broken: true
        case .notAllowed, .guardClosed, .nonsense: false
        case .refused(let refusal): refusal.isPassing
        }
    }

    /// Whether it is certain that the request changed nothing (P-30).
    ///
    /// Of the answers only those below 500 are: any other may come from something between us and a
    /// server that carried the request out.
    var isWithoutEffect: Bool {
        switch self {
        case .notSent, .notAllowed, .guardClosed: true
        case .broken, .nonsense: false
        case .refused(let refusal): refusal.status < 500 && refusal.status != 408
        }
    }

    var reason: String {
        switch self {
        case .notSent(let reason), .notAllowed(let reason), .broken(let reason),
            .nonsense(let reason):
            reason
        case .guardClosed: "the commit's guard was closed"
        case .refused(let refusal): refusal.description
        }
    }
}

/// An answer other than success.
struct RESTRefusal: Hashable, Sendable, CustomStringConvertible {
    let status: Int
    /// The protocol's name for the trouble; nil where the answer is not the protocol's.
    let type: String?
    /// The server's words, cut and without secrets.
    let message: String
    var retryAfter: Duration?

    var isPassing: Bool {
        status == 408 || status == 429 || (status >= 500 && status != 501)
    }

    /// Whether another token would help.
    var wantsToken: Bool { status == 401 || status == 419 }

    /// Whether it says that a thing is not there, in the words of the protocol: a wrong URL is
    /// answered with the same status by whatever happens to serve it.
    var isMissing: Bool { status == 404 && type.map(Self.missing.contains) == true }

    private static let missing: Set<String> = [
        "NoSuchTableException", "NoSuchNamespaceException", "NoSuchTableError",
        "NoSuchNamespaceError",
    ]

    var description: String {
        let words = [type ?? "", message].filter { !$0.isEmpty }.joined(separator: ": ")
        let hint =
            type == nil && (300..<500).contains(status)
            ? "; this is not how an Iceberg REST catalog answers: check the catalog's URI" : ""
        return "HTTP status \(status)\(words.isEmpty ? "" : ", ")\(words)\(hint)"
    }
}

extension CatalogError {
    /// What a failed call about no table in particular means.
    init(_ failure: RESTFailure) {
        self =
            failure.isPassing
            ? .unavailable(reason: failure.reason) : .denied(reason: failure.reason)
    }

    /// What a failed call about one table means: as far as can be, a fault of that table alone.
    init(_ failure: RESTFailure, about table: TableIdentifier) {
        switch failure {
        case .notSent, .broken: self = .unavailable(reason: failure.reason)
        case .notAllowed, .guardClosed: self = .denied(reason: failure.reason)
        case .nonsense: self = .unreadableTable(table, reason: failure.reason)
        case .refused(let refusal):
            if refusal.isMissing {
                self = .noSuchTable(table)
            } else if refusal.isPassing {
                self = .unavailable(reason: failure.reason)
            } else if refusal.wantsToken {
                self = .denied(reason: failure.reason)
            } else {
                self = .unreadableTable(table, reason: failure.reason)
            }
        }
    }
}
