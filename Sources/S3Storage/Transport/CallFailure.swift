// SPDX-License-Identifier: Apache-2.0

import ObjectStorage

/// Why one try of one call did not give what was asked for.
enum CallFailure: Error, Hashable, Sendable {
    /// The request never left: no connection stood.
    case notSent(reason: String)
    /// There is nothing to sign it with.
    case noCredentials(CredentialsError)
    /// The connection broke or fell silent after the request began; it may have had its effect.
    case broken(reason: String)
    /// The server answered, and not with success.
    case refused(Refusal)
    /// The answer makes no sense.
    case nonsense(reason: String)
    /// The task was cancelled.
    case cancelled
    /// It is larger than the caller is ready to hold.
    case tooLarge

    /// An answer other than success.
    struct Refusal: Hashable, Sendable {
        let status: Int
        /// S3's name for the trouble; empty where the answer has none, as to HEAD.
        let code: String
        let message: String
        var retryAfter: Duration?
        /// The region in which the server says the bucket is.
        var region: String?

        /// For messages: the server's words, cut.
        var reason: String {
            let words = [code, message].filter { !$0.isEmpty }.joined(separator: ": ")
            let text = words.isEmpty ? "HTTP status \(status)" : "HTTP status \(status), \(words)"
            return String(text.prefix(S3Limits.reasonCharacters))
        }
    }
}

extension CallFailure {
    /// Codes by which a server says that it did not begin.
    private static let notBegun: Set<String> = [
        "SlowDown", "ServiceUnavailable", "Throttling", "ThrottlingException", "TooManyRequests",
        "RequestLimitExceeded", "RequestTimeTooSkewed", "ConditionalRequestConflict",
        "OperationAborted", "BandwidthLimitExceeded",
    ]

    /// Codes of passing trouble that come with a status which does not say so.
    private static let passingCodes = notBegun.union([
        "RequestTimeout", "InternalError", "IncompleteBody",
    ])

    /// Whether the same call may go better in a while.
    var isPassing: Bool {
        switch self {
        case .notSent, .broken: true
        case .refused(let refusal):
            refusal.status >= 500 && refusal.status != 501 || refusal.status == 429
                || refusal.status == 408 || Self.passingCodes.contains(refusal.code)
        case .nonsense: true
        case .noCredentials, .cancelled, .tooLarge: false
        }
    }

    /// Whether it is certain that the request changed nothing.
    var isWithoutEffect: Bool {
        switch self {
        case .notSent, .noCredentials: true
        case .refused(let refusal):
            refusal.status == 429 || Self.notBegun.contains(refusal.code)
                || (refusal.status < 500 && refusal.status != 408)
        // A cancelled call may be on its way.
        case .broken, .nonsense, .cancelled, .tooLarge: false
        }
    }

    var retryAfter: Duration? {
        if case .refused(let refusal) = self { refusal.retryAfter } else { nil }
    }

    /// The S3 code of a refusal.
    var code: String? {
        if case .refused(let refusal) = self { refusal.code } else { nil }
    }

    var status: Int? {
        if case .refused(let refusal) = self { refusal.status } else { nil }
    }

    var reason: String {
        switch self {
        case .notSent(let reason), .broken(let reason), .nonsense(let reason): reason
        case .noCredentials(let error): error.description
        case .refused(let refusal): refusal.reason
        case .cancelled: "the task was cancelled"
        case .tooLarge: "the answer is longer than is read"
        }
    }

    /// What the port says of it, for a call that changes nothing or can be repeated.
    func storageError(_ location: Location) -> StorageError {
        switch self {
        case .refused(let refusal) where !isPassing:
            if refusal.status == 404, refusal.code != "NoSuchBucket" {
                .notFound(location)
            } else if let region = refusal.region {
                .denied(
                    location,
                    reason: "\(refusal.reason); the bucket is in the region \(region): "
                        + "set AWS_REGION to it")
            } else {
                .denied(location, reason: refusal.reason)
            }
        case .noCredentials(.missing), .noCredentials(.unusable): .denied(location, reason: reason)
        case .notSent, .noCredentials, .broken, .nonsense, .cancelled, .refused, .tooLarge:
            .unavailable(location, reason: reason)
        }
    }
}
