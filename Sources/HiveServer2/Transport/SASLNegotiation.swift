// SPDX-License-Identifier: Apache-2.0

/// The client's side of Thrift's SASL negotiation with the mechanism PLAIN.
///
/// Each message is a status, a length of four bytes and a payload. It holds no connection: the
/// caller sends ``opening(user:password:)`` and gives it what comes back.
enum SASLNegotiation {
    /// What a message says of the negotiation; the numbers are Thrift's.
    enum Status: UInt8 {
        case start = 1
        case ok = 2
        case bad = 3
        case error = 4
        case complete = 5
    }

    /// What was made of the bytes at hand.
    enum Answer: Equatable {
        /// The message is not all there.
        case incomplete
        /// The server took the credentials; its message was that many bytes.
        case accepted(bytes: Int)
    }

    /// Both messages of the client, which PLAIN allows to send without waiting between them.
    static func opening(user: String, password: String) -> [UInt8] {
        message(.start, Array("PLAIN".utf8))
            + message(.ok, [0] + user.utf8 + [0] + password.utf8)
    }

    /// What the server answered, from the first byte it sent.
    static func answer(in bytes: [UInt8]) throws(HiveServer2Error) -> Answer {
        guard let first = bytes.first else { return .incomplete }
        guard let status = Status(rawValue: first) else {
            throw .malformed(
                call: "the SASL negotiation", reason: "status \(first): is it a SASL server?")
        }
        guard let length = bytes.bigEndian(UInt32.self, at: 1) else { return .incomplete }
        guard length <= HiveServer2Limits.challengeBytes else {
            throw .limitExceeded(.challengeBytes, maximum: HiveServer2Limits.challengeBytes)
        }
        let end = 5 + Int(length)
        guard bytes.count >= end else { return .incomplete }
        switch status {
        case .complete: return .accepted(bytes: end)
        case .bad, .error:
            let text = String(decoding: bytes[5..<end], as: UTF8.self)
            throw .rejected(reason: HiveServer2Error.firstLine(of: text))
        case .start, .ok:
            // PLAIN has nothing to challenge with.
            throw .malformed(
                call: "the SASL negotiation", reason: "a challenge, which PLAIN does not have")
        }
    }

    private static func message(_ status: Status, _ payload: [UInt8]) -> [UInt8] {
        [status.rawValue] + SASLFraming.length(of: payload) + payload
    }
}

/// The frames that messages travel in after a SASL negotiation.
enum SASLFraming {
    /// The bytes of a frame's length.
    static let headBytes = 4

    static func length(of payload: [UInt8]) -> [UInt8] {
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: payload.count).bigEndian) { Array($0) }
    }

    static func framed(_ payload: [UInt8]) -> [UInt8] { length(of: payload) + payload }
}
