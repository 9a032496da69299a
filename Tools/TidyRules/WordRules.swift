// SPDX-License-Identifier: Apache-2.0

/// Words that may not be written, or not without a reason beside them.
enum WordRules {
    static func bannedWords(_ file: SourceFile) -> [Issue] {
        file.tokens.indices.flatMap { issues(at: $0, in: file) } + unfinishedWork(file)
    }

    private static func issues(at index: Int, in file: SourceFile) -> [Issue] {
        let token = file.tokens[index]
        guard token.kind == .word else { return [] }
        let next = index + 1 < file.tokens.count ? file.tokens[index + 1] : nil
        let previous = index > 0 ? file.tokens[index - 1] : nil
        let isCalled = next?.isPunctuation("(") == true
        // `try!` forces; `try !isReady` negates.
        let isForced = next?.isPunctuation("!") == true && next?.isJoined == true
        switch token.text {
        case "fatalError" where isCalled:
            return [file.issue("banned-word", line: token.line, "fatalError: throw an error")]
        case "try" where isForced:
            return [file.issue("banned-word", line: token.line, "try!: handle the error")]
        case "as" where isForced:
            return [file.issue("banned-word", line: token.line, "as!: cast with as? and guard")]
        case "unowned":
            return [file.issue("banned-word", line: token.line, "unowned: use weak, or a value")]
        case "Task":
            return bareTask(at: index, in: file)
        case "sleep":
            return sleepInTest(at: index, isCalled: isCalled, previous: previous, in: file)
        case "print", "debugPrint", "dump", "NSLog":
            let isPlain = previous.map { !$0.isPunctuation(".") && !$0.isWord("func") } ?? true
            guard isCalled, isPlain, file.path.hasPrefix("Sources/"), file.target != "icepack"
            else { return [] }
            return [file.issue("print", line: token.line, "a library logs; it never prints")]
        case "unchecked", "unsafe":
            return unproven(at: index, in: file)
        default:
            return []
        }
    }

    /// An unstructured task has no parent that waits for it, so the line above says who does.
    private static func bareTask(at index: Int, in file: SourceFile) -> [Issue] {
        let token = file.tokens[index]
        var next = index + 1
        func nextIs(_ text: String) -> Bool {
            next < file.tokens.count && file.tokens[next].isPunctuation(text)
        }
        if nextIs("<"), let close = file.tokens[next...].firstIndex(where: { $0.text == ">" }) {
            next = close + 1
        }
        if nextIs("."), next + 1 < file.tokens.count, file.tokens[next + 1].isWord("detached") {
            next += 2
        }
        if nextIs("("), let close = file.closing[next] { next = close + 1 }
        guard nextIs("{"), file.explanation(ofLine: token.line).isEmpty else { return [] }
        // A test that keeps the task waits for it, or does not end.
        if file.isTest, index > 0, file.tokens[index - 1].isPunctuation("=") { return [] }
        let message = "an unstructured Task without a comment above that says who waits for it"
        return [file.issue("bare-task", line: token.line, message)]
    }

    /// Tests wait for conditions.
    ///
    /// Only the helper that polls may pause, and it says why.
    private static func sleepInTest(
        at index: Int, isCalled: Bool, previous: Token?, in file: SourceFile
    ) -> [Issue] {
        let line = file.tokens[index].line
        guard file.isTest, isCalled, previous?.isWord("func") != true else { return [] }
        // `.sleep(until:)` without a base is a case of an enum.
        let base = index > 1 ? file.tokens[index - 2] : nil
        let hasBase = base.map { $0.kind == .word || $0.text == ")" || $0.text == "]" } ?? false
        if previous?.isPunctuation(".") == true, !hasBase { return [] }
        if file.target == "TestSupport", !file.explanation(ofLine: line).isEmpty { return [] }
        let message = "a test that sleeps: wait for a condition with TestSupport"
        return [file.issue("sleep", line: line, message)]
    }

    /// Words of which a proof of thread safety has at least one.
    private static let proofWords = [
        "immutable", "lock", "mutex", "only one thread", "safe", "sendable", "serial", "thread",
        "unchecked",
    ]

    /// `@unchecked Sendable` and `nonisolated(unsafe)` are promises, so the comment proves them.
    private static func unproven(at index: Int, in file: SourceFile) -> [Issue] {
        let token = file.tokens[index]
        guard index > 1 else { return [] }
        let isUnchecked =
            token.text == "unchecked" && file.tokens[index - 1].isPunctuation("@")
        let isUnsafe = token.text == "unsafe" && file.tokens[index - 2].isWord("nonisolated")
        guard isUnchecked || isUnsafe else { return [] }
        // The proof may also be the first line of the body.
        let inside = file.comments[token.line + 1] ?? ""
        let comment = (file.explanation(ofLine: token.line) + inside).lowercased()
        guard !proofWords.contains(where: comment.contains) else { return [] }
        let message = "say in the comment above what makes this safe between threads"
        return [file.issue("unproven-sendable", line: token.line, message)]
    }

    private static func unfinishedWork(_ file: SourceFile) -> [Issue] {
        file.comments.sorted { $0.key < $1.key }.compactMap { line, text in
            for word in ["TO" + "DO", "FIX" + "ME"] where text.contains(word) {
                guard text.contains(word + "(#") else {
                    let message = "\(word) without an issue: write \(word)(#number), or do it"
                    return file.issue("unfinished", line: line, message)
                }
            }
            return nil
        }
    }
}
