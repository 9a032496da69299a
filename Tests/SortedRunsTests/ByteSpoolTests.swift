// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import SortedRuns

@Suite struct ByteSpoolTests {
    private func spool(_ memoryBytes: Int) throws -> ByteSpool {
        ByteSpool(
            in: try TemporaryFolder(in: FileManager.default.temporaryDirectory.path),
            memoryBytes: memoryBytes)
    }

    /// Pieces of one byte of length and as many bytes as that says.
    private static func size(_ bytes: UnsafeRawBufferPointer) -> Int? {
        bytes.first.map { Int($0) + 1 }
    }

    @Test(arguments: UInt64(0)..<20)
    func `what was written is read at several places at once`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let memoryBytes = [0, 50, 1 << 20][Int(seed % 3)]
        var spool = try spool(memoryBytes)
        var pieces: [[UInt8]] = []
        var starts: [Int64] = []
        for _ in 0..<Int.random(in: 1..<200, using: &random) {
            let length = UInt8.random(in: 0...255, using: &random)
            pieces.append([length] + (0..<length).map { $0 &+ length })
            starts.append(spool.count)
            try spool.append(pieces[pieces.count - 1])
        }
        let isLarge = spool.count > memoryBytes
        let bytes = try spool.finish()

        #expect(bytes.isInFile == isLarge)
        let middle = pieces.count / 2
        var cursors = [0, middle].map {
            SpoolCursor(bytes, at: starts[$0], bufferSize: Int.random(in: 1..<300, using: &random))
        }
        for index in 0..<pieces.count - middle {
            for (cursor, first) in [0, middle].enumerated() {
                var found: [UInt8] = [9]
                try cursors[cursor].take(into: &found, size: Self.size)
                #expect(found == [9] + pieces[first + index])
            }
        }
    }

    @Test func `bytes that end too early are an error`() throws {
        var spool = try spool(0)
        try spool.append([5, 1, 2])
        var cursor = SpoolCursor(try spool.finish(), at: 0, bufferSize: 10)
        var found: [UInt8] = []
        #expect(throws: SortedRunsError.self) { try cursor.take(into: &found, size: Self.size) }
    }
}
