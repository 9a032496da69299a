// SPDX-License-Identifier: Apache-2.0

/// One piece of Swift source outside comments.
public struct Token: Hashable, Sendable {
    /// What a token is.
    public enum Kind: Hashable, Sendable {
        /// A word: an identifier or a keyword; a raw identifier comes without its backticks.
        case word
        /// A numeric literal.
        case number
        /// A string or regular-expression literal; what it interpolates follows as tokens.
        case literal
        /// One byte of punctuation.
        case punctuation
    }

    /// What it is.
    public let kind: Kind
    /// The word, the number or the punctuation; empty for a literal.
    public let text: String
    /// Its line, counted from 1.
    public let line: Int
    /// Whether no other token stands before it on its line.
    public let isFirstOnLine: Bool
    /// Whether it stands right behind the token before, with no space between.
    public let isJoined: Bool

    /// Whether it is this piece of punctuation.
    func isPunctuation(_ text: String) -> Bool { kind == .punctuation && self.text == text }

    /// Whether it is this word.
    func isWord(_ text: String) -> Bool { kind == .word && self.text == text }
}
