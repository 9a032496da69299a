// SPDX-License-Identifier: Apache-2.0

/// Cuts Swift source into tokens and comments, so that rules never mistake the one for the other.
///
/// Not a parser: it knows comments (nested), strings (raw, multi-line, interpolated), regular
/// expressions and raw identifiers, which is what a textual rule would otherwise trip over. On
/// source that does not compile it may cut wrongly, but it always ends.
struct SwiftLexer {
    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    private var lineOfLastToken = 0
    private var endOfLastToken = -1
    private(set) var tokens: [Token] = []
    /// The text of comments by line.
    private(set) var comments: [Int: String] = [:]

    /// Cuts the whole text.
    init(_ text: String) {
        bytes = Array(text.utf8)
        tokens.reserveCapacity(bytes.count / 5)
        while position < bytes.count {
            lexCode(insideInterpolation: false)
        }
    }

    private func peek(_ ahead: Int = 0) -> UInt8? {
        position + ahead < bytes.count ? bytes[position + ahead] : nil
    }

    /// Lexes until the end, or until the parenthesis that closes an interpolation.
    private mutating func lexCode(insideInterpolation: Bool) {
        var depth = 0
        while let byte = peek() {
            switch byte {
            case .newline:
                line += 1
                position += 1
            case .space, .tab, .carriageReturn:
                position += 1
            case .slash:
                lexSlash()
            case .quote:
                lexString(hashes: 0)
            case .hash:
                lexHash()
            case .backtick:
                lexRawIdentifier()
            case _ where byte.isDigit:
                lexRun(.number)
            case _ where byte.isWordByte:
                lexRun(.word)
            default:
                if byte == .openParenthesis { depth += 1 }
                if byte == .closeParenthesis { depth -= 1 }
                append(.punctuation, String(UnicodeScalar(byte)), from: position)
                position += 1
                if insideInterpolation && depth < 0 { return }
            }
        }
    }

    /// Adds a token that begins at this offset and ends where lexing has come to, or after it for
    /// one byte of punctuation.
    private mutating func append(_ kind: Token.Kind, _ text: String, from start: Int) {
        let isFirst = lineOfLastToken != line
        let isJoined = endOfLastToken == start
        lineOfLastToken = line
        endOfLastToken = start + text.utf8.count
        tokens.append(
            Token(kind: kind, text: text, line: line, isFirstOnLine: isFirst, isJoined: isJoined))
    }

    private mutating func lexRun(_ kind: Token.Kind) {
        let start = position
        while let byte = peek(), byte.isWordByte || byte.isDigit { position += 1 }
        append(kind, String(decoding: bytes[start..<position], as: UTF8.self), from: start)
    }

    private mutating func lexRawIdentifier() {
        let start = position + 1
        position += 1
        while let byte = peek(), byte != .backtick, byte != .newline { position += 1 }
        append(.word, String(decoding: bytes[start..<position], as: UTF8.self), from: start - 1)
        if peek() == .backtick { position += 1 }
    }
}

// MARK: - Comments and regular expressions

extension SwiftLexer {
    private mutating func lexSlash() {
        switch peek(1) {
        case .slash: lexLineComment()
        case .star: lexBlockComment()
        default:
            if startsRegularExpression(), let end = endOfRegularExpression() {
                append(.literal, "", from: position)
                position = end
            } else {
                append(.punctuation, "/", from: position)
                position += 1
            }
        }
    }

    private mutating func lexLineComment() {
        let start = position
        while let byte = peek(), byte != .newline { position += 1 }
        note(start..<position)
    }

    private mutating func lexBlockComment() {
        var depth = 0
        var start = position
        while let byte = peek() {
            if byte == .slash && peek(1) == .star {
                depth += 1
                position += 2
            } else if byte == .star && peek(1) == .slash {
                depth -= 1
                position += 2
                if depth == 0 { break }
            } else {
                position += 1
                if byte == .newline {
                    note(start..<position - 1)
                    line += 1
                    start = position
                }
            }
        }
        note(start..<position)
    }

