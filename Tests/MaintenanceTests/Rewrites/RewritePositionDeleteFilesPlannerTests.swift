// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import TestSupport
import Testing
import WireFormat

@testable import Maintenance

/// Which position delete files are rewritten together.
@Suite struct RewritePositionDeleteFilesPlannerTests {
    private func delete(
        _ ordinal: Int64, bytes: Int64 = 100, in partition: Int64 = 1, of path: String? = nil,
        isVector: Bool = false
    ) -> LiveFile {
        var file = RewriteFixtures.file(
            ordinal, bytes: bytes, in: RewriteFixtures.partition(partition))
        file.content = .positionDeletes
        file.referencedDataFile = path
        if isVector { file.format = .puffin }
        return file
    }

    private func plan(
        _ files: [LiveFile], version: FormatVersion = .v2, properties: TableProperties = [:],
        _ more: JSONValue = [:]
    ) throws -> RewritePositionDeleteFilesPlan {
        var object = JSONObject()
        object["target-file-size-bytes"] = 1000
        for member in more.objectValue?.members ?? [] { object[member.key] = member.value }
        let options = try ActionOptions.validating(
            .object(object), for: .rewritePositionDeleteFiles)
        let metadata = try RewriteFixtures.metadata(properties, version: version)
        return RewritePositionDeleteFilesPlanner.plan(
            files, settings: try .resolve(metadata, options: options), metadata: metadata)
    }

    @Test func `small files of a partition are a group from the fifth on`() throws {
        let files = (0..<5).map { delete($0) } + (5..<9).map { delete($0, in: 2) }
        let plan = try plan(files)
        #expect(plan.groups.map(\.files.count) == [5])
        #expect(plan.expectedFiles == 1)
        #expect(plan.tooFew.files == 4)
    }

    @Test func `files of the right size and equality deletes stay`() throws {
        var equality = delete(20)
        equality.content = .equalityDeletes
        let files = (0..<5).map { delete($0, bytes: 900) } + [equality]
        let plan = try plan(files)
        #expect(plan.isEmpty)
        #expect(plan.wellSized.files == 5)
        #expect(plan.counts.equalityDeleteFiles == 1)
    }

    @Test func `P-43: in version 3 all that are no vectors go, with all of their partition`()
        throws
    {
        let files =
            [delete(0), delete(1, bytes: 900), delete(2, bytes: 5000), delete(3, in: 2)]
            + (10..<20).map { delete($0, of: "/\($0)", isVector: true) }
        let plan = try plan(files, version: .v3, ["max-file-group-size-bytes": 1000])
        #expect(plan.groups.map(\.files.count) == [3, 1])
        #expect(plan.groups.allSatisfy { $0.reasons.contains(.noVectors) })
        #expect(plan.counts.deletionVectors == 10)
        #expect(try self.plan(Array(files[4...]), version: .v3).isEmpty)
        #expect(try self.plan(Array(files[4...]), version: .v3, ["rewrite-all": true]).isEmpty)
    }

    @Test func `P-50: files about one data file each stay where that is wanted`() throws {
        let properties: TableProperties = ["write.delete.granularity": "FILE"]
        let alone = (0..<6).map { delete($0, of: "/\($0)") }
        #expect(try plan(alone, properties: properties).gainless.files == 6)
        #expect(try plan(alone, properties: properties).isEmpty)
        #expect(try plan(alone).groups.map(\.files.count) == [6])
        // What is about the same data file is put together.
        let twice = alone + (6..<12).map { delete($0, of: "/\($0 - 6)") }
        #expect(try plan(twice, properties: properties).groups.map(\.files.count) == [12])
        // And so is what may be about any of them.
        let mixed = alone + [delete(7)]
        #expect(try plan(mixed, properties: properties).groups.map(\.files.count) == [7])
        #expect(
            try plan(alone, properties: properties, ["rewrite-all": true]).groups.count == 1)
    }

    @Test func `a granularity that nobody knows is refused`() throws {
        #expect(throws: RewriteRefusal.self) {
            try plan([], properties: ["write.delete.granularity": "row"])
        }
    }
}
