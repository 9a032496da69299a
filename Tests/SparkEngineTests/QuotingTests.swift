// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import SparkEngine
import TestSupport
import Testing
import WireFormat

/// Values of all kinds arrive as they were; whatever they are, the statement around them stays.
@Suite struct QuotingTests {
    /// Pieces that some parser looks for.
    private static let pieces = [
        "'", "''", "\\", "\\'", "\\\\'", "\\u0027", "\\047", "\\%", "\\_", "%", "_", "\"", "`",
        "``", "${spark.app.name}", "$", "{", "}", "${", "/*", "*/", "/*+", "--", "\n", "\r\n",
        "\t", "\0", "\u{1A}", "\u{2028}", "\u{85}", ";", ")", "(", "=>", ",", "é", "e\u{301}",
        "`\u{301}", "'\u{301}", "中", "😀", "\u{FEFF}", "\u{202E}", " ", "a", "B", "0", ".", ":",
        "//",
        "s3://", "R'", "r'x", "X'00'", "NULL", "null", "map(", "array(",
    ]

    private static func random(_ generator: inout SeededGenerator) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0...8, using: &generator) {
            if Bool.random(using: &generator) {
                text += pieces.randomElement(using: &generator) ?? ""
            } else if let scalar = Unicode.Scalar(UInt32.random(in: 0...0x1FFFF, using: &generator))
            {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    @Test(arguments: UInt64(0)..<100)
    func `random names, values and options arrive unchanged`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let texts = (0..<6).map { _ in Self.random(&generator) }
            let table = TableIdentifier(namespace: [texts[0], texts[1]], name: texts[2])
            let mark = StatementMark(
                jobID: texts[3], attemptID: texts[4], table: table.description, action: "x")
            let call = ProcedureCall(
                catalog: "lab", table: table, procedure: "expire_snapshots",
                arguments: [
                    ProcedureArgument("location", .string(texts[3])),
                    ProcedureArgument("sort_by", .strings([texts[4], texts[5]])),
                    ProcedureArgument("options", .map([.init(texts[0], texts[5])])),
                    ProcedureArgument("where", .string(texts[1])),
                ], mark: mark)

            let statement = try call.statement()
            let tokens = try SparkLexer.tokens(statement)

            let name = try #require(Self.literal(at: 8, tokens))
            #expect(
                try SparkLexer.parts(ofName: name).map { Array($0.utf8) }
                    == ["lab", texts[0], texts[1], texts[2]].map { Array($0.utf8) })
            let expected =
                Self.head + [.literal(name)] + Self.named("location") + [.literal(texts[3])]
                + Self.named("sort_by") + Self.list("array", [texts[4], texts[5]])
                + Self.named("options") + Self.list("map", [texts[0], texts[5]])
                + Self.named("where") + [.literal(texts[1]), .symbol(")")]
            #expect(Self.bytes(tokens) == Self.bytes(expected), "\(statement)")
            #expect(statement.utf8.allSatisfy { (0x20...0x7E).contains($0) })
        }
    }

    private static let head: [SparkLexer.Token] = [
        .word("CALL"), .quoted("lab"), .symbol("."), .word("system"), .symbol("."),
        .word("expire_snapshots"), .symbol("("), .word("table"), .symbol("=>"),
    ]

    private static func named(_ name: String) -> [SparkLexer.Token] {
        [.symbol(","), .word(name), .symbol("=>")]
    }

    private static func list(_ function: String, _ texts: [String]) -> [SparkLexer.Token] {
        [.word(function), .symbol("(")]
            + texts.map { [.literal($0)] }.joined(separator: [.symbol(",")]) + [.symbol(")")]
    }

    private static func literal(at index: Int, _ tokens: [SparkLexer.Token]) -> String? {
        guard tokens.indices.contains(index + 1), case .literal(let text) = tokens[index + 1] else {
            return nil
        }
        return text
    }

    /// Strings that look alike are equal to Swift, and are not to Spark.
    private static func bytes(_ tokens: [SparkLexer.Token]) -> [[UInt8]] {
        tokens.map { Array("\($0)".utf8) }
    }

    @Test func `the comment of a statement cannot be closed by a name`() throws {
        for name in [
            "*/ DROP TABLE x --", "/* /*", "\"}*/", "a\nb", "${x}", "--", "---", "中", "\\",
        ] {
            let mark = StatementMark(
                jobID: name, attemptID: name, table: name, action: "expire_snapshots")

            #expect(try SparkLexer.tokens(mark.comment + " CALL").count == 1)
            #expect(mark.comment.dropLast(2).contains("*/") == false)
            #expect(mark.comment.dropFirst(2).contains("/*") == false)
            #expect(!mark.comment.contains("--"))
            let json = mark.comment.dropFirst(3).dropLast(3)
            let value = try JSONValue(parsing: String(json))
            #expect(value.objectValue?["table"]?.stringValue == name)
            #expect(value.objectValue?["action"] == "EXPIRE_SNAPSHOTS")
        }
    }

    @Test func `a mark finds its own statements and no other's`() {
        let mark = StatementMark(jobID: "j1", attemptID: "a1", table: "db.t", action: "x")

        #expect(mark.identifies("\(mark.comment) CALL …"))
        #expect(mark.identifies("leading \(mark.comment)"))
        for (job, attempt) in [("j1", "a2"), ("j2", "a1"), ("j1", "a")] {
            let other = StatementMark(jobID: job, attemptID: attempt, table: "db.t", action: "x")
            #expect(!mark.identifies(other.comment))
        }
        #expect(!mark.identifies(""))
    }

    @Test(arguments: ["", "a\nb", "a${b}", "a$", "é", "a/*b", "a--b", "a\0"])
    func `a catalog's name that cannot be written is refused`(name: String) {
        #expect(SparkSQL.identifier(name) == nil)
        #expect(throws: (any Error).self) {
            try ProcedureCall(
                catalog: name, table: TableIdentifier(namespace: [], name: "t"), procedure: "x",
                arguments: [],
                mark: StatementMark(jobID: "", attemptID: "", table: "", action: "")
            ).statement()
        }
    }

    @Test func `backticks in a catalog's name are doubled`() {
        #expect(SparkSQL.identifier("a`b c") == "`a``b c`")
    }

    @Test func `numbers, times and flags have one spelling`() {
        #expect(ProcedureValue.integers([1, -2, .min]).sql == "array(1L, -2L, \(Int64.min)L)")
        #expect(ProcedureValue.boolean(true).sql == "true")
        #expect(ProcedureValue.integer(-7).sql == "-7")
        #expect(
            ProcedureValue.timestamp(Timestamp(milliseconds: 1_700_000_000_123)).sql
                == "TIMESTAMP '2023-11-14T22:13:20.123000+00:00'")
    }
}
