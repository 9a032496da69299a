// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import TestSupport
import Testing
import WireFormat

@testable import Maintenance

/// Planners on random tables and options.
struct RewritePropertyTests {
    private typealias F = RewriteFixtures

    /// Files and what applies to them.
    private struct Table {
        var files: [(LiveFile, AppliedDeletes)] = []

        init(_ random: inout SeededGenerator) {
            let partitions = Int64.random(in: 1...6, using: &random)
            for ordinal in 0..<Int64.random(in: 0...120, using: &random) {
                let spec = Int.random(in: 0...5, using: &random) == 0 ? 0 : 1
                let value = Int64.random(in: 0..<partitions, using: &random)
                let partition =
                    spec == 0
                    ? PartitionKey(specID: 0, tuple: .empty) : F.partition(value)
                let bytes =
                    [1, 50, 300, 600, 700, 900, 1300, 1900, 5000]
                    .randomElement(using: &random) ?? 1
                var deletes = AppliedDeletes.none
                if Int.random(in: 0...4, using: &random) == 0 {
                    deletes.hasDeletionVector = true
                    deletes.knownDeletedRecords = Int64.random(in: 0...100, using: &random)
                }
                files.append((F.file(ordinal, bytes: Int64(bytes), in: partition), deletes))
            }
        }

        /// The table after a run: every group became as many equal files as expected.
        mutating func apply(_ plan: RewriteDataFilesPlan) {
            let gone = plan.rewrittenPaths
            var next = (files.map(\.0.ordinal).max() ?? 0) + 1
            files.removeAll { gone.contains($0.0.path) }
            for group in plan.groups {
                let count = group.expectedFiles
                for index in 0..<count {
                    let share = group.bytes / count + (index < group.bytes % count ? 1 : 0)
                    files.append((F.file(next, bytes: share, in: group.partition), .none))
                    next += 1
                }
            }
        }
    }

    private func options(_ random: inout SeededGenerator, groupBytes: [Int64]) -> JSONValue {
        [
            "min-input-files": .integer(Int.random(in: 1...8, using: &random)),
            "max-file-group-size-bytes": .integer(groupBytes.randomElement(using: &random) ?? 1),
            "delete-file-threshold": .integer(Int.random(in: 1...3, using: &random)),
            "rewrite-job-order": .string(
                GroupSettings.JobOrder.allCases.randomElement(using: &random)?.rawValue
                    ?? "none"),
        ]
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `no file is planned twice and groups keep to their limits`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let table = Table(&random)
        var options = options(&random, groupBytes: [500, 1200, 5000, 1_000_000])
        if Bool.random(using: &random), var object = options.objectValue {
            object["max-file-group-input-files"] = .integer(Int.random(in: 1...9, using: &random))
            object["max-files-to-rewrite"] = .integer(Int.random(in: 1...40, using: &random))
            options = .object(object)
        }

        let plan = try F.plan(table.files, options)

        let paths = plan.groups.flatMap { $0.files.map(\.path) }
        #expect(Set(paths).count == paths.count)
        let settings = plan.settings
        for group in plan.groups {
            #expect(!group.files.isEmpty)
            #expect(
                group.bytes <= settings.groups.maxGroupBytes.value || group.files.count == 1)
            #expect(Int64(group.files.count) <= settings.groups.maxGroupFiles.value)
            #expect(group.bytes == group.files.reduce(0) { $0 + $1.sizeInBytes })
            #expect(!group.reasons.isEmpty)
            #expect(group.files.map(\.ordinal) == group.files.map(\.ordinal).sorted())
            for file in group.files where file.partition.specID == group.partition.specID {
                #expect(file.partition == group.partition)
            }
        }
        #expect(Int64(paths.count) <= settings.maxFiles?.value ?? .max)
        let seen =
            paths.count + plan.wellSized.files + plan.tooFew.files + plan.gainless.files
            + plan.beyondLimit.files
        #expect(seen == plan.fileCount)
        #expect(plan.fileCount == table.files.count)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `a plan does not depend on the order of reading`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let table = Table(&random)
        let options = options(&random, groupBytes: [500, 1200, 5000])

        let plan = try F.plan(table.files, options)
        let shuffled = try F.plan(table.files.shuffled(using: &random), options)

        #expect(plan == shuffled)
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func `after a run there is nothing left to do`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var table = Table(&random)
        // Groups of at least eleven files: fewer may leave what fills another group.
        let options = options(&random, groupBytes: [11_000, 40_000, 1_000_000])
        let bytes = table.files.reduce(0) { $0 + $1.0.sizeInBytes }

        table.apply(try F.plan(table.files, options))

        #expect(table.files.reduce(0) { $0 + $1.0.sizeInBytes } == bytes)
        let second = try F.plan(table.files, options)
        #expect(
            second.isEmpty, "\(second.groups.map { ($0.reasons, $0.files.map(\.sizeInBytes)) })")
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `runs come to an end whatever the size of groups`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var table = Table(&random)
        let options = options(&random, groupBytes: [500, 1200, 2000, 5000])

        var rounds = 0
        while rounds < 20 {
            let plan = try F.plan(table.files, options)
            if plan.isEmpty { break }
            table.apply(plan)
            rounds += 1
        }

        #expect(rounds < 20)
    }
}
