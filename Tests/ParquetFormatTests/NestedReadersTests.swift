// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import WireFormat

@testable import ParquetFormat

/// Random rows of columns that nest up to five groups deep, written and rewritten, as readers see
/// them that share no code with us.
@Suite(.enabled(if: Oracles.isAvailable, "\(Oracles.reason)"))
struct NestedReadersTests {
    private static let blockSize: UInt64 = 20

    /// Files that together hold the rows of a table.
    struct Case {
        let name: String
        let table: RandomTable
        let files: [[UInt8]]
    }

    /// The rows as they were written, and what becomes of others in each way of rewriting.
    static func cases(_ seed: UInt64) async throws -> [Case] {
        var random = SeededGenerator(seed: seed)
        let table = try RandomTable(seed: seed)
        var settings = ParquetWriteSettings(using: &random)
        settings.chooseEncodings(table.schema, using: &random)
        let (_, bytes) = try await table.written(settings, using: &random)
        var cases = [Case(name: "\(seed)-written", table: table, files: [bytes])]

        let shrinking = try await RandomRewriting(leavingOutRows: seed)
        let evolving = try await RandomRewriting(evolving: seed)
        for (name, rewriting, way) in [
            ("stitched", shrinking, .stitch), ("encoded", shrinking, .encode),
            ("evolved", evolving, nil), ("evolved-encoded", evolving, .encode),
        ] as [(String, RandomRewriting, ParquetRewriteWay?)] {
            let outputs = try await RewriterTests.rewrite(rewriting.rewriter(way))
            cases.append(
                Case(name: "\(seed)-\(name)", table: rewriting.kept, files: outputs.map(\.1)))
        }
        return cases
    }

    /// The files of all cases of some seeds.
    static func written(
        _ seeds: Range<UInt64>, in folder: URL
    ) async throws -> [(paths: [String], wanted: Case)] {
        var written: [(paths: [String], wanted: Case)] = []
        for seed in seeds {
            for wanted in try await cases(seed) {
                var paths: [String] = []
                for (index, bytes) in wanted.files.enumerated() {
                    let place = folder.appending(path: "\(wanted.name)-\(index).parquet")
                    try Data(bytes).write(to: place)
                    paths.append(place.path)
                }
                written.append((paths, wanted))
            }
        }
        return written
    }

    @Test(arguments: Share.of(UInt64(0)..<20, 2))
    func `PyArrow and DuckDB read what was written`(block: UInt64) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "icepack-nested-\(block)-\(UInt32.random(in: 0...(.max)))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let written = try await Self.written(
            block * Self.blockSize..<(block + 1) * Self.blockSize, in: folder)
        let all = written.flatMap(\.paths)
        for (reader, options) in [("PyArrow", []), ("DuckDB", ["--duckdb"])] {
            let read = try await Oracles.run("parquet_values.py", options + all)
            guard case .object(let texts) = read else {
                Issue.record("the oracle printed no object")
                return
            }
            var refused = 0
            for (paths, wanted) in written where !paths.isEmpty {
                let read = paths.map { texts[$0] ?? nil }
                if reader == "DuckDB", read.contains(where: Self.isKnownRefusal) {
                    refused += 1
                } else {
                    Self.compare(wanted, read, reader)
                }
            }
            #expect(refused < written.count / 4)
        }
    }

    /// Whether a file has an encoding that DuckDB does not know for every type which may have it.
    private static func isKnownRefusal(_ text: JSONValue?) -> Bool {
        text?.stringValue?.contains("BYTE_STREAM_SPLIT encoding is only supported for") == true
    }

    static func compare(_ wanted: Case, _ texts: [JSONValue?], _ reader: String) {
        let schema = wanted.table.schema
        var theirs = schema.columns.map { _ in [JSONValue]() }
        for text in texts {
            guard case .array(let leaves) = text, leaves.count == theirs.count else {
                Issue.record("\(wanted.name): \(reader) says \(String(describing: text))")
                return
            }
            for (index, leaf) in leaves.enumerated() { theirs[index] += leaf.arrayValue ?? [] }
        }
        var mine = zip(schema.columns.indices, wanted.table.batches()).map {
            CanonicalTexts(schema, column: $0).rows($1)
        }
        // DuckDB has no numbers of half precision, and widens them.
        for (index, column) in schema.columns.enumerated()
        where reader == "DuckDB" && column.logicalType == .float16 {
            (mine[index], theirs[index]) = ([], [])
        }
        CanonicalTexts.expect(
            mine, asRead: .array(theirs.map { .array($0) }), by: reader, wanted.name)
    }
}
