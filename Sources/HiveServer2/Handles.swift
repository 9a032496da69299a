// SPDX-License-Identifier: Apache-2.0

/// The two halves of a handle: a public name and a secret, of 16 bytes each.
struct HandleIdentifier: Hashable, Sendable {
    static let halfBytes = 16

    let guid: [UInt8]
    let secret: [UInt8]

    init(guid: [UInt8], secret: [UInt8]) throws(ThriftError) {
        guard guid.count == Self.halfBytes else { throw .invalid("guid of a handle") }
        guard secret.count == Self.halfBytes else { throw .invalid("secret of a handle") }
        self.guid = guid
        self.secret = secret
    }

    /// From the hexadecimal digits of both halves.
    init?(guid: some StringProtocol, secret: some StringProtocol) {
        guard let guid = [UInt8](hexadecimal: guid), let secret = [UInt8](hexadecimal: secret),
            let identifier = try? HandleIdentifier(guid: guid, secret: secret)
        else { return nil }
        self = identifier
    }

    /// The public half as servers print it in their logs and interfaces.
    var name: String {
        var digits = guid.hexadecimal
        for offset in [20, 16, 12, 8] {
            digits.insert("-", at: digits.index(digits.startIndex, offsetBy: offset))
        }
        return digits
    }
}

/// A session of a server, by which statements are run in it.
///
/// Whoever has the handle has the session: `description` shows the public half only, and ``text``
/// is to be stored as a secret is.
public struct SessionHandle: Hashable, Sendable {
    let identifier: HandleIdentifier

    /// The public half, written as a UUID, as the server's own interfaces name the session.
    public var name: String { identifier.name }

    /// The whole handle, to be kept and read back by ``init(text:)``.
    public var text: String {
        "session/\(identifier.guid.hexadecimal)/\(identifier.secret.hexadecimal)"
    }

    init(_ identifier: HandleIdentifier) { self.identifier = identifier }

    /// The handle that a text stands for; nil for any other text.
    public init?(text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "session",
            let identifier = HandleIdentifier(guid: parts[1], secret: parts[2])
        else { return nil }
        self.identifier = identifier
    }
}

/// An operation of a server: a statement that runs or has run.
///
/// `description` shows the public half only, and ``text`` is to be stored as a secret is.
public struct OperationHandle: Hashable, Sendable {
    let identifier: HandleIdentifier
    /// The kind of the operation; 0 executes a statement.
    let type: Int32
    /// Whether the server announced a result; it may find out later.
    public let hasResultSet: Bool

    /// The public half, written as a UUID, as the server's own interfaces name the operation.
    public var name: String { identifier.name }

    /// The whole handle, to be kept and read back by ``init(text:)``.
    public var text: String {
        "operation/\(identifier.guid.hexadecimal)/\(identifier.secret.hexadecimal)"
            + "/\(type)/\(hasResultSet ? "rows" : "none")"
    }

    init(_ identifier: HandleIdentifier, type: Int32, hasResultSet: Bool) {
        self.identifier = identifier
        self.type = type
        self.hasResultSet = hasResultSet
    }

    /// The handle that a text stands for; nil for any other text.
    public init?(text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "operation",
            let identifier = HandleIdentifier(guid: parts[1], secret: parts[2]),
            let type = Int32(parts[3]), type.description == parts[3],
            parts[4] == "rows" || parts[4] == "none"
        else { return nil }
        self.init(identifier, type: type, hasResultSet: parts[4] == "rows")
    }
}

extension SessionHandle: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The text for people, without the secret.
    public var description: String { "session \(name)" }

    /// The same text as `description`.
    public var debugDescription: String { description }

    /// Shows the name only: a default mirror would show the secret.
    public var customMirror: Mirror { Mirror(self, children: ["name": name]) }
}

extension OperationHandle: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    /// The text for people, without the secret.
    public var description: String { "operation \(name)" }

    /// The same text as `description`.
    public var debugDescription: String { description }

    /// Shows the name only: a default mirror would show the secret.
    public var customMirror: Mirror { Mirror(self, children: ["name": name]) }
}

extension [UInt8] {
    /// Two lower-case digits for each byte.
    var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in self { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of lower-case digits; nil for any other text.
    init?(hexadecimal text: some StringProtocol) {
        var nibbles: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): nibbles.append(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"):
                nibbles.append(byte - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        guard nibbles.count.isMultiple(of: 2) else { return nil }
        self = stride(from: 0, to: nibbles.count, by: 2).map { nibbles[$0] << 4 | nibbles[$0 + 1] }
    }
}
