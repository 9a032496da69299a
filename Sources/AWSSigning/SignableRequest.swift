// SPDX-License-Identifier: Apache-2.0

/// What a signature covers of an HTTP request.
public struct SignableRequest: Hashable, Sendable {
    /// One header or query parameter; a name may come more than once.
    public struct Field: Hashable, Sendable {
        /// The name.
        public let name: String
        /// The value, not encoded in any way.
        public let value: String

        /// Takes both.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// In upper case: `GET`.
    public let method: String
    /// The path as it will be sent, percent-encoded; begins with a slash.
    public let path: String
    /// The query's parameters, not encoded; send ``PercentEncoding``'s form of them.
    public let query: [Field]
    /// Every header to be signed, `Host` among them.
    public let headers: [Field]
    /// What is said of the body.
    public let payload: PayloadHash

    /// Takes every part.
    public init(
        method: String, path: String, query: [Field] = [], headers: [Field],
        payload: PayloadHash = .empty
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.payload = payload
    }

    func adding(query more: [Field] = [], headers moreHeaders: [Field] = []) -> SignableRequest {
        SignableRequest(
            method: method, path: path, query: query + more, headers: headers + moreHeaders,
            payload: payload)
    }
}

/// How a service makes the canonical path of the path that is sent.
public enum CanonicalPath: Hashable, Sendable {
    /// As it is sent: S3, where `//`, `.` and `..` are parts of a key like any other (P-10).
    case asSent
    /// Encoded once more: the other services.
    case encodedAgain
    /// `.` and `..` resolved and runs of slashes made one, then encoded once more: the other
    /// services, when the sender does not know that the path is in that form already.
    case normalised
}
