// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Testing
import WireFormat

struct DeleteFileIndexTests: ScanFiles {
    private static let specs = allSpecs([spec(1)])

    private func count(_ deletes: [LiveFile], for file: LiveFile) throws -> Int {
        try DeleteFileIndex(deletes, specs: Self.specs).applied(to: file).count
    }

    @Test(arguments: [(4, 0), (5, 1), (6, 1)])
    func `a position delete applies to data that is not newer`(age: Int64, expected: Int) throws {
        let file = data("a", at: 5, in: key(1))

        #expect(
            try count([delete(.positionDeletes, at: age, in: key(1))], for: file) == expected)
        #expect(
            try count([delete(.positionDeletes, at: age, in: key(1), of: "a")], for: file)
                == expected)
    }

    @Test(arguments: [(4, 0), (5, 0), (6, 1)])
    func `an equality delete applies to data that is strictly older`(
        age: Int64, expected: Int
    ) throws {
        let file = data("a", at: 5, in: key(1))

        #expect(
            try count([delete(.equalityDeletes, at: age, in: key(1))], for: file) == expected)
    }

    @Test func `equality deletes of an unpartitioned spec apply everywhere`() throws {
        let global = delete(.equalityDeletes, at: 9, in: key(nil, spec: 0))

        #expect(try count([global], for: data("a", at: 5, in: key(1))) == 1)
        #expect(try count([global], for: data("a", at: 5, in: key(nil))) == 1)
        #expect(try count([global], for: data("a", at: 5, in: key(nil, spec: 0))) == 1)
    }

    @Test func `position deletes of an unpartitioned spec apply to its own data only`() throws {
        let bare = delete(.positionDeletes, at: 9, in: key(nil, spec: 0))

        #expect(try count([bare], for: data("a", at: 5, in: key(1))) == 0)
        #expect(try count([bare], for: data("a", at: 5, in: key(nil, spec: 0))) == 1)
    }

    @Test func `deletes of another partition or spec do not apply`() throws {
        let deletes = [
            delete(.equalityDeletes, at: 9, in: key(2)),
            delete(.positionDeletes, at: 9, in: key(2), ordinal: 1),
            delete(.positionDeletes, at: 9, in: key(nil), ordinal: 2),
        ]

        #expect(try count(deletes, for: data("a", at: 5, in: key(1))) == 0)
    }

    @Test func `under a deletion vector position deletes do not count`() throws {
        let index = try DeleteFileIndex(
            [
                delete(.positionDeletes, at: 6, in: key(1), of: "a", records: 50),
                delete(.positionDeletes, at: 6, in: key(1), records: 50, ordinal: 1),
                delete(
                    .positionDeletes, at: 7, in: key(1), of: "a", format: .puffin, records: 30,
                    ordinal: 2),
                delete(.equalityDeletes, at: 7, in: key(1), ordinal: 3),
            ], specs: Self.specs)
        let file = data("a", at: 5, in: key(1))

        let applied = index.applied(to: file)

        #expect(
            applied
                == AppliedDeletes(
                    hasDeletionVector: true, equalityDeleteFiles: 1, knownDeletedRecords: 30))
        #expect(try index.deleteFiles(for: file).map(\.ordinal) == [3, 2])
    }

    @Test func `no more rows are deleted than there are`() throws {
        let deletes = [
            delete(.positionDeletes, at: 6, in: key(1), of: "a", records: .max),
            delete(.positionDeletes, at: 6, in: key(1), of: "a", records: .max, ordinal: 1),
        ]
        let index = try DeleteFileIndex(deletes, specs: Self.specs)

        #expect(
            index.applied(to: data("a", at: 5, in: key(1))).knownDeletedRecords == 100)
    }

    @Test func `rows deleted by partition-wide files are not known`() throws {
        let index = try DeleteFileIndex(
            [delete(.positionDeletes, at: 6, in: key(1), records: 50)], specs: Self.specs)

        let applied = index.applied(to: data("a", at: 5, in: key(1)))

        #expect(applied == AppliedDeletes(positionDeleteFiles: 1))
    }

    @Test(arguments: [(nil, 0), (5, 0), (6, 0), (7, 1), (8, 2), (9, 2)])
    func `what was there before a file with older rows is told apart`(
        added: Int64?, earlier: Int
    ) throws {
        let index = try DeleteFileIndex(
            [
                delete(.positionDeletes, at: 4, in: key(1)),
                delete(.positionDeletes, at: 6, in: key(1), ordinal: 1),
                delete(.positionDeletes, at: 7, in: key(1), ordinal: 2),
                delete(.positionDeletes, at: 6, in: key(1), of: "a", ordinal: 3),
            ], specs: Self.specs)
        var file = data("a", at: 5, in: key(1))
        file.fileSequenceNumber = added

        let applied = index.applied(to: file)

        #expect(applied.positionDeleteFiles == 3)
        #expect(applied.earlierPositionDeleteFiles == earlier)
        #expect(try index.deleteFiles(for: file).count == 3, "they apply all the same")
    }

    @Test func `two deletion vectors of one file are refused`() throws {
        let vector = delete(.positionDeletes, at: 6, in: key(1), of: "a", format: .puffin)

        #expect(throws: ScanError.self) {
            try DeleteFileIndex([vector, vector], specs: Self.specs)
        }
    }

    @Test func `a deletion vector that names no file is refused`() throws {
        #expect(throws: ScanError.self) {
            try DeleteFileIndex(
                [delete(.positionDeletes, at: 6, in: key(1), format: .puffin)],
                specs: Self.specs)
        }
    }

    @Test func `a deletion vector older than its file is refused`() throws {
        let index = try DeleteFileIndex(
            [delete(.positionDeletes, at: 4, in: key(1), of: "a", format: .puffin)],
            specs: Self.specs)

        #expect(index.applied(to: data("a", at: 5, in: key(1))).count == 1)
        #expect(throws: ScanError.self) {
            try index.deleteFiles(for: data("a", at: 5, in: key(1)))
        }
    }

    @Test(arguments: [FileFormat.parquet, .puffin])
    func `a delete file of another partition than the file it names is refused`(
        format: FileFormat
    ) throws {
        let index = try DeleteFileIndex(
            [delete(.positionDeletes, at: 6, in: key(2), of: "a", format: format)],
            specs: Self.specs)

        #expect(index.applied(to: data("a", at: 5, in: key(1))).count == 1)
        #expect(throws: ScanError.self) {
            try index.deleteFiles(for: data("a", at: 5, in: key(1)))
        }
    }

    @Test func `equality deletes of a spec that is not there are refused`() throws {
        #expect(throws: ScanError.self) {
            try DeleteFileIndex(
                [delete(.equalityDeletes, at: 6, in: key(1, spec: 9))], specs: Self.specs)
        }
    }

    @Test func `nothing applies past the last sequence number`() throws {
        let index = try DeleteFileIndex(
            [delete(.equalityDeletes, at: .max, in: key(1))], specs: Self.specs)
        let file = data("a", at: .max, in: key(1))

        #expect(index.applied(to: file) == .none)
        #expect(try index.deleteFiles(for: file).isEmpty)
    }
}
