// SPDX-License-Identifier: Apache-2.0

import Foundation
import ParquetFormat
import RowSets
import Subprocess
import TestSupport
import Testing
import WireFormat

/// Files that Spark wrote, rewritten in every way and read by Spark again.
///
/// Needs `make test-spark`, which installs Spark; `make test` skips it.
@Suite(.serialized, .enabled(if: Oracles.comparesWithSpark, "run it with make test-spark"))
struct ParquetSparkTests {
    typealias Input = ParquetRewriteInput<ParquetMemorySource>

    /// How files become one; two sources of each kind of file, or all of them.
    private struct Job {
        let way: ParquetRewriteWay
        let share: Double
        /// Columns that get bloom filters although the sources have none.
        var filters: [String] = []
    }

    private static let jobs = [
        Job(way: .copy, share: 0), Job(way: .stitch, share: 0),
        Job(way: .stitch, share: 0.02, filters: ["id", "token"]),
        Job(way: .encode, share: 0.1, filters: ["id", "token"]),
    ]

    private static func spark(_ arguments: [String]) async throws -> JSONValue {
        let program = try Oracles.program("spark_parquet.py")
        let result = try await Subprocess.run(
            .name("env"), arguments: Arguments([try Oracles.sparkPython(), program] + arguments),
            output: .bytes(limit: 1 << 28), error: .string(limit: 1 << 20))
        try #require(result.terminationStatus.isSuccess, "\(result.standardError)")
        return try JSONValue(parsing: result.standardOutput)
    }

    @Test(.timeLimit(.minutes(10)))
    func `Spark reads what it wrote, and skips by bounds and bloom filters`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "icepack-parquet-spark-\(UInt32.random(in: 0...(.max)))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let made = try #require(try await Self.spark(["make", folder.path]).objectValue)
        var random = SeededGenerator(seed: 1)
        var all: [String] = []
        var described: [JSONValue] = []
        for name in ["usual", "second", "plain", "small", "filters"] {
            let paths = (made[name]?.arrayValue ?? []).compactMap(\.stringValue)
            try #require(paths.count == 2)
            all += paths
            for job in Self.jobs {
                described.append(
                    try await Self.rewrite(paths, job, name, in: folder, using: &random))
            }
        }
        described.append(
            try await Self.rewrite(
                all, Job(way: .stitch, share: 0.01), "all", in: folder, using: &random))
        let list = folder.appending(path: "jobs.json")
        try Data(JSONValue.array(described).bytes()).write(to: list)

        let wrong = try await Self.spark(["compare", list.path])

        #expect(wrong == [])
    }

    @Test(.timeLimit(.minutes(10)), arguments: Share.of(UInt64(0)..<20, 1))
    func `both of Spark's readers read random rows of random schemas`(block: UInt64) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "icepack-random-spark-\(UInt32.random(in: 0...(.max)))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let seeds = (1000 + block * 10)..<(1010 + block * 10)
        let written = try await RandomTable.$isForSpark.withValue(true) {
            try await NestedReadersTests.written(seeds, in: folder)
        }
        let list = folder.appending(path: "files.json")
        let paths = written.flatMap(\.paths)
        try Data(JSONValue.array(paths.map { .string($0) }).bytes()).write(to: list)

        let readers = try #require(try await Self.spark(["values", list.path]).arrayValue)

        for (name, texts) in zip(["Spark, in batches", "Spark, row by row"], readers) {
            var refused = 0
            for (paths, wanted) in written where !paths.isEmpty {
                let read = try paths.map { try #require(texts.objectValue)[$0] ?? nil }
                if read.contains(where: Self.isKnownRefusal) {
                    refused += 1
                } else {
                    NestedReadersTests.compare(wanted, read, name)
                }
            }
            #expect(refused < written.count / 4, "\(name)")
        }
    }

    /// Whether a file has an encoding that Spark's reader does not know.
    private static func isKnownRefusal(_ text: JSONValue?) -> Bool {
        text?.stringValue?.contains("Unsupported encoding") == true
    }

    /// Makes one file of some and describes it for Spark.
    private static func rewrite(
        _ paths: [String], _ job: Job, _ name: String, in folder: URL,
        using random: inout SeededGenerator
    ) async throws -> JSONValue {
        var inputs: [Input] = []
        for path in paths {
            let file = try await RewritingFixtureTests.opened(
                Array(try Data(contentsOf: URL(filePath: path))))
            let deleted = RewriterTests.deleted(
                Int(file.rowCount), share: job.share, using: &random)
            inputs.append(Input(file, deletedRows: RowPositions(deleted)))
        }
        var settings = ParquetWriteSettings()
        for column in job.filters { settings.bloomFilters.columns[column] = .written }
        let rewriter = try RewriterTests.Rewriter(inputs, way: job.way, settings: settings)
        let outputs = try await RewriterTests.rewrite(rewriter)
        try #require(outputs.count == 1)
        let place = folder.appending(path: "\(name)-\(job.way)-\(job.share).parquet")
        try Data(outputs[0].1).write(to: place)
        let file = try await RewritingFixtureTests.opened(outputs[0].1)
        let having = try await expectSoundFilters(file, place.lastPathComponent)
        let expected = name == "filters" ? ["id", "token"] : job.filters
        #expect(having.isSuperset(of: expected), "\(place.lastPathComponent)")
        return [
            "output": .string(place.path),
            "inputs": .array(paths.map { .string($0) }),
            "deleted": .array(inputs.map { .array($0.deletedRows.map { .integer($0) }) }),
            // What Spark finds by number it looks up in the filter as well.
            "filters": .array(expected.filter { $0 == "token" }.map { .string($0) }),
        ]
    }
}
