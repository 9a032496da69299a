// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Testing
import WireFormat

struct DanglingDeletesTests: ScanFiles {
    private static let specs = allSpecs([spec(1), spec(2, "void"), spec(3)])

    private func isDangling(_ delete: LiveFile, beside data: [LiveFile]) throws -> Bool {
        var dangling = DanglingDeletes(
            try DeleteFileIndex([delete], specs: Self.specs), specs: Self.specs)
        for file in data { dangling.keep(file) }
        return dangling.isDangling(delete)
    }

    @Test(arguments: [(4, true), (5, false), (6, false)])
    func `P-41: position deletes dangle once all data of their partition is newer`(
        age: Int64, expected: Bool
    ) throws {
        let deletes = delete(.positionDeletes, at: age, in: key(1))

        #expect(
            try isDangling(
                deletes,
                beside: [
                    data("a", at: 5, in: key(1)), data("b", at: 7, in: key(1)),
                    data("c", at: 1, in: key(2)),
                    data("d", at: 1, in: key(1, spec: 3)),
                ]) == expected)
        #expect(try isDangling(deletes, beside: [data("c", at: 1, in: key(2))]))
    }

    @Test(arguments: [(4, true), (5, true), (6, false)])
    func `P-41: equality deletes dangle once no data of their partition is older`(
        age: Int64, expected: Bool
    ) throws {
        let deletes = delete(.equalityDeletes, at: age, in: key(1))

        #expect(
            try isDangling(
                deletes, beside: [data("a", at: 5, in: key(1)), data("c", at: 1, in: key(2))])
                == expected)
        #expect(try isDangling(deletes, beside: []))
    }

    @Test(arguments: [0, 2])
    func `P-42: equality deletes of an unpartitioned spec are about all data`(
        spec: Int
    ) throws {
        let deletes = delete(.equalityDeletes, at: 5, in: key(nil, spec: spec))

        #expect(try !isDangling(deletes, beside: [data("a", at: 4, in: key(1))]))
        #expect(try !isDangling(deletes, beside: [data("a", at: 4, in: key(9, spec: 3))]))
        #expect(try isDangling(deletes, beside: [data("a", at: 5, in: key(1))]))
        #expect(try isDangling(deletes, beside: []))
    }

    @Test(arguments: [FileFormat.parquet, .puffin])
    func `what names a data file stays for it, wherever it is and however new`(
        format: FileFormat
    ) throws {
        let deletes = delete(.positionDeletes, at: 5, in: key(1), of: "a", format: format)

        #expect(try !isDangling(deletes, beside: [data("a", at: 5, in: key(1))]))
        #expect(try !isDangling(deletes, beside: [data("a", at: 9, in: key(2))]))
        #expect(try isDangling(deletes, beside: [data("b", at: 1, in: key(1))]))
    }

    @Test func `new files count by their partition and age`() throws {
        let deletes = delete(.positionDeletes, at: 5, in: key(1))
        var dangling = DanglingDeletes(
            try DeleteFileIndex([deletes], specs: Self.specs), specs: Self.specs)
        #expect(dangling.isDangling(deletes))
        dangling.keep(dataOf: key(2), since: 1)
        dangling.keep(dataOf: key(1), since: 6)
        #expect(dangling.isDangling(deletes))
        dangling.keep(dataOf: key(1), since: 5)
        dangling.keep(dataOf: key(1), since: 6)
        #expect(!dangling.isDangling(deletes))
    }
}
