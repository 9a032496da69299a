// SPDX-License-Identifier: Apache-2.0

/// Keywords of SQL are written in capitals.
enum SQLRule {
    /// Keywords that are not also likely names of columns.
    private static let keywords: Set<String> = [
        "add", "all", "alter", "and", "as", "asc", "begin", "between", "by", "case", "check",
        "column", "commit", "conflict", "constraint", "create", "default", "delete", "desc",
        "distinct", "drop", "else", "end", "exists", "for", "foreign", "from", "group", "having",
        "if", "in", "index", "inner", "insert", "into", "is", "join", "left", "like", "limit",
        "not", "null", "nulls", "on", "or", "order", "primary", "references",
        "returning", "rollback", "select", "set", "table", "then", "union", "unique",
        "update", "using", "values", "when", "where", "with",
    ]

    static func check(_ file: SourceFile) -> [Issue] {
        guard file.fileExtension == "sql" else { return [] }
        var quote: Character?
        return file.lines.enumerated().flatMap { index, line -> [Issue] in
            // Variables of pgbench and psql are not SQL.
            guard !line.hasPrefix("\\") else { return [] }
            return words(in: line, quote: &quote).compactMap { word in
                guard keywords.contains(word) else { return nil }
                let message = "\(word): write \(word.uppercased())"
                return file.issue("sql-keyword", line: index + 1, message)
            }
        }
    }

    /// The words outside quotes and comments; a quote may stay open over the end of the line.
    private static func words(in line: Substring, quote: inout Character?) -> [String] {
        var words: [String] = []
        var word = ""
        var previous: Character = " "
        for character in line {
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "-", previous == "-" {
                break
            } else if character == "'" || character == "\"" {
                quote = character
            } else if character.isLetter || character.isNumber || "_:$.".contains(character) {
                word.append(character)
                previous = character
                continue
            }
            if !word.isEmpty { words.append(word) }
            word = ""
            previous = character
        }
        if !word.isEmpty { words.append(word) }
        return words
    }
}
