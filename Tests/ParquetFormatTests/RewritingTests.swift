// SPDX-License-Identifier: Apache-2.0

import Foundation
import ParquetFormat
import RowSets
import TestSupport
import Testing
import WireFormat

/// How files become one.
enum Rewriting: CaseIterable {
    case copy
    case stitch

    func callAsFunction<Source: ParquetByteSource>(
        _ files: [ParquetFile<Source>], _ settings: ParquetWriteSettings = .init()
    ) async throws -> (WrittenParquetFile, [UInt8]) {
        switch self {
        case .copy:
            let copier = RowGroupCopier<Source, ParquetMemorySink>(settings: settings)
            let (written, sink) = try await copier.copy(files, to: ParquetMemorySink())
            return (written, sink.bytes)
        case .stitch:
            let stitcher = PageStitcher<Source, ParquetMemorySink>(settings: settings)
            let (written, sink) = try await stitcher.stitch(files, to: ParquetMemorySink())
            return (written, sink.bytes)
        }
    }
}

/// Copying and stitching, against the plain meaning: the rows of the files, one after the other.
@Suite(.enabled(if: Fixtures.isAvailable, "\(Fixtures.reason)"))
struct RewritingFixtureTests {
    typealias File = ParquetFile<ParquetMemorySource>

    static func opened(_ bytes: [UInt8]) async throws -> File {
        try await ParquetFile(opening: ParquetMemorySource(bytes))
    }

    @Test(arguments: Rewriting.allCases)
    func `every fixture three times over reads as its rows three times`(
        rewriting: Rewriting
    ) async throws {
        var seen = 0
        for path in try ParquetFixtureTests.paths() {
            let bytes = try Fixtures.bytes(path)
            guard bytes.count < 80_000 else { continue }
            let file = try await Self.opened(bytes)
            guard let texts = try? await ParquetFixtureTests.texts(file) else { continue }
            do {
                let (written, output) = try await rewriting([file, file, file])
                let result = try await Self.opened(output)
                let found = try await ParquetFixtureTests.texts(result)
                #expect(found == texts.map { $0 + $0 + $0 }, "\(path)")
                #expect(written.rowCount == 3 * file.rowCount && written.size == output.count)
                #expect(result.schema.nodes.dropFirst() == file.schema.nodes.dropFirst())
                if rewriting == .stitch { #expect(result.rowGroups.count <= 1, "\(path)") }
                // What these say of their pages is wrong, and copied as it is.
                let isFalse = path.contains("datapage_v1-") && path.contains("-checksum")
                if rewriting == .stitch || !isFalse {
                    try await expectSoundIndexes(result, path)
                }
                seen += 1
            } catch ParquetWriteError<Never, Never>.format(.incompatible(let reason)) {
                #expect(path.contains("nation.dict-malformed"), "\(path): \(reason)")
            }
        }
        #expect(seen > 150)
    }

    @Test func `bloom filters, indexes and unknown fields move with copied row groups`()
        async throws
    {
        let path = "parquet/data/data_index_bloom_encoding_stats.parquet"
        let file = try await Self.opened(Fixtures.bytes(path))
        let (_, output) = try await Rewriting.copy([file, file])
        let result = try await Self.opened(output)

        let mine = try #require(try await file.bloomFilter(rowGroup: 0, column: 0))
        let bits = try Fixtures.bytes(path)[Int(mine.bits.lowerBound)..<Int(mine.bits.upperBound)]
        for group in 0..<2 {
            let moved = try #require(try await result.bloomFilter(rowGroup: group, column: 0))
            let range = Int(moved.bits.lowerBound)..<Int(moved.bits.upperBound)
            #expect(moved.header == mine.header && output[range].elementsEqual(bits))
            let bounds = try await result.columnIndex(rowGroup: group, column: 0)
            #expect(try await file.columnIndex(rowGroup: 0, column: 0) == bounds)
        }
        #expect(result.rowGroups.map(\.ordinal) == [0, 1])
    }

    @Test(arguments: Rewriting.allCases)
    func `files of other schemas are refused before a byte is written`(
        rewriting: Rewriting
    ) async throws {
        let one = try await Self.opened(Fixtures.bytes("parquet/data/int32_decimal.parquet"))
        let two = try await Self.opened(Fixtures.bytes("parquet/data/int64_decimal.parquet"))

        let error = await #expect(throws: ParquetWriteError<Never, Never>.self) {
            _ = try await rewriting([one, two])
        }
        guard case .format(.incompatible(let reason)) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("value"))
    }

    @Test func `a corrupt page is not stitched`() async throws {
        let path = "parquet/data/datapage_v1-corrupt-checksum.parquet"
        let file = try await Self.opened(Fixtures.bytes(path))

        let error = await #expect(throws: ParquetWriteError<Never, Never>.self) {
            _ = try await Rewriting.stitch([file, file])
        }
        guard case .format(.checksumMismatch) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: UInt64(0)..<10)
    func `damaged files are rewritten or refused, and never more than that`(
        seed: UInt64
    ) async throws {
        var random = SeededGenerator(seed: seed)
        let paths = try ParquetFixtureTests.paths()
        var limits = ParquetLimits()
        limits.pageBytes = 4 << 20
        limits.pageValues = 1 << 18
        for _ in 0..<40 {
            let bytes = try Fixtures.bytes(paths.randomElement(using: &random) ?? "")
            guard bytes.count < 60_000 else { continue }
            do {
                let source = ParquetMemorySource(bytes.mutated(using: &random))
                let file = try await ParquetFile(opening: source, limits: limits)
                for rewriting in Rewriting.allCases {
                    do { _ = try await rewriting([file, file]) } catch { _ = "\(error)" }
                }
            } catch { #expect(!"\(error)".isEmpty) }
        }
    }
}

