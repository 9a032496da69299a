// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import SortedRuns

@Suite struct RecordSorterTests {
    private let parent = FileManager.default.temporaryDirectory.path

    @Test(arguments: UInt64(0)..<40)
    func `records come out as an array would sort them`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let count = Int.random(in: 0...900, using: &random)
        let records = (0..<count).map { _ in Self.record(using: &random) }
        var sorter = try sorter(bytes: Int.random(in: 0...160_000, using: &random))

        for record in records { try sorter.append(key: record[0], value: record[1]) }

        #expect(sorter.count == count)
        let expected = records.sorted {
            $0[0] == $1[0]
                ? $0[1].lexicographicallyPrecedes($1[1])
                : $0[0].lexicographicallyPrecedes($1[0])
        }
        #expect(try Self.all(sorter.finish()) == expected)
    }

    @Test(arguments: [-1, 0, 1])
    func `a run is written when the budget is full and not before`(difference: Int) throws {
        var sorter = try sorter(bytes: RecordSorter.smallestBudget)
        let room = RecordSorter.smallestBudget - RecordSorter.smallestBudget / 8
        let first = [UInt8](repeating: 1, count: 1000)
        let second = room - 2 * Record.headerSize - 1000 + difference

        try sorter.append(key: first, value: [])
        try sorter.append(key: [UInt8](repeating: 0, count: second), value: [])

        #expect(sorter.runCount == (difference > 0 ? 1 : 0))
        #expect(try Self.all(sorter.finish()).map { $0[0].count } == [second, 1000])
    }

    @Test func `small records fill the budget by their number`() throws {
        var sorter = try sorter(bytes: RecordSorter.smallestBudget)
        let most = RecordSorter.smallestBudget / 8 / MemoryLayout<Int>.stride

        for _ in 0..<most { try sorter.append(key: [], value: []) }
        #expect(sorter.runCount == 0)
        try sorter.append(key: [], value: [])

        #expect(sorter.runCount == 1)
        #expect(try Self.all(sorter.finish()).count == most + 1)
    }

    @Test func `a record larger than the budget is kept whole`() throws {
        var sorter = try sorter(bytes: 0)
        let large = [UInt8](repeating: 7, count: 3 * RecordSorter.smallestBudget)

        for _ in 0..<3 { try sorter.append(key: large, value: [1]) }

        #expect(try Self.all(sorter.finish()) == [[large, [1]], [large, [1]], [large, [1]]])
    }

    @Test(arguments: [
        RecordSorter.maxFanIn, RecordSorter.maxFanIn + 1, 2 * RecordSorter.maxFanIn + 3,
    ])
    func `more runs than can be merged at once are merged in steps`(runs: Int) throws {
        var sorter = try sorter(bytes: 0)
        let value = [UInt8](repeating: 9, count: RecordSorter.smallestBudget)

        for index in 0..<runs { try sorter.append(key: [UInt8(runs - index)], value: value) }

        #expect(sorter.runCount == runs - 1)
        #expect(try Self.all(sorter.finish()).map { $0[0] } == (1...runs).map { [UInt8($0)] })
    }

    @Test func `a sorter that finished begins anew`() throws {
        var sorter = try sorter(bytes: 0)
        try sorter.append(key: [2], value: [])
        _ = try sorter.finish()

        try sorter.append(key: [1], value: [])

        #expect(try Self.all(sorter.finish()) == [[[1], []]])
    }

    @Test func `nothing is left in the folder, not even while runs are open`() throws {
        let parent = FileManager.default.temporaryDirectory.appending(
            path: "runs-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: parent) }
        var folder: TemporaryFolder? = try TemporaryFolder(in: parent.path)
        let path = try #require(folder?.path)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
        var sorter: RecordSorter? = RecordSorter(in: try #require(folder), memoryBytes: 0)
        for index in 0..<5 {
            try sorter?.append(key: [UInt8(index)], value: [UInt8](repeating: 0, count: 60_000))
        }
        var records = try sorter?.finish()
        #expect(try records?.advance() == true)

        #expect(mode as? Int == 0o700)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty)
        (folder, sorter, records) = (nil, nil, nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: parent.path).isEmpty)
    }

    @Test func `a folder that cannot be made is an error that names it`() {
        let error = #expect(throws: SortedRunsError.self) {
            _ = try TemporaryFolder(in: "/nowhere/at/all")
        }
        #expect(error?.description.contains("/nowhere/at/all") == true)
    }

    private func sorter(bytes: Int) throws -> RecordSorter {
        RecordSorter(in: try TemporaryFolder(in: parent), memoryBytes: bytes)
    }

    private static func record(using random: inout SeededGenerator) -> [[UInt8]] {
        let longest = Int.random(in: 0..<50, using: &random) == 0 ? 5000 : 12
        return (0..<2).map { _ in
            (0..<Int.random(in: 0...longest, using: &random)).map { _ in
                UInt8.random(in: 0...3, using: &random) &* 85
            }
        }
    }

    private static func all(_ records: SortedRecords) throws -> [[[UInt8]]] {
        var all: [[[UInt8]]] = []
        while try records.advance() {
            all.append(records.withCurrent { [Array($0), Array($1)] })
        }
        return all
    }
}
