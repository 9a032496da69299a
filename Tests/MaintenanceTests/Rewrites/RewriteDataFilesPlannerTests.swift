// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Testing
import WireFormat

@testable import Maintenance

struct RewriteDataFilesPlannerTests {
    private typealias F = RewriteFixtures

    private func small(_ count: Int, bytes: Int64 = 10) -> [LiveFile] {
        (0..<count).map { F.file(Int64($0), bytes: bytes) }
    }

    @Test func `fewer small files than min-input-files are left alone`() throws {
        let four = try F.plan(small(4))
        let five = try F.plan(small(5))

        #expect(four.isEmpty)
        #expect(four.tooFew.files == 4)
        #expect(five.groups.map(\.reasons) == [[.enoughFiles]])
        #expect(five.rewrittenFiles == 5)
        #expect(five.expectedFiles == 1)
    }

    @Test func `files of the right size are left alone`() throws {
        let plan = try F.plan(
            [749, 750, 1800, 1801].enumerated().map { F.file(Int64($0), bytes: $1) })

        #expect(plan.wellSized.files == 2)
        #expect(plan.groups.flatMap { $0.files.map(\.sizeInBytes) } == [749, 1801])
    }

    @Test func `a group that fills more than a file is rewritten`() throws {
        #expect(try F.plan([F.file(0, bytes: 500), F.file(1, bytes: 500)]).isEmpty)
        let plan = try F.plan([500, 500, 10].enumerated().map { F.file(Int64($0), bytes: $1) })
        #expect(plan.groups.map(\.reasons) == [[.enoughContent]])
    }

    @Test func `one file that is too large is rewritten`() throws {
        let plan = try F.plan([F.file(0, bytes: 2500)])

        #expect(plan.groups.map(\.reasons) == [[.tooMuchContent]])
        // The remainder of 500 is below the smallest size, and 1,250 a file is too much.
        #expect(plan.expectedFiles == 3)
    }

    @Test func `a lone small file is left alone even when one is enough`() throws {
        #expect(try F.plan(small(1), ["min-input-files": 1]).isEmpty)
    }

    @Test func `partitions are planned apart`() throws {
        let files = (0..<8).map { F.file($0, bytes: 10, in: F.partition($0 % 2)) }

        #expect(try F.plan(files).isEmpty)
        #expect(try F.plan(files, ["min-input-files": 4]).groups.count == 2)
    }

    @Test func `files of other specs are one group with the partition of nulls`() throws {
        let old = PartitionKey(specID: 0, tuple: .empty)
        let files =
            (0..<3).map { F.file($0, bytes: 10, in: old) }
            + (3..<5).map { F.file($0, bytes: 10, in: F.partition(nil)) }
            + [F.file(5, bytes: 10, in: F.partition(7))]

        let plan = try F.plan(files)

        #expect(plan.groups.map { $0.files.map(\.ordinal) } == [[0, 1, 2, 3, 4]])
        #expect(plan.groups.first?.partition == F.partition(nil))
    }

    @Test(arguments: [(1, false), (2, true), (3, true)])
    func `a file with enough delete files is rewritten`(count: Int, expected: Bool) throws {
        let file = (
            F.file(0, bytes: 1000),
            AppliedDeletes(positionDeleteFiles: 1, equalityDeleteFiles: count - 1)
        )

        let plan = try F.plan([file], ["delete-file-threshold": 2])

        #expect(plan.isEmpty == !expected)
        #expect(plan.groups.map(\.reasons) == (expected ? [[.deleteFiles]] : []))
    }

    @Test(arguments: [(29, false), (30, true), (100, true)])
    func `a file with enough deleted rows is rewritten`(deleted: Int64, expected: Bool) throws {
        let file = (
            F.file(0, bytes: 1000),
            AppliedDeletes(hasDeletionVector: true, knownDeletedRecords: deleted)
        )

        let plan = try F.plan([file])

        #expect(plan.isEmpty == !expected)
        #expect(plan.removedDeletionVectors == (expected ? 1 : 0))
    }

    @Test func `an empty file has no ratio`() throws {
        let file = (
            F.file(0, bytes: 1000, records: 0), AppliedDeletes(hasDeletionVector: true)
        )

        #expect(try F.plan([file]).isEmpty)
    }

    @Test func `rewrite-all takes every file`() throws {
        let plan = try F.plan([F.file(0, bytes: 1000)], ["rewrite-all": true])

        #expect(plan.groups.map(\.reasons) == [[.rewriteAll]])
    }

