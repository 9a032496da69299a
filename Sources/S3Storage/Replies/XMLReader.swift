// SPDX-License-Identifier: Apache-2.0

/// Reads the XML that S3 servers send, and refuses what they never do: document types and so
/// entities of their own, other encodings, and elements deeper than ``S3Limits/replyDepth``.
///
/// Ours because the system's parser is a large C library that every machine would need beside the
/// executable. Takes bytes that are UTF-8; goes through them once, without recursion.
struct XMLReader {
    private typealias Invalid = XMLElement.Invalid

    private let bytes: [UInt8]
    private var position = 0
    private var open: [XMLElement] = []
    private var root: XMLElement?

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The only element that is in no other.
    mutating func document() throws(XMLElement.Invalid) -> XMLElement {
        _ = take([0xEF, 0xBB, 0xBF])
        try declaration()
        while let byte = peek {
            if byte == UInt8(ascii: "<") { try markup() } else { try text() }
        }
        guard open.isEmpty, let root else { throw invalid("ends too early") }
        return root
    }

    private func invalid(_ what: String) -> Invalid {
        Invalid(description: "it \(what), at byte \(position)")
    }

    // MARK: Bytes

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ expected: [UInt8]) -> Bool {
        guard bytes[position...].starts(with: expected) else { return false }
        position += expected.count
        return true
    }

    private mutating func take(_ expected: StaticString) -> Bool {
        take(expected.withUTF8Buffer { Array($0) })
    }

    private mutating func takeWhile(_ isTaken: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let start = position
        while let byte = peek, isTaken(byte) { position += 1 }
        return bytes[start..<position]
    }

    /// What comes before a mark, which is passed as well.
    private mutating func take(
        upTo mark: StaticString
    ) throws(XMLElement.Invalid) -> ArraySlice<UInt8> {
        let mark = mark.withUTF8Buffer { Array($0) }
        let start = position
        while position < bytes.count {
            _ = takeWhile { $0 != mark[0] }
            let end = position
            if take(mark) { return bytes[start..<end] }
            position = min(position + 1, bytes.count)
        }
        throw invalid("ends too early")
    }

    private mutating func skipSpace() { _ = takeWhile(Self.isSpace) }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    // MARK: Markup

    /// `<?xml version="1.0" encoding="UTF-8"?>`, which may be left out.
    private mutating func declaration() throws(XMLElement.Invalid) {
        guard take("<?xml") else { return }
        let text = String(decoding: try take(upTo: "?>"), as: UTF8.self).lowercased()
        guard let encoding = text.firstRange(of: "encoding") else { return }
        let value = text[encoding.upperBound...].filter { !" \t\r\n='\"".contains($0) }
        guard value.hasPrefix("utf-8") else { throw invalid("is not UTF-8") }
    }

    private mutating func markup() throws(XMLElement.Invalid) {
        if take("<!--") {
            _ = try take(upTo: "-->")
        } else if take("<![CDATA[") {
            try append(try take(upTo: "]]>"))
        } else if take("<?") {
            _ = try take(upTo: "?>")
        } else if take("<!") {
            throw invalid("has a document type")
        } else if take("</") {
            try closingTag()
        } else {
            position += 1
            try openingTag()
        }
    }

    private mutating func openingTag() throws(XMLElement.Invalid) {
        guard open.count < S3Limits.replyDepth else {
            throw invalid("nests elements deeper than \(S3Limits.replyDepth)")
        }
        guard root == nil else { throw invalid("has more than one root") }
        open.append(XMLElement(name: try name()))
        while true {
            skipSpace()
            if take("/>") { return try close() }
            if take(">") { return }
            try attribute()
        }
    }

    private mutating func attribute() throws(XMLElement.Invalid) {
        _ = try name()
        skipSpace()
        guard take("=") else { throw invalid("has an attribute without a value") }
        skipSpace()
        guard let quote = peek, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            throw invalid("has an attribute without quotes")
        }
        position += 1
        _ = takeWhile { $0 != quote && $0 != UInt8(ascii: "<") }
        guard take([quote]) else { throw invalid("has an attribute without an end") }
    }

    private mutating func closingTag() throws(XMLElement.Invalid) {
        let name = try name()
        skipSpace()
        guard take(">"), open.last?.name == name else { throw invalid("closes another element") }
        try close()
    }

    private mutating func close() throws(XMLElement.Invalid) {
        guard let element = open.popLast() else { throw invalid("closes another element") }
        if open.isEmpty { root = element } else { open[open.count - 1].children.append(element) }
    }

    private mutating func name() throws(XMLElement.Invalid) -> String {
        let taken = takeWhile { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: ":"),
                UInt8(ascii: "-"), UInt8(ascii: "."), 0x80...:
                true
            default: false
            }
        }
        guard let first = taken.first, !(UInt8(ascii: "-")...UInt8(ascii: "9")).contains(first)
        else { throw invalid("has no name where one must be") }
        return String(decoding: taken, as: UTF8.self)
    }

    // MARK: Text

    /// Ends of lines stay as they are, where the standard would make one kind of them: they may be
    /// part of a key.
    private mutating func text() throws(XMLElement.Invalid) {
        let plain = takeWhile { $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: "&") }
        try append(plain)
        guard take("&") else { return }
        let scalar = try reference(try take(upTo: ";"))
        guard !open.isEmpty else { throw invalid("has text outside its root") }
        open[open.count - 1].text.unicodeScalars.append(scalar)
    }

    private mutating func append(_ text: ArraySlice<UInt8>) throws(XMLElement.Invalid) {
        guard text.allSatisfy({ $0 >= 0x20 || Self.isSpace($0) }) else {
            throw invalid("has characters that XML cannot carry")
        }
        if !open.isEmpty {
            open[open.count - 1].text += String(decoding: text, as: UTF8.self)
        } else if !text.allSatisfy(Self.isSpace) {
            throw invalid("has text outside its root")
        }
    }

    private func reference(_ name: ArraySlice<UInt8>) throws(XMLElement.Invalid) -> Unicode.Scalar {
        let name = String(decoding: name, as: UTF8.self)
        switch name {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        default: break
        }
        let value: UInt32? =
            if name.hasPrefix("#x") {
                UInt32(name.dropFirst(2), radix: 16)
            } else if name.hasPrefix("#") {
                UInt32(name.dropFirst(1))
            } else {
                nil
            }
        guard let scalar = value.flatMap(Unicode.Scalar.init) else {
            throw invalid("has an unknown entity")
        }
        return scalar
    }
}
