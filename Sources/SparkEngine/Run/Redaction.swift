// SPDX-License-Identifier: Apache-2.0

/// Takes secrets out of texts that come from elsewhere.
///
/// Such texts are Spark's messages: they may quote settings and URLs. What is hidden is what
/// follows a word that names a secret, and users and passwords in URLs. It errs on the side of
/// hiding too much.
package enum Redaction {
    private static let words = [
        "password", "passwd", "secret", "token", "credential", "access-key", "access_key",
        "accesskey", "access.key", "signature", "authorization", "apikey", "api-key", "api_key",
    ]
    private static let hidden = "***"

    /// What the words before say of the next one.
    private enum Expectation {
        /// Nothing.
        case none
        /// A secret was named; a separator may follow, and then the secret.
        case separator
        /// The secret.
        case secret
    }

    /// The text without secrets that are known, wherever they stand in it.
    package static func hiding(_ secrets: [String], in text: String) -> String {
        secrets.reduce(text) { $1.isEmpty ? $0 : $0.replacing($1, with: hidden) }
    }

    /// The text without what looks like a secret.
    package static func redacting(_ text: String) -> String {
        var expectation = Expectation.none
        return text.split(separator: " ", omittingEmptySubsequences: false)
            .map { redacting(word: $0, &expectation) }.joined(separator: " ")
    }

    private static func redacting(word: Substring, _ expectation: inout Expectation) -> String {
        guard !word.isEmpty else { return "" }
        let isSeparator = word.allSatisfy { $0 == "=" || $0 == ":" }
        switch expectation {
        case .none:
            break
        case .separator:
            expectation = isSeparator ? .secret : .none
            if isSeparator { return String(word) }
        case .secret:
            // `Authorization: Bearer x`: the scheme stays.
            if isSeparator || ["bearer", "basic"].contains(word.lowercased()) {
                return String(word)
            }
            expectation = .none
            return hidden + trailingLines(of: word)
        }
        return redacting(naming: word, &expectation)
    }

    /// A word that may name a secret, with or without its value.
    private static func redacting(naming word: Substring, _ expectation: inout Expectation)
        -> String
    {
        let lowered = word.lowercased()
        guard let named = words.compactMap({ position(of: $0, in: lowered) }).min() else {
            return withoutUserInfo(word)
        }
        let start = word.index(word.startIndex, offsetBy: named, limitedBy: word.endIndex)
        guard let start,
            let mark = word[start...].firstIndex(where: { $0 == "=" || $0 == ":" || $0 == "," })
        else {
            expectation = .separator
            return String(word)
        }
        let value = word[word.index(after: mark)...]
        if value.isEmpty {
            expectation = .secret
            return String(word)
        }
        return word[...mark] + hidden + trailingLines(of: value)
    }

    /// What follows the first line end: another line is another matter.
    private static func trailingLines(of word: Substring) -> String {
        guard let end = word.firstIndex(where: \.isNewline) else { return "" }
        return "\n" + redacting(String(word[word.index(after: end)...]))
    }

    /// How many characters stand before a word; nil if it is not there.
    private static func position(of word: String, in text: String) -> Int? {
        let hay = Array(text)
        let needle = Array(word)
        guard hay.count >= needle.count else { return nil }
        return (0...hay.count - needle.count).first {
            hay[$0..<$0 + needle.count].elementsEqual(needle)
        }
    }

    /// `https://user:password@host` as `https://***@host`.
    private static func withoutUserInfo(_ word: Substring) -> String {
        guard let scheme = word.firstRange(of: "://") else { return String(word) }
        let rest = word[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && !$0.isNewline }
        guard let at = authority.lastIndex(of: "@") else { return String(word) }
        return String(word[..<scheme.upperBound]) + hidden + rest[at...]
    }
}
