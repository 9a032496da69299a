// SPDX-License-Identifier: Apache-2.0

import Foundation
import ParquetFormat
import TestSupport
import Testing
import WireFormat

/// Files of many writers, compared value by value with what PyArrow reads.
@Suite(.enabled(if: Fixtures.isAvailable, "\(Fixtures.reason)"))
struct ParquetFixtureTests {
    /// Fixtures that are refused, and why.
    ///
    /// The table in docs/parquet.md says the same in words.
    static let refused: [String: String] = [
        "parquet/data/datapage_v1-corrupt-checksum.parquet": "does not match its checksum",
        "parquet/data/rle-dict-uncompressed-corrupt-checksum.parquet":
            "does not match its checksum",
        "parquet/data/large_string_map.brotli.parquet": "over the limit",
    ]
    /// Fixtures that we read and PyArrow refuses: its maps must have required keys.
    static let ours: Set<String> = ["parquet/data/incorrect_map_schema.parquet"]

    static func paths() throws -> [String] {
        try ["parquet/data", "parquet-encodings", "iceberg-tables"].flatMap {
            try Fixtures.files(below: $0).filter { $0.hasSuffix(".parquet") }
        } + ["parquet/bad_data/ARROW-GH-43605.parquet"]
    }

    static func open(_ path: String) async throws -> ParquetFile<ParquetMemorySource> {
        try await ParquetFile(opening: ParquetMemorySource(Fixtures.bytes(path)))
    }

    /// The texts of all rows of all leaves.
    static func texts<Source>(_ file: ParquetFile<Source>) async throws -> [[String]] {
        var leaves: [[String]] = []
        for column in file.schema.columns.indices {
            let canonical = CanonicalTexts(file.schema, column: column)
            var rows: [String] = []
            for group in file.rowGroups.indices {
                rows += canonical.rows(try await file.readColumn(rowGroup: group, column: column))
            }
            leaves.append(rows)
        }
        return leaves
    }

    @Test(.enabled(if: Oracles.isAvailable, "\(Oracles.reason)"))
    func `every file reads as PyArrow reads it, or is refused for its reason`() async throws {
        let paths = try Self.paths()
        #expect(paths.count > 150)
        let places = try paths.map { try Fixtures.url($0).path }
        let oracle = try await Oracles.run("parquet_values.py", places)
        guard case .object(let object) = oracle else {
            Issue.record("the oracle printed no object")
            return
        }
        for (path, place) in zip(paths, places) {
            do {
                let found = try await Self.texts(Self.open(path))
                #expect(Self.refused[path] == nil, "\(path) should be refused")
                compare(found, object[place], path)
            } catch {
                let reason = Self.refused[path]
                #expect(reason.map { "\(error)".contains($0) } ?? false, "\(path): \(error)")
            }
        }
    }

    private func compare(_ found: [[String]], _ expected: JSONValue?, _ path: String) {
        guard case .array = expected else {
            guard !Self.ours.contains(path) else { return }
            Issue.record("\(path): PyArrow says \(String(describing: expected)), we read it")
            return
        }
        CanonicalTexts.expect(found, asRead: expected, by: "PyArrow", path)
    }

    @Test func `bad data is refused`() async throws {
        let paths = try Fixtures.files(below: "parquet/bad_data")
        // This one is sound: a dictionary of one value needs no bits (the comparison reads it).
        let sound = "ARROW-GH-43605.parquet"
        for path in paths where path.hasSuffix(".parquet") && !path.hasSuffix(sound) {
            await #expect(throws: (any Error).self, "\(path)") {
                _ = try await Self.texts(Self.open(path))
            }
        }
    }

    @Test func `indexes and bloom filters of every file read, or are refused`() async throws {
        var seen = (columnIndexes: 0, offsetIndexes: 0, bloomFilters: 0)
        for path in try Self.paths() {
            let file = try await Self.open(path)
            for group in file.rowGroups.indices {
                for column in file.schema.columns.indices {
                    let bounds = try await file.columnIndex(rowGroup: group, column: column)
                    let offsets = try await file.offsetIndex(rowGroup: group, column: column)
                    let bloom = try await file.bloomFilter(rowGroup: group, column: column)
                    if let bounds, let offsets {
                        #expect(bounds.nullPages.count == offsets.pages.count, "\(path)")
                    }
                    seen.columnIndexes += bounds == nil ? 0 : 1
                    seen.offsetIndexes += offsets == nil ? 0 : 1
                    seen.bloomFilters += bloom == nil ? 0 : 1
                }
            }
        }
        #expect(seen.columnIndexes > 20 && seen.offsetIndexes > 20 && seen.bloomFilters > 1)
    }

    @Test(arguments: UInt64(0)..<20)
    func `a damaged file is read or refused, and never more than that`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let paths = try Self.paths() + Fixtures.files(below: "parquet/bad_data")
        var limits = ParquetLimits()
        limits.pageValues = 1 << 18
        limits.batchValues = 1 << 18
        limits.batchBytes = 8 << 20
        limits.pageBytes = 4 << 20
        var refusals = 0
        for _ in 0..<60 {
            let path = paths.randomElement(using: &random) ?? ""
            let bytes = try Fixtures.bytes(path)
            guard bytes.count < 100_000 else { continue }
            do {
                let source = ParquetMemorySource(bytes.mutated(using: &random))
                let file = try await ParquetFile(opening: source, limits: limits)
                for group in file.rowGroups.indices.prefix(3) {
                    for column in file.schema.columns.indices.prefix(20) {
                        _ = try await file.readColumn(rowGroup: group, column: column)
                        _ = try await file.columnIndex(rowGroup: group, column: column)
                        _ = try await file.offsetIndex(rowGroup: group, column: column)
                        _ = try await file.bloomFilter(rowGroup: group, column: column)
                    }
                }
            } catch {
                refusals += 1
            }
        }
        #expect(refusals > 0)
    }
}
