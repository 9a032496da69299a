// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// One parameter of a statement.
///
/// Values travel as text, so the statement must say the type where the server cannot infer it:
/// `$1::bigint`.
public enum PostgresValue: Hashable, Sendable {
    /// `NULL`.
    case null
    /// Any text, JSON included. Must not contain U+0000, which PostgreSQL cannot store.
    case text(String)
    /// An integer.
    case integer(Int64)
    /// A truth value.
    case bool(Bool)
    /// A floating-point number.
    case double(Double)
    /// An array of texts (`$1::text[]`), elements may be null.
    case texts([String?])
    /// An array of integers (`$1::bigint[]`).
    case integers([Int64])

    /// An integer of any width.
    public static func int(_ value: Int) -> PostgresValue { .integer(Int64(value)) }

    /// A text, or `NULL` for nil.
    public static func optional(_ text: String?) -> PostgresValue {
        text.map(PostgresValue.text) ?? .null
    }
}

extension PostgresValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
    /// A text.
    public init(stringLiteral value: String) { self = .text(value) }
    /// An integer.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// A truth value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// `NULL`.
    public init(nilLiteral: ()) { self = .null }
}

/// The parameters of one statement as libpq wants them: NUL-terminated texts, side by side.
///
/// A connection keeps one and uses it again, so that sending allocates nothing in the long run.
struct ParameterBuffer {
    /// The protocol counts parameters in 16 bits.
    static let maximumCount = 65_535
    /// The server's limit for one value is 1 GB; this leaves room for the message around it.
    static let maximumBytes = 1 << 29

    private var bytes: [CChar] = []
    private var offsets: [Int] = []
    private var pointers: [UnsafePointer<CChar>?] = []

    /// Encodes the values.
    ///
    /// - Throws: ``PostgresError/misuse(reason:)`` for what cannot be sent.
    mutating func encode(_ values: [PostgresValue]) throws(PostgresError) {
        guard values.count <= Self.maximumCount else {
            throw .misuse(reason: "\(values.count) parameters; at most \(Self.maximumCount)")
        }
        bytes.removeAll(keepingCapacity: true)
        offsets.removeAll(keepingCapacity: true)
        for (index, value) in values.enumerated() {
            guard case .null = value else {
                offsets.append(bytes.count)
                try append(value, index: index)
                bytes.append(0)
                continue
            }
            offsets.append(-1)
        }
        guard bytes.count <= Self.maximumBytes else {
            throw .misuse(reason: "parameters of more than \(Self.maximumBytes) bytes")
        }
    }

    /// Lends the encoded values as libpq's array of pointers.
    mutating func withPointers<Value>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Value
    ) -> Value {
        bytes.withUnsafeBufferPointer { buffer in
            pointers.removeAll(keepingCapacity: true)
            for offset in offsets {
                pointers.append(offset < 0 ? nil : buffer.baseAddress.map { $0 + offset })
            }
            return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
        }
    }

    private mutating func append(_ value: PostgresValue, index: Int) throws(PostgresError) {
        switch value {
        case .null: break
        case .text(let text): try append(text, index: index)
        case .integer(let number): try append(String(number), index: index)
        case .bool(let truth): bytes.append(CChar(truth ? 0x74 : 0x66))
        case .double(let number): try append(Self.spelling(of: number), index: index)
        case .texts(let elements): try append(elements, index: index)
        case .integers(let numbers):
            try append("{" + numbers.map(String.init).joined(separator: ",") + "}", index: index)
        }
    }

    private mutating func append(_ text: String, index: Int) throws(PostgresError) {
        var text = text
        let isClean = text.withUTF8 { utf8 in
            utf8.withMemoryRebound(to: CChar.self) { bytes.append(contentsOf: $0) }
            // `memchr` because texts of megabytes pass here.
            return utf8.baseAddress.map { memchr($0, 0, utf8.count) == nil } ?? true
        }
        // The text would end at the NUL without anybody noticing.
        guard isClean else {
            throw .misuse(reason: "parameter \(index + 1) contains U+0000")
        }
    }

    /// An array literal (PostgreSQL manual, "Array Input and Output Syntax"): every element quoted.
    private mutating func append(_ elements: [String?], index: Int) throws(PostgresError) {
        var literal: [UInt8] = [UInt8(ascii: "{")]
        for (position, element) in elements.enumerated() {
            if position > 0 { literal.append(UInt8(ascii: ",")) }
            guard let element else {
                literal.append(contentsOf: "NULL".utf8)
                continue
            }
            literal.append(UInt8(ascii: "\""))
            for byte in element.utf8 {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                    literal.append(UInt8(ascii: "\\"))
                }
                literal.append(byte)
            }
            literal.append(UInt8(ascii: "\""))
        }
        literal.append(UInt8(ascii: "}"))
        try append(String(decoding: literal, as: UTF8.self), index: index)
    }

    private static func spelling(of number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
        return number.description
    }
}
