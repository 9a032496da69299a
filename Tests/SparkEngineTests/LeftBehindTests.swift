// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage
import SparkEngine
import TestSupport
import Testing
import WireFormat

/// What a stopped statement left behind is named, as far as it can be told.
@Suite struct LeftBehindTests {
    private static let start = TestTable.now.milliseconds

    private static func object(_ name: String, at time: Int64? = start) -> ObjectInfo {
        ObjectInfo(location: Location("/t/\(name)"), size: 1, modifiedMilliseconds: time)
    }

    /// The aftermath of a rewrite that was cancelled on a table with these objects.
    private func aftermath(
        _ objects: [ObjectInfo], then error: StorageError? = nil,
        table: TestTable = TestTable(), action: MaintenanceAction = .rewriteDataFiles
    ) async throws -> EngineAftermath {
        let bench = try Bench(
            .init(statuses: [.success(.init(state: .running))]), table: table)
        bench.storage.set(objects, then: error)
        _ = try await bench.runCancelled(action)
        return try #require(bench.notebook.aftermaths.last)
    }

    @Test func `files that were written since the statement began are named`() async throws {
        let aftermath = try await aftermath([
            Self.object("data/b.parquet"), Self.object("data/a.parquet", at: Self.start + 5),
            Self.object("metadata/m.avro"),
            // The store's clock may be a minute behind.
            Self.object("data/early.parquet", at: Self.start - 60_000),
            Self.object("data/old.parquet", at: Self.start - 60_001),
            Self.object("data/timeless.parquet", at: nil),
            Self.object("metadata/v2.metadata.json"), Self.object("metadata/version-hint.text"),
            Self.object("data/.b.parquet.crc"),
        ])

        #expect(aftermath.state == .stopped)
        #expect(
            aftermath.filesLeftBehind == [
                "/t/data/a.parquet", "/t/data/b.parquet", "/t/data/early.parquet",
                "/t/metadata/m.avro",
            ])
        #expect(aftermath.filesLeftBehindCount == 4)
        #expect(aftermath.note == nil)
    }

    @Test func `of very many files some are named and all are counted`() async throws {
        let most = EngineAftermath.longestFileList
        let aftermath = try await aftermath(
            (0..<(most * 2 + 1)).map { Self.object("data/\($0).parquet") })

        #expect(aftermath.filesLeftBehind.count == most)
        #expect(aftermath.filesLeftBehindCount == most * 2 + 1)
    }

    @Test func `folders elsewhere are looked at too, and each once`() async throws {
        let bucket = Location("s3://bucket/data/x.parquet")
        let table = TestTable(properties: [
            ("write.data.path", "s3://bucket/data/"), ("write.metadata.path", "/t/metadata"),
        ])
        let aftermath = try await aftermath(
            [
                ObjectInfo(location: bucket, size: 1, modifiedMilliseconds: Self.start),
                Self.object("metadata/m.avro"),
            ], table: table)

        #expect(aftermath.filesLeftBehind == ["/t/metadata/m.avro", bucket.rawValue])
    }

    @Test(arguments: [
        StorageError.unavailable(Location("/t"), reason: "down"),
        .denied(Location("/t"), reason: "no"),
    ])
    func `half a list is none`(error: StorageError) async throws {
        let aftermath = try await aftermath([Self.object("data/a.parquet")], then: error)

        #expect(aftermath.state == .stopped)
        #expect(aftermath.filesLeftBehind.isEmpty)
        #expect(aftermath.note?.contains("orphan removal (\(error))") == true)
    }

    @Test func `where a snapshot cannot be read nothing is named`() async throws {
        let aftermath = try await aftermath(
            [Self.object("data/a.parquet")], table: TestTable(snapshots: [.init(id: 1)]))

        #expect(aftermath.filesLeftBehind.isEmpty)
        #expect(aftermath.note?.contains("/t/metadata/snap-1.avro cannot be read") == true)
    }

    @Test func `a table with too many objects is left to orphan removal`() async throws {
        let old = Self.object("data/old.parquet", at: 0)
        let bounds = [200_000, 200_001]
        for count in bounds {
            let aftermath = try await aftermath(Array(repeating: old, count: count))
            #expect((aftermath.note == nil) == (count == bounds[0]), "\(aftermath.note ?? "")")
        }
    }

    @Test func `a dry run leaves nothing, and an expiry nothing new`() async throws {
        let written = [Self.object("data/a.parquet")]
        let dry = try await aftermath(written, action: .removeOrphanFiles)
        let expiry = try await aftermath(written, action: .expireSnapshots)

        #expect(dry.filesLeftBehind.isEmpty)
        #expect(dry.note == nil)
        #expect(expiry.filesLeftBehind.isEmpty)
        #expect(expiry.note?.contains("made unreachable") == true)
    }
}
