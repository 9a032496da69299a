// SPDX-License-Identifier: Apache-2.0

/// Reads a `CALL` as Spark and Iceberg read it, as far as the quoting of values is concerned.
///
/// Written after Spark's grammar: bracketed comments nest; a literal ends at the first quote that
/// no backslash precedes; backslash escapes are those of Spark's unescaping; literals next to one
/// another are one; `${…}` is replaced first, in the whole text.
struct SparkLexer {
    enum Token: Equatable {
        case word(String)
        case quoted(String)
        case literal(String)
        case symbol(String)
    }

    struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    private let units: [UInt16]
    private var index = 0

    private init(_ text: String) { units = Array(text.utf16) }

    /// The tokens; comments are left out.
    static func tokens(_ text: String) throws -> [Token] {
        let units = Array(text.utf16)
        for (index, unit) in units.enumerated().dropLast() {
            if unit == 0x24, units[index + 1] == 0x7B {
                throw Broken(description: "Spark would replace a reference in \(text)")
            }
        }
        if text.contains(where: \.isNewline) { throw Broken(description: "a line end in \(text)") }
        var lexer = SparkLexer(text)
        var tokens: [Token] = []
        while let token = try lexer.next() {
            if case .literal(let right) = token, case .literal(let left) = tokens.last {
                tokens[tokens.count - 1] = .literal(left + right)
            } else {
                tokens.append(token)
            }
        }
        return tokens
    }

    private var current: UInt16? { index < units.count ? units[index] : nil }

    private func starts(with text: String) -> Bool {
        units[index...].starts(with: Array(text.utf16))
    }

    private mutating func next() throws -> Token? {
        while let unit = current, unit == 0x20 || starts(with: "/*") {
            if unit == 0x20 { index += 1 } else { try skipComment() }
        }
        guard let unit = current else { return nil }
        if starts(with: "--") { throw Broken(description: "a comment to the line's end") }
        switch unit {
        case 0x27: return .literal(try literal())
        case 0x60: return .quoted(try identifier())
        case _ where Self.isWord(unit): return .word(word())
        default:
            let length = starts(with: "=>") ? 2 : 1
            defer { index += length }
            return .symbol(String(decoding: units[index..<index + length], as: UTF16.self))
        }
    }

    private static func isWord(_ unit: UInt16) -> Bool {
        (0x30...0x39).contains(unit) || (0x41...0x5A).contains(unit)
            || (0x61...0x7A).contains(unit) || unit == 0x5F
    }

    private mutating func word() -> String {
        let start = index
        while let unit = current, Self.isWord(unit) { index += 1 }
        return String(decoding: units[start..<index], as: UTF16.self)
    }

    private mutating func skipComment() throws {
        var depth = 0
        repeat {
            guard index < units.count else { throw Broken(description: "an open comment") }
            if starts(with: "/*") {
                depth += 1
                index += 2
            } else if starts(with: "*/") {
                depth -= 1
                index += 2
            } else {
                index += 1
            }
        } while depth > 0
    }

    private mutating func identifier() throws -> String {
        index += 1
        var result: [UInt16] = []
        while let unit = current {
            index += 1
            if unit != 0x60 {
                result.append(unit)
            } else if current == 0x60 {
                result.append(unit)
                index += 1
            } else {
                return String(decoding: result, as: UTF16.self)
            }
        }
        throw Broken(description: "an open identifier")
    }

    private mutating func literal() throws -> String {
        index += 1
        var result: [UInt16] = []
        while let unit = current {
            index += 1
            if unit == 0x27 { return String(decoding: result, as: UTF16.self) }
            guard unit == 0x5C else {
                result.append(unit)
                continue
            }
            guard let escaped = current else { break }
            if let character = hexadecimal() ?? octal() {
                result.append(character)
                continue
            }
            index += 1
            switch escaped {
            case 0x30: result.append(0)
            case 0x62: result.append(8)
            case 0x6E: result.append(10)
            case 0x72: result.append(13)
            case 0x74: result.append(9)
            case 0x5A: result.append(26)
            // These two stay escaped, for LIKE.
            case 0x25, 0x5F: result += [0x5C, escaped]
            default: result.append(escaped)
            }
        }
        throw Broken(description: "an open literal")
    }

    /// After a backslash: `u` and four digits.
    private mutating func hexadecimal() -> UInt16? {
        guard current == 0x75, index + 5 <= units.count,
            let value = UInt16(
                String(decoding: units[index + 1..<index + 5], as: UTF16.self), radix: 16)
        else { return nil }
        index += 5
        return value
    }

    /// After a backslash: three octal digits, the first at most 1.
    private mutating func octal() -> UInt16? {
        guard index + 3 <= units.count, units[index] == 0x30 || units[index] == 0x31,
            let value = UInt16(
                String(decoding: units[index..<index + 3], as: UTF16.self), radix: 8)
        else { return nil }
        index += 3
        return value
    }
}

extension SparkLexer {
    /// The parts of a name in backticks, as Iceberg's parser takes the `table` argument apart.
    static func parts(ofName text: String) throws -> [String] {
        // Not through `tokens`: this parser sees the name alone, and `${` is none of its concern.
        var lexer = SparkLexer(text)
        var parts: [String] = []
        while true {
            guard case .quoted(let part) = try lexer.next() else {
                throw Broken(description: "\(text) is no name")
            }
            parts.append(part)
            guard let symbol = try lexer.next() else { return parts }
            guard symbol == .symbol(".") else { throw Broken(description: "\(text) is no name") }
        }
    }
}
