// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage
import ParquetFormat
import RowSets
import StorageTestSupport
import Testing

@testable import NativeEngine

/// Pages that were moved as they are need not be decoded, and nothing else passes for them.
@Suite struct MovedPagesTests {
    private typealias Proof = RewriteProof<LocalStorage>
    private typealias Source = DataFileSource<LocalStorage>

    private static let rowCount: Int64 = 40_000
    private static let fields: [ParquetField] = [
        .values("id", id: 1, .optional, .int64),
        .values("kind", id: 2, .optional, .byteArray, logicalType: .string),
    ]

    private let folder: ScratchFolder
    private let storage = LocalStorage()

    init() throws { folder = try ScratchFolder() }

    private func settings() -> ParquetWriteSettings {
        var settings = ParquetWriteSettings()
        settings.codec = .zstandard
        settings.encodings = ["id": .plain]
        return settings
    }

    private func batches(_ ids: [Int64]) -> [ColumnBatch] {
        let levels = [UInt8](repeating: 1, count: ids.count)
        let kinds = ids.map { Array("kind \($0 % 7)".utf8) }
        return [
            ColumnBatch(.int64(ids), definitionLevels: levels),
            ColumnBatch(.byteArray(ByteArrays(kinds)), definitionLevels: levels),
        ]
    }

    private func file(_ ids: [Int64], _ name: String) async throws -> Proof.File {
        var writer = try ParquetWriter(
            ParquetSchema(Self.fields), settings: settings(), to: ParquetMemorySink())
        try await writer.write(batches(ids))
        return try await stored(try await writer.finish().1.bytes, name)
    }

    private func stored(_ bytes: [UInt8], _ name: String) async throws -> Proof.File {
        let location = folder.appending(name)
        try await storage.write(bytes, to: location, condition: .absent)
        return try await ParquetFile(
            opening: Source(location, size: Int64(bytes.count), in: storage))
    }

    private func rewritten(_ files: [Proof.File], _ name: String) async throws -> Proof.File {
        let work = try ParquetRewriter<Source, ParquetMemorySink>(
            files.map { ParquetRewriteInput($0) }, settings: settings())
        let output = try await work.write(0, to: ParquetMemorySink())
        return try await stored(output.sink.bytes, name)
    }

    private func proof(_ files: [Proof.File], deleted: RowPositions = []) throws -> Proof {
        Proof(
            inputs: files.map {
                .init(
                    file: $0, schema: $0.schema, fieldIDs: [:], deleted: deleted, fills: [:],
                    filledNulls: [])
            }, target: try #require(files.first).schema, verification: .full, isReordered: false,
            limits: RewriteLimits(NativeEngineSettings()))
    }

    private func hasSamePages(
        _ old: [Proof.File], _ new: [Proof.File], deleted: RowPositions = []
    ) async throws -> [Bool] {
        let proof = try proof(old, deleted: deleted)
        var answers: [Bool] = []
        for leaf in proof.target.columns {
            answers.append(try await proof.hasSamePages(leaf, new))
        }
        return answers
    }

    @Test func `pages of values that were moved are known by their bytes`() async throws {
        let old = [
            try await file(Array(0..<Self.rowCount), "a"),
            try await file(Array(Self.rowCount..<2 * Self.rowCount), "b"),
        ]
        let new = try await rewritten(old, "new")

        #expect(try await hasSamePages(old, [new]) == [true, false], "kinds have a dictionary")
        try await proof(old).check([new])
    }

    @Test func `other values, another order and left out rows are looked at`() async throws {
        var ids = Array(0..<Self.rowCount)
        let old = [
            try await file(ids, "a"), try await file(Array(ids.map { $0 + Self.rowCount }), "b"),
        ]
        let swapped = try await rewritten([old[1], old[0]], "swapped")
        ids[777] += 1
        let changed = try await rewritten([try await file(ids, "c"), old[1]], "changed")

        for new in [swapped, changed] {
            #expect(try await hasSamePages(old, [new]) == [false, false])
            await #expect(throws: GroupFailure.self) { try await proof(old).check([new]) }
        }
        #expect(try await hasSamePages(old, old, deleted: [3]) == [false, false])
    }

    @Test func `values that were written anew are compared as values`() async throws {
        let ids = Array(0..<Self.rowCount)
        let old = try await file(ids, "a")
        var settings = settings()
        settings.codec = .snappy
        var writer = try ParquetWriter(
            ParquetSchema(Self.fields), settings: settings, to: ParquetMemorySink())
        try await writer.write(batches(ids))
        let new = try await stored(try await writer.finish().1.bytes, "new")

        #expect(try await hasSamePages([old], [new]) == [false, false])
        try await proof([old]).check([new])
    }
}
