// SPDX-License-Identifier: Apache-2.0

/// Why there are no credentials.
public enum CredentialsError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No source has any: set some.
    case missing(reason: String)
    /// A source is there, and cannot be used as it is: change it.
    case unusable(reason: String)
    /// A source could not be reached: it may answer later.
    case unavailable(reason: String)

    /// The text form, for logs and messages; no secrets.
    public var description: String {
        switch self {
        case .missing(let reason): "there are no AWS credentials: \(reason)"
        case .unusable(let reason): "the AWS credentials cannot be used: \(reason)"
        case .unavailable(let reason): "AWS credentials could not be fetched: \(reason)"
        }
    }
}
