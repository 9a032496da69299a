// SPDX-License-Identifier: Apache-2.0

/// What is wrong with bytes that should be a Thrift message.
enum ThriftError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes end before the value does.
    case truncated
    /// A type that TBinaryProtocol does not have.
    case unknownType(UInt8)
    /// A field that has another type than the interface says.
    case wrongType(field: Int16, wanted: ThriftType, found: ThriftType)
    /// Elements of another type than the interface says.
    case wrongElement(wanted: ThriftType, found: ThriftType)
    /// A length or a count below zero.
    case negativeSize(Int)
    /// A count of elements that cannot be in what is left of the message.
    case impossibleCount(Int)
    /// More than a limit allows.
    case limitExceeded(HiveServer2Limit)
    /// Text that is not UTF-8.
    case notText
    /// The first bytes are not those of a strict message.
    case notStrict(UInt32)
    /// A message that is neither a reply nor an exception.
    case unexpectedMessage(type: UInt8)
    /// The reply to another call.
    case wrongMethod
    /// The reply to an earlier or a later call.
    case wrongSequence(wanted: Int32, found: Int32)
    /// Bytes after the end of the message.
    case trailingBytes
    /// A required field is absent.
    case missing(String)
    /// A value that the interface does not allow, such as a handle of the wrong length.
    case invalid(String)

    /// The text for people; never a value from the message.
    var description: String {
        switch self {
        case .truncated: "it ends too early"
        case .unknownType(let byte): "unknown type \(byte)"
        case .wrongType(let field, let wanted, let found):
            "field \(field) is of type \(found), not \(wanted)"
        case .wrongElement(let wanted, let found): "elements of type \(found), not \(wanted)"
        case .negativeSize(let size): "a size of \(size)"
        case .impossibleCount(let count): "\(count) elements do not fit in it"
        case .limitExceeded(let limit): "more than \(limit) allows"
        case .notText: "text that is not UTF-8"
        case .notStrict(let word): "it begins with 0x\(String(word, radix: 16))"
        case .unexpectedMessage(let type): "message type \(type)"
        case .wrongMethod: "it answers another method"
        case .wrongSequence(let wanted, let found): "it answers call \(found), not \(wanted)"
        case .trailingBytes: "bytes after its end"
        case .missing(let field): "\(field) is missing"
        case .invalid(let what): "invalid \(what)"
        }
    }
}
