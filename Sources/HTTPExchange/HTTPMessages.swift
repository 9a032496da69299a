// SPDX-License-Identifier: Apache-2.0

/// One header of a request.
public struct HTTPField: Hashable, Sendable {
    /// The name, in any case.
    public let name: String
    /// The value.
    public let value: String

    /// Pairs a name with a value.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// An HTTP request with everything in it; its text form shows neither headers nor body nor query.
public struct HTTPCall: Sendable {
    /// In upper case: `GET`.
    public var method: String
    /// Absolute, and encoded as it is sent.
    public var url: String
    /// `Host` and `Content-Length` are added when it is sent.
    public var headers: [HTTPField]
    /// Empty for none.
    public var body: [UInt8]

    /// Takes every part.
    public init(
        _ method: String, _ url: String, headers: [HTTPField] = [], body: [UInt8] = []
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}

extension HTTPCall: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The method and the URL without its query.
    public var description: String { "\(method) \(url.prefix { $0 != "?" })" }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// The description only: headers hold secrets.
    public var customMirror: Mirror { Mirror(self, children: ["call": description]) }
}

/// A whole answer, whatever its status.
public struct HTTPAnswer: Sendable {
    /// The status code.
    public let status: Int
    /// The body, as long as the server said it would be.
    public let body: [UInt8]
    private let fields: [HTTPField]

    /// Takes every part.
    public init(status: Int, headers: [HTTPField] = [], body: [UInt8] = []) {
        self.status = status
        self.body = body
        fields = headers
    }

    /// The first value of a header, by its name in any case.
    public func header(_ name: String) -> String? {
        let name = name.lowercased()
        return fields.first { $0.name.lowercased() == name }?.value
    }

    /// Whether it is a success.
    public var isSuccess: Bool { (200..<300).contains(status) }

    /// How long the server asks callers to stay away, if it says so in seconds.
    public var retryAfter: Duration? {
        guard let seconds = header("retry-after").flatMap(UInt32.init) else { return nil }
        return .seconds(seconds)
    }
}

/// Why there is no answer.
public enum HTTPFailure: Error, Hashable, Sendable {
    /// The request never left: nothing can have happened.
    case notSent(reason: String)
    /// It left, or may have: it may have had its effect.
    case broken(reason: String)
    /// The answer is longer than the caller is ready to hold; the request had its effect.
    case tooLarge(limit: Int)
    /// The task was cancelled, before or after the request left.
    case cancelled
}

extension HTTPFailure: CustomStringConvertible {
    /// The text form, for logs and messages.
    public var description: String {
        switch self {
        case .notSent(let reason), .broken(let reason): reason
        case .tooLarge(let limit): "the answer has more than \(limit) bytes"
        case .cancelled: "the call was cancelled"
        }
    }
}
