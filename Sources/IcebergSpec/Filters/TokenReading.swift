// SPDX-License-Identifier: Apache-2.0

/// Reads the words of a text one after the other; what every parser of such a text needs.
protocol TokenReading {
    /// The words; the last one is the end.
    var tokens: [ConditionToken] { get }
    /// Which word comes next.
    var index: Int { get set }
    /// What cannot be a name unless it is in back quotes.
    static var reserved: Set<String> { get }
}

extension TokenReading {
    var current: ConditionToken { tokens[index] }

    /// The word behind the next one; the end is behind itself.
    var following: ConditionToken { tokens[min(index + 1, tokens.count - 1)] }

    mutating func advance() { if index + 1 < tokens.count { index += 1 } }

    func isKeyword(_ word: String) -> Bool {
        guard case .word(let text) = current.kind else { return false }
        return text.uppercased() == word
    }

    mutating func take(_ word: String) -> Bool {
        guard isKeyword(word) else { return false }
        advance()
        return true
    }

    mutating func take(symbol: String) -> Bool {
        guard current.kind == .symbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func expect(symbol: String) throws(ConditionError) {
        guard take(symbol: symbol) else { throw unexpected("\"\(symbol)\"") }
    }

    func unexpected(_ wanted: String) -> ConditionError {
        let found =
            switch current.kind {
            case .word(let text), .quotedName(let text), .number(let text): "\"\(text)\""
            case .symbol(let text): "\"\(text)\""
            case .text: "text in quotes"
            case .end: "the end"
            }
        return ConditionError("has \(found) where \(wanted) should be", at: current.position)
    }

    mutating func columnName() throws(ConditionError) -> ColumnName {
        let position = current.position
        var parts: [String] = []
        repeat {
            switch current.kind {
            case .word(let word):
                guard !Self.reserved.contains(word.uppercased()) else {
                    throw unexpected("the name of a column")
                }
                parts.append(word)
            case .quotedName(let name): parts.append(name)
            case .number, .text, .symbol, .end: throw unexpected("the name of a column")
            }
            advance()
        } while take(symbol: ".")
        return ColumnName(parts: parts, position: position)
    }
}
