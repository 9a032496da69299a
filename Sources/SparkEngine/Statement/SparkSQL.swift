// SPDX-License-Identifier: Apache-2.0

package import WireFormat

/// Writes values as Spark SQL so that no value can change the statement around it.
///
/// Two parsers read a `CALL` (Iceberg's extension and Spark's own), after Spark has replaced
/// `${…}` in the whole text, literals and comments included. So a literal holds ASCII only, and
/// of that nothing that any of them looks for: neither quotes nor backslashes nor `$`, no line
/// ends, no `/*`. Whatever else a value has is written as a backslash, `u` and four
/// hexadecimal digits, once for each UTF-16 unit, which Spark puts together again.
///
/// That holds as long as Spark unescapes literals, which the session asks for
/// (`spark.sql.parser.escapedStringLiterals`, ``SessionConfiguration``).
package enum SparkSQL {
    /// An identifier in backticks; nil for one that no spelling can carry.
    ///
    /// Identifiers know no escapes but the doubled backtick, so those with control characters,
    /// with anything beyond ASCII's printable characters, or with `$` (which Spark would replace)
    /// are not written at all. The engine's only identifier is the catalog's configured name.
    package static func identifier(_ name: String) -> String? {
        guard !name.isEmpty, name.utf8.allSatisfy({ (0x20...0x7E).contains($0) }),
            !name.contains("$"), !name.contains("/*"), !name.contains("--")
        else { return nil }
        return backticked(name)
    }

    /// A string literal.
    package static func string(_ value: String) -> String { "'\(escaped(value))'" }

    /// A table's name as a string literal: Iceberg parses the text again, as an identifier, so
    /// every part is in backticks within the literal.
    ///
    /// It begins with the catalog, for a namespace may be called like a catalog.
    package static func table(catalog: String, namespace: [String], name: String) -> String {
        string(([catalog] + namespace + [name]).map(backticked).joined(separator: "."))
    }

    /// A point in time, whatever the session's time zone.
    package static func timestamp(_ value: Timestamp) -> String {
        "TIMESTAMP '\(value)'"
    }

    /// A list of 64-bit integers.
    package static func array(_ values: [Int64]) -> String {
        "array(\(values.map { "\($0)L" }.joined(separator: ", ")))"
    }

    /// A list of texts.
    package static func array(_ values: [String]) -> String {
        "array(\(values.map(string).joined(separator: ", ")))"
    }

    /// A map of texts; keys in their order.
    package static func map(_ entries: [(key: String, value: String)]) -> String {
        let parts = entries.flatMap { [string($0.key), string($0.value)] }
        return "map(\(parts.joined(separator: ", ")))"
    }

    /// In backticks, with those inside doubled.
    private static func backticked(_ name: String) -> String {
        var quoted = "`"
        // By scalars: a backtick with a combining mark is one character, and still a backtick.
        for scalar in name.unicodeScalars {
            if scalar == "`" { quoted += "`" }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "`"
    }

    /// ASCII that no parser looks for within a literal.
    private static let plain = Set(
        ("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
            + " `_-.,:/=()[]{}<>+@#!?&|^~%").utf16)

    private static func escaped(_ value: String) -> String {
        var text = ""
        for unit in value.utf16 {
            if plain.contains(unit), let scalar = Unicode.Scalar(unit) {
                text.unicodeScalars.append(scalar)
            } else {
                text += "\\u" + hexadecimal(unit)
            }
        }
        return text
    }

    /// Four digits.
    static func hexadecimal(_ unit: UInt16) -> String {
        let digits = String(unit, radix: 16)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }
}
