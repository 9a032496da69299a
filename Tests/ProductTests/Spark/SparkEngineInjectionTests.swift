// SPDX-License-Identifier: Apache-2.0

import HiveServer2
import IcebergCatalog
import IcebergSpec
import Maintenance
import SparkEngine
import TestSupport
import Testing

/// Whatever names, locations and values hold, Spark's own parsers read them as they were.
@Suite(.serialized, .enabled(if: SparkThriftServer.isWanted, "run it with make test-spark"))
struct SparkEngineInjectionTests {
    private static let seed = UInt64.random(in: 0...99_999)
    private static let statements = 40
    private static let valuesOfStatement = 250

    @Test(.timeLimit(.minutes(10)))
    func `ten thousand random texts arrive in Spark unchanged`() async throws {
        print("injection: seed \(Self.seed)")
        try await withShell { shell in
            var texts = HostileTexts(seed: Self.seed)
            for _ in 0..<Self.statements {
                let values = (0..<Self.valuesOfStatement).map { _ in texts.next() }
                let rows = values.enumerated().map { index, value in
                    "(\(index), \(Self.sql(value, index)))"
                }
                let statement =
                    "\(texts.mark().comment) SELECT i, v FROM VALUES "
                    + "\(rows.joined(separator: ", ")) AS t(i, v) ORDER BY i"

                let arrived = try await shell.run(statement).rows.map { try $0.string("v") }

                for (index, value) in values.enumerated() {
                    let expected = Self.expected(value, index)
                    try #require(
                        arrived[index].map { Array($0.utf8) } == Array(expected.utf8),
                        "seed \(Self.seed): \(value.debugDescription)")
                }
                #expect(arrived.count == values.count)
            }
        }
    }

    /// A text in each of the forms that the engine writes: a literal, an entry of a list, a key
    /// and a value of a map, a table's name.
    private static func sql(_ text: String, _ index: Int) -> String {
        switch index % 5 {
        case 0: SparkSQL.string(text)
        case 1: "\(SparkSQL.array(["", text]))[1]"
        case 2: "map_keys(\(SparkSQL.map([(text, "v")])))[0]"
        case 3: "map_values(\(SparkSQL.map([("k", text)])))[0]"
        default: SparkSQL.table(catalog: "lab", namespace: ["a", text], name: text)
        }
    }

    private static func expected(_ text: String, _ index: Int) -> String {
        guard index % 5 == 4 else { return text }
        let part = SparkNames.backticked(text)
        return "`lab`.`a`.\(part).\(part)"
    }

    @Test(.timeLimit(.minutes(10)))
    func `identifiers name exactly the columns that they say`() async throws {
        try await withShell { shell in
            var texts = HostileTexts(seed: Self.seed)
            var written: [String: String] = [:]
            while written.count < Self.valuesOfStatement {
                let name = texts.next()
                if let identifier = SparkSQL.identifier(name) { written[name] = identifier }
            }
            let columns = written.sorted { $0.key < $1.key }
            let list = columns.map { "1 AS \($0.value)" }.joined(separator: ", ")

            let result = try await shell.run("SELECT \(list)")

            #expect(result.columns.map(\.name) == columns.map(\.key))
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `two hundred real calls name back the very texts that they were given`() async throws {
        // Iceberg parses a table's name again, and Spark would replace variables in it then; that
        // is for the engine's own session to prevent.
        try await withShell(settings: Self.engineSettings) { shell in
            try await shell.run([
                "CREATE NAMESPACE IF NOT EXISTS sq.injection",
                "CREATE TABLE IF NOT EXISTS sq.injection.t (id BIGINT) USING iceberg",
                "INSERT INTO sq.injection.t SELECT id FROM RANGE(3)",
            ])
            var texts = HostileTexts(seed: Self.seed)
            for index in 0..<200 {
                let text = texts.next()
                let (call, expected) = Self.call(index, text, texts.next(), mark: texts.mark())

                let message = try await shell.refusal(of: try call.statement())

                let isThere = Array(message.utf8).contains(Array(expected.utf8))
                #expect(
                    isThere, "seed \(Self.seed), \(text.debugDescription): \(message.prefix(400))")
            }
            let rows = try await shell.run("SELECT COUNT(*) AS n FROM sq.injection.t").rows
            #expect(try rows.first?.integer("n") ?? 0 >= 3, "the table is still there")
        }
    }

    /// As the engine opens its sessions.
    private static var engineSettings: [String: String] {
        let session = SessionConfiguration(
            SparkSettings(catalog: "sq"), attempt: AttemptLabel(jobID: "j", attemptID: "a"),
            properties: TableProperties(EmptyCollection()))
        return Dictionary(
            uniqueKeysWithValues: session.settings.map { ("set:hiveconf:\($0.key)", $0.value) })
    }

    /// A call that Iceberg must refuse, and how its message names what it was given.
    private static func call(
        _ index: Int, _ text: String, _ other: String, mark: StatementMark
    ) -> (call: ProcedureCall, expected: String) {
        let known = TableIdentifier(namespace: ["injection"], name: "t")
        let strange = TableIdentifier(namespace: ["x" + other], name: "y" + text)
        let quoted = [strange.namespace[0], strange.name].map(SparkNames.quotedIfNeeded)
        let (table, procedure, argument, expected):
            (TableIdentifier, String, ProcedureArgument?, String) =
                switch index % 4 {
                case 0:
                    (
                        strange, "expire_snapshots", nil,
                        "Couldn't load table '\(quoted.joined(separator: "."))' in catalog 'sq'"
                    )
                case 1:
                    (
                        known, "rewrite_data_files",
                        ProcedureArgument("strategy", .string("z" + text)),
                        "unsupported strategy: z\(text). Only binpack or sort is supported"
                    )
                case 2:
                    (
                        known, "rewrite_data_files",
                        ProcedureArgument("options", .map([.init("z" + text, other)])),
                        "Cannot use options [z\(text)]"
                    )
                default:
                    (
                        known, "rewrite_data_files",
                        ProcedureArgument("where", .string("' \(text)")),
                        "Cannot parse predicates in where option: ' \(text)"
                    )
                }
        let call = ProcedureCall(
            catalog: "sq", table: table, procedure: procedure,
            arguments: argument.map { [$0] } ?? [], mark: mark)
        return (call, expected)
    }

    private func withShell(
        settings: [String: String] = [:], _ body: (SparkShell) async throws -> Void
    ) async throws {
        try await SparkThriftServer.withShared(.init(.http)) { server in
            let shell = try await SparkShell.open(server, settings: settings)
            do { try await body(shell) } catch {
                await shell.close()
                throw error
            }
            await shell.close()
        }
    }
}

