// SPDX-License-Identifier: Apache-2.0

/// The headers that a signature adds to a call, or why there is none.
public typealias CallSigning =
    @Sendable (HTTPCall) async throws(SigningFailure) -> [HTTPField]

/// Why a call was not signed, and so not sent.
public enum SigningFailure: Error, Hashable, Sendable {
    /// A passing fault: credentials could not be fetched now.
    case unavailable(reason: String)
    /// There is nothing to sign with.
    case denied(reason: String)
}
