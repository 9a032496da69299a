// SPDX-License-Identifier: Apache-2.0

import Digests

/// What a signature says of a request's body.
public enum PayloadHash: Hashable, Sendable {
    /// The body's SHA-256 in lower-case hexadecimal: the server checks every byte.
    case sha256(String)
    /// Nothing: for a body that cannot be read twice, and for presigned URLs. Only TLS protects it.
    case unsigned

    /// The hash of no bytes.
    public static let empty = PayloadHash(of: [])

    /// Hashes a body.
    public init(of body: [UInt8]) {
        self = .sha256(Hexadecimal.text(MessageDigest.sha256.hash(body)))
    }

    /// As it stands in the canonical request and in `x-amz-content-sha256`.
    public var headerValue: String {
        switch self {
        case .sha256(let digest): digest
        case .unsigned: "UNSIGNED-PAYLOAD"
        }
    }
}