    @Test func `groups keep to their largest size and number`() throws {
        let bySize = try F.plan(small(10, bytes: 100), ["max-file-group-size-bytes": 500])
        let byCount = try F.plan(small(10), ["max-file-group-input-files": 5])

        #expect(bySize.groups.map(\.bytes) == [500, 500])
        #expect(byCount.groups.map(\.files.count) == [5, 5])
    }

    @Test func `max-files-to-rewrite cuts off the rest`() throws {
        let plan = try F.plan(
            small(20), ["max-file-group-input-files": 6, "max-files-to-rewrite": 8])

        #expect(plan.groups.map(\.files.count) == [6, 2])
        #expect(plan.beyondLimit.files == 10)
        #expect(plan.tooFew.files == 2)
    }

    @Test(arguments: [
        ("none", [2, 3, 1]), ("bytes-asc", [1, 2, 3]), ("bytes-desc", [3, 2, 1]),
        ("files-asc", [3, 1, 2]), ("files-desc", [2, 1, 3]),
    ])
    func `groups come in the order that is wanted`(order: String, expected: [Int64]) throws {
        // Partition 1: 6 files of 10 bytes; 2: 7 of 20; 3: 5 of 100. The second comes first.
        var files: [LiveFile] = []
        for (partition, count, bytes) in [(2, 7, 20), (3, 5, 100), (1, 6, 10)] {
            for _ in 0..<count {
                files.append(
                    F.file(
                        Int64(files.count), bytes: Int64(bytes), in: F.partition(Int64(partition))))
            }
        }

        let plan = try F.plan(files.reversed(), ["rewrite-job-order": .string(order)])

        #expect(plan.groups.map(\.partition) == expected.map { F.partition($0) })
    }

    @Test func `a group that would become as many files is left alone`() throws {
        // 1,100 bytes become two files of 550, which are planned again for ever.
        let plan = try F.plan([F.file(0, bytes: 600), F.file(1, bytes: 510)])

        #expect(plan.isEmpty)
        #expect(plan.gainless.files == 2)
    }

    @Test func `deletes stay at work where their data stays`() throws {
        let small = (0..<5).map { F.file($0, bytes: 10, in: F.partition(1), age: 3) }
        let kept = F.file(5, bytes: 1000, in: F.partition(2), age: 4)
        let plan = try F.plan(small + [kept])
        let paths = plan.rewrittenPaths

        func delete(_ partition: PartitionKey, at age: Int64, of path: String? = nil) -> LiveFile {
            var file = F.file(9, bytes: 1, in: partition, age: age)
            file.content = .positionDeletes
            file.referencedDataFile = path
            return file
        }
        let none = delete(F.partition(1), at: 9)
        let named = delete(F.partition(1), at: 9, of: "file-0")
        let older = delete(F.partition(2), at: 3)
        let newer = delete(F.partition(2), at: 4)
        let other = delete(F.partition(2), at: 4, of: "file-5")

        let leaves = [none, named, older, newer, other].map {
            plan.leavesWork(for: $0, rewritten: paths)
        }
        #expect(leaves == [false, false, false, true, true])
    }
}

struct FileSizesTests {
    private func sizes() throws -> FileSizes {
        try FileSizes(target: EffectiveValue(1000, .byDefault))
    }

    @Test(arguments: [
        (0, 1), (999, 1), (1000, 1), (1099, 1), (1100, 2), (1750, 2), (1751, 2), (2199, 2),
        (2200, 3), (2750, 3), (10_750, 10), (10_751, 11), (10_999, 11), (11_000, 11), (11_100, 11),
    ])
    func `output files are counted as Iceberg counts them`(input: Int64, expected: Int64) throws {
        #expect(try sizes().expectedOutputFiles(input) == expected)
    }

    @Test func `what is written may pass the target by half of what a file may`() throws {
        #expect(try sizes().largestOutput == 1400)
        #expect(try sizes().inputSplitSize(500) == 1400)
    }

    @Test func `sizes that do not ascend are refused`() {
        let target = EffectiveValue<Int64>(1000, .byDefault)
        for size: Int64 in [1000, 1001] {
            #expect(throws: RewriteRefusal.self) {
                try FileSizes(target: target, minimum: EffectiveValue(size, .request))
            }
        }
        for size: Int64 in [999, 1000] {
            #expect(throws: RewriteRefusal.self) {
                try FileSizes(target: target, maximum: EffectiveValue(size, .request))
            }
        }
    }

    @Test func `the largest sizes there are do not overflow`() throws {
        let target = EffectiveValue<Int64>(.max - 1, .byDefault)
        let sizes = try FileSizes(target: target, maximum: EffectiveValue(.max, .request))

        #expect(sizes.largestOutput > 0)
        #expect(sizes.expectedOutputFiles(.max) >= 1)
        #expect(sizes.inputSplitSize(.max) > 0)
    }
}
