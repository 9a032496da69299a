// SPDX-License-Identifier: Apache-2.0

/// A type that reads the server's text form of a value.
public protocol PostgresDecodable {
    /// Reads the text; nil if it is not a value of this type. The bytes do not outlive the call.
    init?(postgresText bytes: UnsafeBufferPointer<UInt8>)
}

extension String: PostgresDecodable {
    /// Reads the text; nil if it is not such a value.
    public init?(postgresText bytes: UnsafeBufferPointer<UInt8>) {
        // The connection's encoding is UTF-8, and the server checks it.
        self.init(validating: bytes, as: UTF8.self)
    }
}

extension Int64: PostgresDecodable {
    /// Reads the text; nil if it is not such a value.
    public init?(postgresText bytes: UnsafeBufferPointer<UInt8>) {
        var rest = bytes[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative { rest = rest.dropFirst() }
        guard !rest.isEmpty else { return nil }
        var value: Int64 = 0
        for byte in rest {
            guard (0x30...0x39).contains(byte) else { return nil }
            // Counted below zero, where there is room for one more value than above it.
            let (tenfold, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (next, tooSmall) = tenfold.subtractingReportingOverflow(Int64(byte - 0x30))
            guard !overflowed, !tooSmall else { return nil }
            value = next
        }
        guard isNegative || value != .min else { return nil }
        self = isNegative ? value : -value
    }
}

extension Int: PostgresDecodable {
    /// Reads the text; nil if it is not such a value.
    public init?(postgresText bytes: UnsafeBufferPointer<UInt8>) {
        guard let wide = Int64(postgresText: bytes) else { return nil }
        self.init(exactly: wide)
    }
}

extension Bool: PostgresDecodable {
    /// Reads the text; nil if it is not such a value.
    public init?(postgresText bytes: UnsafeBufferPointer<UInt8>) {
        switch (bytes.count, bytes.first) {
        case (1, UInt8(ascii: "t")): self = true
        case (1, UInt8(ascii: "f")): self = false
        default: return nil
        }
    }
}

extension Double: PostgresDecodable {
    /// Reads the text; nil if it is not such a value.
    public init?(postgresText bytes: UnsafeBufferPointer<UInt8>) {
        self.init(String(decoding: bytes, as: UTF8.self))
    }
}

extension Array: PostgresDecodable where Element == String {
    /// One-dimensional `text[]` without nulls.
    public init?(postgresText bytes: UnsafeBufferPointer<UInt8>) {
        var parser = ArrayLiteral(bytes: bytes)
        guard let elements = parser.parse() else { return nil }
        self = elements
    }
}

/// Reads `{a,"b c","d\"e"}` (PostgreSQL manual, "Array Input and Output Syntax").
private struct ArrayLiteral {
    let bytes: UnsafeBufferPointer<UInt8>
    var index = 0

    mutating func parse() -> [String]? {
        guard next() == UInt8(ascii: "{"), bytes.last == UInt8(ascii: "}") else { return nil }
        if bytes.count == 2 { return [] }
        var elements: [String] = []
        while index < bytes.count {
            guard let element = element() else { return nil }
            elements.append(element)
            switch next() {
            case UInt8(ascii: ","): continue
            case UInt8(ascii: "}"): return index == bytes.count ? elements : nil
            default: return nil
            }
        }
        return nil
    }

    private mutating func element() -> String? {
        index < bytes.count && bytes[index] == UInt8(ascii: "\"") ? quoted() : bare()
    }

    private mutating func quoted() -> String? {
        index += 1
        var text: [UInt8] = []
        while let byte = next() {
            switch byte {
            case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let escaped = next() else { return nil }
                text.append(escaped)
            default: text.append(byte)
            }
        }
        return nil
    }

    private mutating func bare() -> String? {
        let start = index
        while index < bytes.count, bytes[index] != UInt8(ascii: ","),
            bytes[index] != UInt8(ascii: "}")
        {
            // A nested array is not a text.
            guard bytes[index] != UInt8(ascii: "{") else { return nil }
            index += 1
        }
        let text = String(validating: bytes[start..<index], as: UTF8.self)
        return text == "NULL" || text?.isEmpty == true ? nil : text
    }

    private mutating func next() -> UInt8? {
        guard index < bytes.count else { return nil }
        defer { index += 1 }
        return bytes[index]
    }
}
