// SPDX-License-Identifier: Apache-2.0

/// Reads a condition by recursive descent: OR over AND over NOT over tests of columns.
struct ConditionParser: TokenReading {
    let tokens: [ConditionToken]
    var index = 0
    private var depth = 0

    init(tokens: [ConditionToken]) { self.tokens = tokens }

    mutating func wholeCondition() throws(ConditionError) -> Condition.Node {
        let node = try disjunction()
        guard current.kind == .end else {
            throw unexpected("AND, OR or the end")
        }
        return node
    }

    // MARK: What joins tests

    private mutating func disjunction() throws(ConditionError) -> Condition.Node {
        var parts = [try conjunction()]
        while take("OR") { parts.append(try conjunction()) }
        return parts.count == 1 ? parts[0] : .any(parts)
    }

    private mutating func conjunction() throws(ConditionError) -> Condition.Node {
        var parts = [try negation()]
        while take("AND") { parts.append(try negation()) }
        return parts.count == 1 ? parts[0] : .all(parts)
    }

    private mutating func negation() throws(ConditionError) -> Condition.Node {
        if take("NOT") || take(symbol: "!") {
            try deepen()
            defer { depth -= 1 }
            return .not(try negation())
        }
        if take(symbol: "(") {
            try deepen()
            defer { depth -= 1 }
            let node = try disjunction()
            try expect(symbol: ")")
            return node
        }
        return try test()
    }

    private mutating func deepen() throws(ConditionError) {
        depth += 1
        guard depth <= Condition.maximumDepth else {
            throw ConditionError(
                "nests more than \(Condition.maximumDepth) parentheses and NOTs; leave out those "
                    + "that change nothing", at: current.position)
        }
    }

    // MARK: Tests of columns

    private mutating func test() throws(ConditionError) -> Condition.Node {
        if let literal = try literal() {
            guard case .symbol(let symbol) = current.kind, let comparison = Comparison(symbol)
            else {
                guard case .boolean(let truth) = literal.value else {
                    throw unexpected("a comparison")
                }
                return .constant(truth)
            }
            advance()
            return .test(try columnName(), .comparison(comparison.flipped, literal))
        }
        if let function = try function() { return function }
        let name = try columnName()
        if case .symbol(let symbol) = current.kind, let comparison = Comparison(symbol) {
            advance()
            return .test(name, .comparison(comparison, try requiredLiteral()))
        }
        if take("IS") { return try isTest(name) }
        let isNegated = take("NOT")
        guard let test = try wordTest(name) else {
            if isNegated { throw unexpected("IN, LIKE or BETWEEN") }
            // A column of truth values alone.
            let truth = ConditionLiteral(value: .boolean(true), position: name.position)
            return .test(name, .comparison(.equal, truth))
        }
        return isNegated ? .not(test) : test
    }

    private mutating func isTest(_ name: ColumnName) throws(ConditionError) -> Condition.Node {
        let isNegated = take("NOT")
        let test: ConditionTest
        if take("NULL") {
            test = .isNull
        } else if take("NAN") {
            test = .isNaN
        } else if isKeyword("TRUE") || isKeyword("FALSE") {
            let literal = ConditionLiteral(
                value: .boolean(isKeyword("TRUE")), position: current.position)
            advance()
            test = .comparison(.equal, literal)
        } else {
            throw unexpected("NULL, NAN, TRUE or FALSE")
        }
        return isNegated ? .not(.test(name, test)) : .test(name, test)
    }

    private mutating func wordTest(
        _ name: ColumnName
    ) throws(ConditionError) -> Condition.Node? {
        if take("IN") {
            try expect(symbol: "(")
            var literals = [try requiredLiteral()]
            while take(symbol: ",") { literals.append(try requiredLiteral()) }
            try expect(symbol: ")")
            return .test(name, .isOneOf(literals))
        }
        if take("BETWEEN") {
            let low = try requiredLiteral()
            guard take("AND") else { throw unexpected("AND") }
            return .all([
                .test(name, .comparison(.greaterOrEqual, low)),
                .test(name, .comparison(.lessOrEqual, try requiredLiteral())),
            ])
        }
        if take("LIKE") { return .test(name, try pattern()) }
        return nil
    }