/// How Spark writes names.
enum SparkNames {
    static func backticked(_ name: String) -> String {
        var text = "`"
        for scalar in name.unicodeScalars {
            if scalar == "`" { text += "`" }
            text.unicodeScalars.append(scalar)
        }
        return text + "`"
    }

    /// As messages have it: plain names stay as they are.
    static func quotedIfNeeded(_ name: String) -> String {
        let isPlain = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || byte == 0x5F
        }
        return isPlain ? name : backticked(name)
    }
}

/// Random texts, of pieces that some parser looks for and of arbitrary characters.
struct HostileTexts {
    private static let pieces = [
        "'", "''", "\\", "\\'", "\\u0027", "\\047", "%", "_", "\"", "`", "``", "$", "${", "}",
        "${spark.app.name}", "${env:PATH}", "/*", "*/", "/*+", "--", "#", "\n", "\r\n", "\t",
        "\u{0B}", "\u{1A}", "\u{7F}", "\u{85}", "\u{2028}", ";", ")", "(", "=>", ",", "é",
        "e\u{301}", "`\u{301}", "中", "😀", "\u{FEFF}", "\u{202E}", "\u{FFFD}", " ", "  ", "a", "Z",
        "0", ".", ":", "//", "s3://bucket/", "R'", "X'00'", "NULL", "map(",
        "DROP TABLE sq.injection.t",
        "'); DROP TABLE sq.injection.t; --", "*/ DROP TABLE sq.injection.t /*",
    ]

    private var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    /// The next text; some are empty.
    mutating func next() -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0...6, using: &generator) {
            if Bool.random(using: &generator) {
                text += Self.pieces.randomElement(using: &generator) ?? ""
            } else if let scalar = Unicode.Scalar(UInt32.random(in: 1...0x1FFFF, using: &generator))
            {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    /// A mark whose every part is such a text.
    mutating func mark() -> StatementMark {
        StatementMark(jobID: next(), attemptID: next(), table: next(), action: next())
    }
}
