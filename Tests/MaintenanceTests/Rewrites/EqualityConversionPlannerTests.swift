// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import TestSupport
import Testing
import WireFormat

@testable import Maintenance

/// Which equality deletes are turned into position deletes together.
@Suite struct EqualityConversionPlannerTests {
    private static let unpartitioned = PartitionKey(specID: 0, tuple: .empty)

    private func plan(
        _ files: [LiveFile], _ data: [LiveFile], version: FormatVersion = .v2
    ) throws -> [EqualityConversion] {
        let metadata = try RewriteFixtures.metadata(version: version)
        let settings = try RewritePositionDeleteFilesSettings.resolve(
            metadata, options: try ActionOptions.validating([:], for: .rewritePositionDeleteFiles))
        let index = try DeleteFileIndex(files, specs: metadata.partitionSpecs)
        var planner = EqualityConversionPlanner(files, settings: settings, metadata: metadata)
        for file in data { planner.add(file, index.applied(to: file)) }
        return planner.conversions()
    }

    private func delete(_ ordinal: Int64, in partition: PartitionKey, age: Int64) -> LiveFile {
        var file = RewriteFixtures.file(ordinal, bytes: 10, in: partition, age: age)
        file.content = .equalityDeletes
        return file
    }

    @Test func `P-42: deletes of the whole table join the partitions that they reach`() throws {
        let partitions = (1...3).map { RewriteFixtures.partition($0) }
        let data = zip(partitions, [1, 2, 9]).enumerated().map { index, item in
            RewriteFixtures.file(Int64(index), bytes: 100, in: item.0, age: item.1)
        }
        let deletes =
            partitions.enumerated().map { delete(Int64(10 + $0), in: $1, age: 10) } + [
                delete(20, in: Self.unpartitioned, age: 5)
            ]
        let plan = try plan(deletes, data)
        #expect(plan.map { $0.group.files.map(\.ordinal) } == [[10, 11, 20], [12]])
        #expect(plan.map { $0.targets.map(\.ordinal) } == [[0, 1], [2]])
        #expect(plan.map(\.group.expectedFiles) == [2, 1])
        #expect(plan.allSatisfy { $0.group.reasons == [.equalityDeletes] })
        #expect(plan.map(\.group.partition) == [Self.unpartitioned, partitions[2]])
    }

    @Test func `deletes that reach nothing are planned without data files`() throws {
        let files = [
            delete(1, in: RewriteFixtures.partition(1), age: 3),
            delete(2, in: Self.unpartitioned, age: 3),
        ]
        let data = [RewriteFixtures.file(0, bytes: 1, age: 3)]
        let plan = try plan(files, data)
        #expect(plan.map { $0.group.files.map(\.ordinal) } == [[1], [2]])
        #expect(plan.allSatisfy { $0.targets.isEmpty })
    }

    @Test(arguments: UInt64(0)..<100)
    func `P-42: all that applies to a file of a plan is in its plan, and nothing is in two`(
        seed: UInt64
    ) throws {
        var random = SeededGenerator(seed: seed)
        let partitions = (1...4).map { RewriteFixtures.partition($0) } + [Self.unpartitioned]
        var deletes: [LiveFile] = []
        var data: [LiveFile] = []
        for ordinal in 0..<Int64.random(in: 0..<20, using: &random) {
            let partition = partitions.randomElement(using: &random) ?? partitions[0]
            let age = Int64.random(in: 1...6, using: &random)
            if Bool.random(using: &random) {
                data.append(RewriteFixtures.file(ordinal, bytes: 1, in: partition, age: age))
            } else if partition != Self.unpartitioned || seed % 3 == 0 {
                deletes.append(delete(ordinal, in: partition, age: age))
            }
        }
        let index = try DeleteFileIndex(
            deletes, specs: RewriteFixtures.metadata().partitionSpecs)

        let plan = try plan(deletes, data)
        let other = try self.plan(deletes, data.shuffled(using: &random))

        #expect(plan == other, "arrival order must not matter")
        let planned = plan.flatMap { $0.group.files.map(\.ordinal) }
        #expect(planned.sorted() == deletes.map(\.ordinal).sorted())
        let targets = plan.flatMap { $0.targets.map(\.ordinal) }
        #expect(Set(targets).count == targets.count)
        for file in data {
            let applying = Set(try index.deleteFiles(for: file).map(\.ordinal))
            let homes = plan.filter { $0.targets.contains(file) }
            #expect(homes.count == (applying.isEmpty ? 0 : 1))
            for home in homes {
                #expect(applying.isSubset(of: home.group.files.map(\.ordinal)))
            }
        }
    }
}