    private mutating func note(_ range: Range<Int>) {
        comments[line, default: ""] += String(decoding: bytes[range], as: UTF8.self)
    }

    /// A slash begins a regular expression where an operand may stand and no space follows.
    private func startsRegularExpression() -> Bool {
        guard let next = peek(1), next != .space, next != .newline, next != .tab else {
            return false
        }
        guard let last = tokens.last else { return true }
        switch last.kind {
        case .literal, .number: return false
        case .word: return last.text == "return" || last.text == "in"
        case .punctuation: return "(,=:[{!&|?;".contains(last.text)
        }
    }

    /// The position after the closing slash, if there is one on this line.
    private func endOfRegularExpression() -> Int? {
        var index = position + 1
        while index < bytes.count, bytes[index] != .newline {
            if bytes[index] == .backslash {
                index += 2
            } else if bytes[index] == .slash {
                return index + 1
            } else {
                index += 1
            }
        }
        return nil
    }
}

// MARK: - Strings

extension SwiftLexer {
    /// A hash begins a raw string, an extended regular expression, or a directive.
    private mutating func lexHash() {
        var hashes = 0
        while peek(hashes) == .hash { hashes += 1 }
        switch peek(hashes) {
        case .quote:
            position += hashes
            lexString(hashes: hashes)
        case .slash:
            append(.literal, "", from: position)
            position += hashes + 1
            skip(to: [.slash] + Array(repeating: .hash, count: hashes))
        default:
            append(.punctuation, "#", from: position)
            position += 1
        }
    }

    private mutating func skip(to terminator: [UInt8]) {
        while let byte = peek() {
            if bytes[position...].starts(with: terminator) {
                position += terminator.count
                return
            }
            if byte == .newline { line += 1 }
            position += 1
        }
    }

    /// Lexes a string from its opening quote; interpolations become tokens.
    private mutating func lexString(hashes: Int) {
        append(.literal, "", from: position)
        let isMultiline = peek(1) == .quote && peek(2) == .quote
        let quotes = isMultiline ? 3 : 1
        position += quotes
        while let byte = peek() {
            switch byte {
            case .newline:
                // A one-line string that never closes: give up rather than swallow the file.
                guard isMultiline else { return }
                line += 1
                position += 1
            case .backslash where isFollowed(by: hashes, of: .hash, from: 1):
                position += 1 + hashes
                guard peek() == .openParenthesis else {
                    if peek() != .newline { position += 1 }
                    continue
                }
                position += 1
                lexCode(insideInterpolation: true)
            case .quote
            where isFollowed(by: quotes, of: .quote, from: 0)
                && isFollowed(by: hashes, of: .hash, from: quotes):
                position += quotes + hashes
                return
            default:
                position += 1
            }
        }
    }

    private func isFollowed(by count: Int, of byte: UInt8, from offset: Int) -> Bool {
        (0..<count).allSatisfy { peek(offset + $0) == byte }
    }
}

extension UInt8 {
    fileprivate static let backslash = UInt8(ascii: "\\")
    fileprivate static let backtick = UInt8(ascii: "`")
    fileprivate static let carriageReturn = UInt8(ascii: "\r")
    fileprivate static let closeParenthesis = UInt8(ascii: ")")
    fileprivate static let hash = UInt8(ascii: "#")
    fileprivate static let newline = UInt8(ascii: "\n")
    fileprivate static let openParenthesis = UInt8(ascii: "(")
    fileprivate static let quote = UInt8(ascii: "\"")
    fileprivate static let slash = UInt8(ascii: "/")
    fileprivate static let space = UInt8(ascii: " ")
    fileprivate static let star = UInt8(ascii: "*")
    fileprivate static let tab = UInt8(ascii: "\t")

    fileprivate var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }

    /// Letters, the underscore, the dollar of closure parameters, and all of non-ASCII.
    fileprivate var isWordByte: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "_"), UInt8(ascii: "$"), 128...255: true
        default: false
        }
    }
}