/// Files that PyArrow and DuckDB wrote, rewritten and read by both again.
@Suite(.enabled(if: Oracles.isAvailable, "\(Oracles.reason)"))
struct RewritingOracleTests {
    typealias File = ParquetFile<ParquetMemorySource>

    /// A file that was written, for the program that compares it.
    private struct Job {
        let output: String
        let inputs: [String]
        let deleted: [[Int64]]

        var json: JSONValue {
            [
                "output": .string(output), "inputs": .array(inputs.map { .string($0) }),
                "deleted": .array(deleted.map { .array($0.map { .integer($0) }) }),
            ]
        }
    }

    /// Ways of rewriting, with the share of rows that is left out.
    private static let ways: [(way: ParquetRewriteWay, share: Double)] = [
        (.copy, 0), (.stitch, 0), (.encode, 0), (.stitch, 0.01), (.stitch, 0.4), (.encode, 0.1),
    ]

    private static func settings(_ random: inout SeededGenerator) -> ParquetWriteSettings {
        var settings = ParquetWriteSettings()
        // Small limits make for several row groups, pages and dictionaries that do not fit.
        settings.rowGroupRowLimit = [2000, 1 << 20].randomElement(using: &random) ?? 0
        settings.pageRowLimit = [100, 20_000].randomElement(using: &random) ?? 0
        settings.dictionarySizeBytes = [300, 20_000, 2 << 20].randomElement(using: &random) ?? 0
        settings.codec = [nil, .zstandard, .snappy, .gzip].randomElement(using: &random) ?? nil
        settings.loadedBytes = [0, 96 << 20].randomElement(using: &random) ?? 0
        return settings
    }

    @Test(arguments: Share.of(UInt64(0)..<4, 2))
    func `PyArrow and DuckDB read the same rows, and bounds hold`(seed: UInt64) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "icepack-parquet-\(seed)-\(UInt32.random(in: 0...(.max)))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let made = try await Oracles.run("make_parquet.py", [folder.path, "\(seed)"])
        var random = SeededGenerator(seed: seed)
        var jobs: [Job] = []
        for (kind, list) in (made.arrayValue ?? []).enumerated() {
            let paths = (list.arrayValue ?? []).compactMap(\.stringValue)
            var files: [File] = []
            for path in paths {
                let bytes = Array(try Data(contentsOf: URL(filePath: path)))
                files.append(try await RewritingFixtureTests.opened(bytes))
            }
            for (number, way) in Self.ways.enumerated() {
                let place = folder.appending(path: "output-\(kind)-\(number).parquet")
                let deleted = files.map {
                    RewriterTests.deleted(Int($0.rowCount), share: way.share, using: &random)
                }
                let inputs = zip(files, deleted).map {
                    ParquetRewriteInput($0, deletedRows: RowPositions($1))
                }
                let rewriter = try RewriterTests.Rewriter(
                    inputs, way: way.way, settings: Self.settings(&random))
                guard let (written, output) = try await RewriterTests.rewrite(rewriter).first
                else { continue }
                try Data(output).write(to: place)
                jobs.append(Job(output: place.path, inputs: paths, deleted: deleted))
                let file = try await RewritingFixtureTests.opened(output)
                try await expectSoundIndexes(file, "seed \(seed)")
                try await expectSoundStatistics(file, "seed \(seed), \(way)")
                #expect(written.rowCount == inputs.reduce(0) { $0 + $1.keptRowCount })
            }
        }
        let list = folder.appending(path: "jobs.json")
        try Data(JSONValue.array(jobs.map(\.json)).bytes()).write(to: list)
        let wrong = try await Oracles.run("compare_parquet.py", [list.path])
        #expect(wrong == .array([]), "seed \(seed)")
    }
}
