// SPDX-License-Identifier: Apache-2.0

/// A word of a condition and where it begins, in characters from 1.
struct ConditionToken: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// A name or a keyword.
        case word(String)
        /// A name in back quotes, never a keyword.
        case quotedName(String)
        case number(String)
        /// Text in quotes, unescaped but for `\%` and `\_`.
        case text(String)
        case symbol(String)
        case end
    }

    let kind: Kind
    let position: Int
}

/// Divides a condition into words, as Spark's SQL does.
struct ConditionLexer {
    private let characters: [Unicode.Scalar]
    private var index = 0

    static func tokens(of text: String) throws(ConditionError) -> [ConditionToken] {
        var lexer = ConditionLexer(characters: Array(text.unicodeScalars))
        var tokens: [ConditionToken] = []
        while let token = try lexer.next() { tokens.append(token) }
        tokens.append(ConditionToken(kind: .end, position: lexer.characters.count + 1))
        return tokens
    }

    private init(characters: [Unicode.Scalar]) { self.characters = characters }

    private func character(_ offset: Int = 0) -> Unicode.Scalar? {
        index + offset < characters.count ? characters[index + offset] : nil
    }

    private mutating func next() throws(ConditionError) -> ConditionToken? {
        while let character = character(), character.properties.isWhitespace { index += 1 }
        guard let first = character() else { return nil }
        let position = index + 1
        let kind: ConditionToken.Kind
        switch first {
        case "'", "\"": kind = .text(try quoted(first))
        case "`": kind = .quotedName(try backQuoted())
        case "0"..."9": kind = .number(try number())
        case "." where character(1).map(Self.isDigit) ?? false: kind = .number(try number())
        case _ where Self.isWordStart(first): kind = .word(word())
        default: kind = .symbol(try symbol())
        }
        return ConditionToken(kind: kind, position: position)
    }

    private static func isDigit(_ character: Unicode.Scalar) -> Bool {
        ("0"..."9").contains(character)
    }

    private static func isWordStart(_ character: Unicode.Scalar) -> Bool {
        character == "_" || character.properties.isAlphabetic
    }

    private mutating func word() -> String {
        var word = String.UnicodeScalarView()
        while let next = character(), Self.isWordStart(next) || Self.isDigit(next) {
            word.append(next)
            index += 1
        }
        return String(word)
    }

    private mutating func number() throws(ConditionError) -> String {
        let start = index
        skipDigits()
        if character() == "." {
            index += 1
            skipDigits()
        }
        if character() == "e" || character() == "E" {
            let isSigned = character(1) == "+" || character(1) == "-"
            if character(isSigned ? 2 : 1).map(Self.isDigit) ?? false {
                index += isSigned ? 2 : 1
                skipDigits()
            }
        }
        var number = String.UnicodeScalarView()
        number.append(contentsOf: characters[start..<index])
        // The mark of a long, which is the only one that leaves the value as it is.
        if character() == "L" || character() == "l" { index += 1 }
        if let next = character(), Self.isWordStart(next) || Self.isDigit(next) {
            throw ConditionError(
                "has a number that goes on with \"\(next)\"; write plain digits, and names that "
                    + "begin with a digit in back quotes", at: start + 1)
        }
        return String(number)
    }

    private mutating func skipDigits() {
        while let next = character(), Self.isDigit(next) { index += 1 }
    }

    private mutating func backQuoted() throws(ConditionError) -> String {
        let start = index
        index += 1
        var name = String.UnicodeScalarView()
        while let next = character() {
            index += 1
            if next == "`" {
                guard character() == "`" else { return String(name) }
                index += 1
            }
            name.append(next)
        }
        throw ConditionError("has a back quote that is not closed", at: start + 1)
    }

    private mutating func quoted(_ quote: Unicode.Scalar) throws(ConditionError) -> String {
        let start = index
        index += 1
        var text = String.UnicodeScalarView()
        while let next = character() {
            index += 1
            switch next {
            case quote:
                guard let more = character(), more == "'" || more == "\"" else {
                    return String(text)
                }
                // Versions of Spark read this differently.
                throw ConditionError(
                    "has a quote right after text; write \\\(quote) for a quote within it",
                    at: index + 1)
            case "\\": text.append(contentsOf: try escaped())
            default: text.append(next)
            }
        }
        throw ConditionError("has a quote that is not closed", at: start + 1)
    }

    private mutating func escaped() throws(ConditionError) -> [Unicode.Scalar] {
        guard let next = character() else {
            throw ConditionError("ends with a backslash", at: index)
        }
        index += 1
        switch next {
        case "\\", "'", "\"": return [next]
        case "n": return ["\n"]
        case "r": return ["\r"]
        case "t": return ["\t"]
        // Only a pattern gives these a meaning.
        case "%", "_": return ["\\", next]
        default:
            throw ConditionError(
                "has the escape \\\(next), which is not understood; write the character itself, "
                    + "or \\\\ for a backslash", at: index - 1)
        }
    }

    /// Longer ones before those that they begin with.
    private static let symbols = [
        "<=>", "<=", ">=", "<>", "!=", "==", "=", "<", ">", "(", ")", ",", ".", "-", "+", "!",
    ]

    private mutating func symbol() throws(ConditionError) -> String {
        for symbol in Self.symbols {
            let scalars = Array(symbol.unicodeScalars)
            if characters[index...].starts(with: scalars) {
                index += scalars.count
                return symbol
            }
        }
        throw ConditionError(
            "has \"\(characters[index])\", which is not understood; write comparisons of columns "
                + "with literals, joined by AND, OR and NOT", at: index + 1)
    }
}
