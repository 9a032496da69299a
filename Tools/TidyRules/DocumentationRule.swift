// SPDX-License-Identifier: Apache-2.0

/// Every declaration that other targets see says what it is for.
///
/// swift-format checks `public`; this checks `package` as well. Members of an extension that
/// adds a conformance, and members named as a requirement of a protocol of ours, may go without:
/// the protocol documents them.
enum DocumentationRule {
    private static let declarations: Set<String> = [
        "actor", "class", "enum", "func", "init", "let", "protocol", "struct", "subscript",
        "typealias", "var",
    ]

    /// Requirements of the standard library, which every reader knows.
    private static let wellKnown: Set<String> = [
        "advanced", "body", "debugDescription", "description", "duration", "encode",
        "errorDescription", "hash",
        "makeAsyncIterator", "makeIterator", "next",
    ]

    static func check(_ file: SourceFile, requirements: Set<String>) -> [Issue] {
        guard !file.path.hasSuffix("Package.swift") else { return [] }
        let conformances = conformanceBodies(in: file)
        return file.tokens.indices.compactMap { index in
            let token = file.tokens[index]
            guard token.kind == .word, ["public", "package", "open"].contains(token.text),
                let declaration = declaration(from: index, in: file, requirements),
                !conformances.contains(where: { $0.contains(index) })
            else { return nil }
            let comment = file.explanation(ofLine: token.line)
            guard !comment.contains("///") && !comment.contains("/**") else { return nil }
            let message = "\(token.text) \(declaration) without a doc comment"
            return file.issue("documentation", line: token.line, message)
        }
    }

    /// What the modifier at this index declares; nil for imports, extensions and setters.
    private static func declaration(
        from start: Int, in file: SourceFile, _ requirements: Set<String>
    ) -> String? {
        var index = start + 1
        while index < file.tokens.count {
            let token = file.tokens[index]
            if token.isPunctuation("(") {
                // `package(set)` or `nonisolated(unsafe)`.
                guard index > start + 1, let close = file.closing[index] else { return nil }
                index = close + 1
                continue
            }
            guard token.kind == .word else { return nil }
            if ["import", "extension", "override"].contains(token.text) { return nil }
            if declarations.contains(token.text), !isClassModifier(at: index, in: file) {
                let name = index + 1 < file.tokens.count ? file.tokens[index + 1].text : ""
                guard !wellKnown.contains(name), !isOperator(name, after: token) else { return nil }
                let isMember = token.text == "func" || token.text == "var"
                if isMember, requirements.contains(name) { return nil }
                return token.text == "init" ? "init" : "\(token.text) \(name)"
            }
            index += 1
        }
        return nil
    }

    /// `class func` and `class var` declare members, not classes.
    private static func isClassModifier(at index: Int, in file: SourceFile) -> Bool {
        guard file.tokens[index].text == "class", index + 1 < file.tokens.count else {
            return false
        }
        return ["func", "var", "subscript"].contains(file.tokens[index + 1].text)
    }

    private static func isOperator(_ name: String, after token: Token) -> Bool {
        token.text == "func" && ["=", "<", ">", "!"].contains(name)
    }

    private static func conformanceBodies(in file: SourceFile) -> [Range<Int>] {
        file.tokens.indices.compactMap { index in
            guard file.tokens[index].isWord("extension") else { return nil }
            var conforms = false
            for next in (index + 1)..<file.tokens.count {
                let token = file.tokens[next]
                if token.isPunctuation(":") { conforms = true }
                if token.isWord("where"), !conforms { return nil }
                guard token.isPunctuation("{") else { continue }
                guard conforms, let end = file.closing[next] else { return nil }
                return next..<end
            }
            return nil
        }
    }
}