    /// A pattern that is plain text, or plain text and then anything.
    private mutating func pattern() throws(ConditionError) -> ConditionTest {
        let position = current.position
        guard case .text(let pattern) = current.kind else { throw unexpected("text in quotes") }
        advance()
        guard !isKeyword("ESCAPE") else { throw unexpected("AND, OR or the end") }
        var plain = String.UnicodeScalarView()
        var rest = pattern.unicodeScalars[...]
        var isOpen = false
        while let next = rest.popFirst() {
            if next == "%", !isOpen {
                isOpen = true
                continue
            }
            guard !isOpen || next == "%" else { throw Self.pattern(at: position) }
            switch next {
            case "%": break
            case "_": throw Self.pattern(at: position)
            case "\\":
                guard let escaped = rest.popFirst(), ["%", "_", "\\"].contains(escaped) else {
                    throw Self.pattern(at: position)
                }
                plain.append(escaped)
            default: plain.append(next)
            }
        }
        let text = String(plain)
        guard isOpen else {
            return .comparison(.equal, ConditionLiteral(value: .text(text), position: position))
        }
        return .startsWith(text)
    }

    private static func pattern(at position: Int) -> ConditionError {
        ConditionError(
            "has a pattern that is not understood; only plain text with % at its end is",
            at: position)
    }

    private mutating func function() throws(ConditionError) -> Condition.Node? {
        guard case .word(let word) = current.kind, following.kind == .symbol("(") else {
            return nil
        }
        let test: ConditionTest
        switch word.uppercased() {
        case "ISNAN": test = .isNaN
        case "ISNULL", "ISNOTNULL": test = .isNull
        default:
            throw ConditionError(
                "calls \(word), and functions are not understood beside isnan, isnull and "
                    + "isnotnull; compare the column with a literal", at: current.position)
        }
        advance()
        try expect(symbol: "(")
        let name = try columnName()
        try expect(symbol: ")")
        return word.uppercased() == "ISNOTNULL" ? .not(.test(name, test)) : .test(name, test)
    }

    /// What cannot be a name unless it is in back quotes.
    static let reserved: Set<String> = [
        "AND", "OR", "NOT", "IN", "IS", "LIKE", "BETWEEN", "NULL", "TRUE", "FALSE",
    ]
}

// MARK: Literals

extension ConditionParser {
    private mutating func requiredLiteral() throws(ConditionError) -> ConditionLiteral {
        if isKeyword("NULL") {
            throw ConditionError(
                "compares with NULL, which no row passes; write IS NULL or IS NOT NULL",
                at: current.position)
        }
        guard let literal = try literal() else { throw unexpected("a literal") }
        return literal
    }

    private mutating func literal() throws(ConditionError) -> ConditionLiteral? {
        let position = current.position
        guard let value = try literalValue() else { return nil }
        return ConditionLiteral(value: value, position: position)
    }

    private mutating func literalValue() throws(ConditionError) -> ConditionLiteral.Value? {
        switch current.kind {
        case .number(let text):
            advance()
            return .number(text)
        case .text(let text):
            // Outside of patterns the backslash of these stays, as in Spark.
            advance()
            return .text(text)
        case .symbol("-"), .symbol("+"):
            let isNegative = current.kind == .symbol("-")
            advance()
            guard case .number(let text) = current.kind else { throw unexpected("a number") }
            advance()
            return .number(isNegative ? "-\(text)" : text)
        case .word(let word): return try wordLiteral(word.uppercased())
        case .quotedName, .symbol, .end: return nil
        }
    }

    private mutating func wordLiteral(
        _ word: String
    ) throws(ConditionError) -> ConditionLiteral.Value? {
        if word == "TRUE" || word == "FALSE" {
            advance()
            return .boolean(word == "TRUE")
        }
        guard case .text(let text) = following.kind else { return nil }
        let value: ConditionLiteral.Value
        switch word {
        case "DATE": value = .date(text)
        case "TIMESTAMP", "TIMESTAMP_LTZ": value = .timestamp(text, hasNoZone: false)
        case "TIMESTAMP_NTZ": value = .timestamp(text, hasNoZone: true)
        case "X":
            guard let bytes = Self.bytes(text) else {
                throw ConditionError(
                    "has a value of bytes that is not an even number of hexadecimal digits",
                    at: current.position)
            }
            value = .bytes(bytes)
        default:
            throw ConditionError(
                "has \(word) before text, which is not understood; DATE, TIMESTAMP and X are",
                at: current.position)
        }
        advance()
        advance()
        return value
    }

    static func bytes(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Character(Unicode.Scalar(digits[index])).hexDigitValue,
                let low = Character(Unicode.Scalar(digits[index + 1])).hexDigitValue
            else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        return bytes
    }
}
