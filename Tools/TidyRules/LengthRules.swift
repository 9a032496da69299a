// SPDX-License-Identifier: Apache-2.0

/// Files, functions and lines that fit a screen.
enum LengthRules {
    /// The most lines of a source file.
    static let maximumFileLines = 500
    /// The most lines of a test file: a suite lists cases, and splitting one helps nobody.
    static let maximumTestFileLines = 800
    /// The most lines of a function, from its keyword to its closing brace.
    static let maximumFunctionLines = 60
    /// The most columns of a line.
    static let maximumColumns = 100

    /// Kinds of file whose lines are measured; prose in Markdown wraps by itself.
    private static let measured: Set<String> = ["swift", "h", "c", "py", "sql", "sh", ""]

    static func fileLength(_ file: SourceFile) -> [Issue] {
        guard file.isSwift else { return [] }
        let maximum = file.isTest ? maximumTestFileLines : maximumFileLines
        guard file.lines.count > maximum else { return [] }
        let message = "\(file.lines.count) lines; at most \(maximum): split it by topic"
        return [file.issue("file-length", line: maximum + 1, message)]
    }

    static func lineLength(_ file: SourceFile) -> [Issue] {
        guard measured.contains(file.fileExtension), file.path != "LICENSE" else { return [] }
        return file.lines.enumerated().compactMap { index, line in
            guard line.utf8.count > maximumColumns else { return nil }
            let columns = line.unicodeScalars.count
            guard columns > maximumColumns, !line.contains("://") else { return nil }
            let message = "\(columns) columns; at most \(maximumColumns)"
            return file.issue("line-length", line: index + 1, message)
        }
    }

    static func functionLength(_ file: SourceFile) -> [Issue] {
        file.tokens.indices.compactMap { index in
            guard let body = bodyOfFunction(at: index, in: file), let end = file.closing[body]
            else { return nil }
            let length = file.tokens[end].line - file.tokens[index].line + 1
            guard length > maximumFunctionLines else { return nil }
            let message = "a function of \(length) lines; at most \(maximumFunctionLines)"
            return file.issue("function-length", line: file.tokens[index].line, message)
        }
    }

    /// The index of the brace that opens the body of the function declared at this token.
    ///
    /// Nil when the token declares no function, or one without a body (a requirement).
    private static func bodyOfFunction(at index: Int, in file: SourceFile) -> Int? {
        let token = file.tokens[index]
        guard token.kind == .word else { return nil }
        let isCall = index > 0 && file.tokens[index - 1].isPunctuation(".")
        switch token.text {
        case "func", "subscript":
            return isCall ? nil : firstBrace(after: index, stoppingAtAssignment: false, in: file)
        case "init", "deinit":
            return isCall ? nil : firstBrace(after: index, stoppingAtAssignment: false, in: file)
        case "var":
            let brace = firstBrace(after: index, stoppingAtAssignment: true, in: file)
            // A property that is one literal is a table, however long.
            guard let brace, brace + 1 < file.tokens.count,
                !file.tokens[brace + 1].isPunctuation("[")
            else { return nil }
            return brace
        default:
            return nil
        }
    }

    /// Words that begin the next declaration when they stand first on a line.
    private static let declarationStarts: Set<String> = [
        "associatedtype", "case", "class", "deinit", "enum", "extension", "fileprivate", "func",
        "import", "init", "internal", "let", "mutating", "nonisolated", "package", "private",
        "public", "static", "struct", "subscript", "typealias", "var",
    ]

    private static func firstBrace(
        after start: Int, stoppingAtAssignment: Bool, in file: SourceFile
    ) -> Int? {
        var index = start + 1
        while index < file.tokens.count {
            let token = file.tokens[index]
            if token.isFirstOnLine, index > start + 1 {
                if token.kind == .word, declarationStarts.contains(token.text) { return nil }
                if token.isPunctuation("@") || token.isPunctuation("#") { return nil }
            }
            if token.isPunctuation("{") { return index }
            if token.isPunctuation("}") { return nil }
            if stoppingAtAssignment, token.isPunctuation("=") { return nil }
            // Parameters, with their default values and closures, are skipped as a whole.
            let skips = token.isPunctuation("(") || token.isPunctuation("[")
            index = skips ? (file.closing[index] ?? index) + 1 : index + 1
        }
        return nil
    }
}
