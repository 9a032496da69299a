// SPDX-License-Identifier: Apache-2.0

/// The keys of an AWS account, role or user; every text form of it leaves the secrets out.
public struct AWSCredentials: Hashable, Sendable {
    /// Names the key; no secret.
    public let accessKeyID: String
    /// Never shown.
    public let secretAccessKey: String
    /// What temporary keys are sent with; never shown.
    public let sessionToken: String?
    /// When they end, in milliseconds since the epoch; nil for keys that do not.
    public let expiresAtMilliseconds: Int64?

    /// Takes every part.
    public init(
        accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil,
        expiresAtMilliseconds: Int64? = nil
    ) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
        self.expiresAtMilliseconds = expiresAtMilliseconds
    }
}

extension AWSCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The name of the key alone.
    public var description: String { "AWS credentials \(accessKeyID)" }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// No secret either, whoever looks.
    public var customMirror: Mirror { Mirror(self, children: ["accessKeyID": accessKeyID]) }
}
