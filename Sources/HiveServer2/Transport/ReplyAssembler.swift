// SPDX-License-Identifier: Apache-2.0

/// Puts a reply together from the pieces in which it arrives.
///
/// One reply at a time, as there is one call at a time: bytes beyond its end are a breach.
struct ReplyAssembler {
    private let limits: HiveServer2Limits
    private let form: Form
    private var bytes: [UInt8] = []
    private var scanner: ThriftScanner

    /// How the end of a message is known.
    enum Form: Hashable, Sendable {
        /// By the message itself.
        case plain
        /// By a length before it, as after a SASL negotiation.
        case framed
    }

    init(_ form: Form, limits: HiveServer2Limits) {
        self.form = form
        self.limits = limits
        scanner = ThriftScanner(limits: limits)
    }

    /// Whether a reply has begun to arrive.
    var isEmpty: Bool { bytes.isEmpty }

    /// Takes a piece; the message without its frame when that was the last of it.
    mutating func take(_ piece: some Sequence<UInt8>) throws(ThriftError) -> [UInt8]? {
        bytes += piece
        switch form {
        case .plain:
            guard try scanner.reachesEnd(in: bytes) else { return nil }
            guard scanner.position == bytes.count else { throw .trailingBytes }
            return finish(droppingFirst: 0)
        case .framed:
            guard let length = bytes.bigEndian(UInt32.self, at: 0) else { return nil }
            guard length <= limits.messageBytes else { throw .limitExceeded(.messageBytes) }
            let end = SASLFraming.headBytes + Int(length)
            guard bytes.count >= end else { return nil }
            guard bytes.count == end else { throw .trailingBytes }
            return finish(droppingFirst: SASLFraming.headBytes)
        }
    }

    private mutating func finish(droppingFirst count: Int) -> [UInt8] {
        defer {
            bytes = []
            scanner = ThriftScanner(limits: limits)
        }
        return count == 0 ? bytes : Array(bytes[count...])
    }
}
