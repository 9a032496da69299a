// SPDX-License-Identifier: Apache-2.0

/// Says in a comment on whose behalf a statement runs, so that it is found again in Spark's UI.
///
/// Spark keeps a statement's text as the description of its SQL execution, comment included;
/// Iceberg replaces the description of the jobs below it (``SparkJob``).
package struct StatementMark: Hashable, Sendable {
    /// The job.
    package let jobID: String
    /// The attempt.
    package let attemptID: String
    /// The table: namespace and name, joined with dots.
    package let table: String
    /// The action, in the procedures' spelling.
    package let action: String

    /// Takes every field.
    package init(jobID: String, attemptID: String, table: String, action: String) {
        self.jobID = jobID
        self.attemptID = attemptID
        self.table = table
        self.action = action
    }

    /// The comment: one line of ASCII that nothing within can close.
    package var comment: String {
        "/* \(prefix),\(subject)} */"
    }

    /// Whether a description in Spark's UI is of a statement of this attempt.
    package func identifies(_ description: String) -> Bool {
        description.utf8Contains(prefix)
    }

    /// Whether a description is of a call by a later attempt that does the same to the same table.
    ///
    /// Only of a statement that begins with a mark of ours and goes on with a call: another that
    /// quotes one is none. Nor is a plan, which waits for nobody.
    package func isSucceeded(by description: String) -> Bool {
        let opening = "/* {\(Self.member("app", "icepack")),\"job\":\""
        let closing = ",\(subject)} */ CALL "
        let text = description.drop { $0.isWhitespace }
        guard text.hasPrefix(opening), let end = text.firstRange(of: "} */") else { return false }
        // No name can close a comment, so the first end is the mark's own.
        let head = text[..<end.upperBound] + text[end.upperBound...].prefix(" CALL ".count)
        return head.hasSuffix(closing) && !identifies(description)
            && !head.hasPrefix(opening + Self.planning + "\"")
    }

    /// What a plan's statement names as its job.
    package static let planning = "plan"

    /// What the comments of all attempts to do the same to the same table have in common.
    private var subject: String {
        "\(Self.member("table", table)),\(Self.member("action", action.uppercased()))"
    }

    /// What the comments of one attempt have in common, and of no other.
    private var prefix: String {
        "{\(Self.member("app", "icepack")),\(Self.member("job", jobID)),"
            + Self.member("attempt", attemptID)
    }

    private static func member(_ name: String, _ value: String) -> String {
        "\"\(name)\":\"\(escaped(value))\""
    }

    private static let plain = Set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-. ".utf16)

    /// Letters, digits and what names are usually made of; all else as JSON's escapes of four
    /// digits, so neither quotes nor `*/`, `/*`, `--`, `${` or line ends can stand in the comment.
    private static func escaped(_ value: String) -> String {
        var text = ""
        for unit in value.utf16 {
            // Two dashes begin a comment of another kind.
            let isSecondDash = unit == 0x2D && text.hasSuffix("-")
            if plain.contains(unit), !isSecondDash, let scalar = Unicode.Scalar(unit) {
                text.unicodeScalars.append(scalar)
            } else {
                text += "\\u" + SparkSQL.hexadecimal(unit)
            }
        }
        return text
    }
}

extension String {
    /// Whether the text stands in here, byte by byte.
    func utf8Contains(_ text: String) -> Bool {
        let needle = Array(text.utf8)
        guard let first = needle.first else { return true }
        let hay = utf8
        var start = hay.startIndex
        while let found = hay[start...].firstIndex(of: first) {
            if hay[found...].starts(with: needle) { return true }
            start = hay.index(after: found)
        }
        return false
    }
}
