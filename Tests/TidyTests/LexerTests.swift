// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TidyRules

@Suite struct LexerTests {
    private func words(_ text: String) -> [String] {
        SourceFile(path: "Sources/WireFormat/A.swift", text: text).tokens
            .filter { $0.kind == .word }.map(\.text)
    }

    @Test func `comments hold no tokens, nested ones neither`() {
        #expect(words("a // b\nc /* d /* e */ f */ g\n/// h\ni") == ["a", "c", "g", "i"])
    }

    @Test func `strings hold no tokens but what they interpolate`() {
        #expect(words(#"a("b \(c(d: "e \(f)")) g") h"#) == ["a", "c", "d", "f", "h"])
    }

    @Test func `raw and multi-line strings end at their own terminator`() {
        let text = #####"a(#"b " \(c) \#(d)"#) e("""\#n f " g \(h)\#n""") i"#####
            .replacing(#"\#n"#, with: "\n")
        #expect(words(text) == ["a", "d", "e", "h", "i"])
    }

    @Test func `an escaped quote does not end a string`() {
        #expect(words(#"a("\"b\\") c"#) == ["a", "c"])
    }

    @Test func `a regular expression with a quote in it swallows nothing`() {
        #expect(
            words("a = /b\"c\\/d/\ne = f / g / h\ni(#/j\"/k/#) l") == [
                "a", "e", "f", "g", "h", "i", "l",
            ])
    }

    @Test func `a raw identifier is one word`() {
        #expect(
            words("func `as! and { in a name`() { b }") == ["func", "as! and { in a name", "b"])
    }

    @Test func `a string that never closes ends with its line`() {
        #expect(words("a = \"b\nc") == ["a", "c"])
    }

    @Test func `lines are counted through every kind of literal`() {
        let file = SourceFile(
            path: "Sources/WireFormat/A.swift",
            text: "a\n/* b\n\n*/ c\n\"\"\"\nd \\(e\n)\n\"\"\"\nf\n")
        #expect(file.tokens.filter { $0.kind == .word }.map(\.line) == [1, 4, 6, 9])
    }

    @Test(arguments: ["\"", "/*", "#\"", "`", "\"\"\"", "\"\\(", "/", "#/", "\\", "(", ")}", ""])
    func `anything unfinished still ends`(text: String) {
        let file = SourceFile(path: "Sources/WireFormat/A.swift", text: text)

        #expect(HouseRules.issues(in: file).allSatisfy { $0.line >= 1 })
    }
}
