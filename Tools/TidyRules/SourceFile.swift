// SPDX-License-Identifier: Apache-2.0

/// One text file of the repository, with what the rules ask of it.
public struct SourceFile: Sendable {
    /// The path from the repository's root, with forward slashes.
    public let path: String
    /// Its lines, without their ends.
    public let lines: [Substring]
    /// Whether the last line has an end.
    let endsWithNewline: Bool
    /// The tokens, for Swift; empty for anything else.
    let tokens: [Token]
    /// The comments by line, for Swift.
    let comments: [Int: String]
    /// For each opening bracket among the tokens the index of its closing one.
    let closing: [Int: Int]

    /// Reads a text.
    public init(path: String, text: String) {
        self.path = path
        // By bytes: to a string, CR LF is one character and would hide the line's end.
        var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { Substring($0) }
        endsWithNewline = text.utf8.last == UInt8(ascii: "\n")
        if endsWithNewline { lines.removeLast() }
        self.lines = lines
        guard path.hasSuffix(".swift") else {
            (tokens, comments, closing) = ([], [:], [:])
            return
        }
        let lexer = SwiftLexer(text)
        tokens = lexer.tokens
        comments = lexer.comments
        closing = Self.brackets(in: lexer.tokens)
    }

    /// Whether it is a test or supports tests.
    var isTest: Bool { path.hasPrefix("Tests/") }

    /// Whether it is Swift.
    var isSwift: Bool { path.hasSuffix(".swift") }

    /// The target that it belongs to, or nil outside `Sources`, `Tests` and `Tools`.
    var target: String? {
        let parts = path.split(separator: "/")
        guard parts.count > 2, ["Sources", "Tests", "Tools"].contains(parts[0]) else { return nil }
        return String(parts[1])
    }

    /// The end of the path from its last dot on, without it; empty when there is none.
    var fileExtension: String {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
        return String(name[name.index(after: dot)...])
    }

    /// The names of what the protocols in this file require.
    var requirements: Set<String> {
        var names: Set<String> = []
        for index in tokens.indices where tokens[index].isWord("protocol") {
            guard let body = tokens[index...].firstIndex(where: { $0.isPunctuation("{") }),
                let end = closing[body]
            else { continue }
            for member in body..<end where ["func", "var"].contains(tokens[member].text) {
                names.insert(tokens[member + 1].text)
            }
        }
        return names
    }

    /// An issue in this file.
    func issue(_ rule: String, line: Int, _ message: String) -> Issue {
        Issue(path: path, line: line, rule: rule, message: message)
    }

    /// The comment on this line and the block of comment lines right above it.
    ///
    /// Attributes on lines of their own may stand between.
    func explanation(ofLine line: Int) -> String {
        var text = comments[line] ?? ""
        var above = line - 1
        while above > 0 {
            let content = lines[above - 1].drop { $0 == " " }
            if let comment = comments[above], content.hasPrefix("/") || content.hasPrefix("*") {
                // The licence explains nothing.
                guard !comment.contains("SPDX-License-Identifier") else { break }
                text += comment
            } else if !content.hasPrefix("@") {
                break
            }
            above -= 1
        }
        return text
    }

    private static func brackets(in tokens: [Token]) -> [Int: Int] {
        let partner = ["}": "{", ")": "(", "]": "["]
        var open: [(index: Int, text: String)] = []
        var closing: [Int: Int] = [:]
        for (index, token) in tokens.enumerated() where token.kind == .punctuation {
            switch token.text {
            case "{", "(", "[":
                open.append((index, token.text))
            case "}", ")", "]":
                // Branches of a conditional compilation may open one brace twice: unwind.
                while let last = open.popLast() {
                    closing[last.index] = index
                    if last.text == partner[token.text] { break }
                }
            default:
                break
            }
        }
        return closing
    }
}

/// One departure from the house style.
public struct Issue: Hashable, Sendable {
    /// The file, from the repository's root.
    public let path: String
    /// The line, counted from 1.
    public let line: Int
    /// The rule's short name.
    public let rule: String
    /// What is wrong and what to do instead.
    public let message: String

    /// As compilers print it, so that editors can jump there.
    public var text: String { "\(path):\(line): error: [\(rule)] \(message)" }
}
