// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Synchronization
import Testing

@Suite struct BoundedTasksTests {
    private enum Failure: Error, Hashable {
        case cancelled
        case item(Int)
    }

    @Test(arguments: [1, 3, 64])
    func `every item runs once, and never more at once than allowed`(width: Int) async throws {
        let running = Mutex((now: 0, most: 0))
        var finished: [Int] = []

        try await BoundedTasks.forEach(
            0..<200, width: width, cancelled: Failure.cancelled,
            finished: { (item: Int) in finished.append(item) },
            { (item) throws(Failure) in
                running.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
                await Task.yield()
                running.withLock { $0.now -= 1 }
                return item
            })

        #expect(finished.sorted() == Array(0..<200))
        #expect(running.withLock { $0.most } <= width)
    }

    @Test func `the first failure ends it and no further item begins`() async {
        let begun = Mutex(0)

        await #expect(throws: Failure.item(10)) {
            try await BoundedTasks.forEach(
                0..<1000, width: 1, cancelled: Failure.cancelled, finished: { (_: Void) in },
                { (item) throws(Failure) in
                    begun.withLock { $0 += 1 }
                    if item == 10 { throw .item(item) }
                })
        }

        #expect(begun.withLock { $0 } == 11)
    }

    @Test func `a cancelled task begins nothing`() async {
        let begun = Mutex(0)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await BoundedTasks.forEach(
                0..<10, width: 2, cancelled: Failure.cancelled, finished: { (_: Void) in },
                { (_) throws(Failure) in begun.withLock { $0 += 1 } })
        }

        await #expect(throws: Failure.cancelled) { try await task.value }
        #expect(begun.withLock { $0 } == 0)
    }
}

@Suite struct CandidateFilesTests {
    private func files() throws -> CandidateFiles {
        var files = CandidateFiles(limit: 1 << 20)
        try files.insert("/a", kind: .dataFile)
        try files.insert("/d", kind: .equalityDeleteFile)
        try files.insert("/m", kind: .manifest)
        try files.insert("/a", kind: .manifest)
        return files
    }

    private func paths(_ files: CandidateFiles, _ kind: FileKind) async -> [[String]] {
        var batches: [[String]] = []
        await files.forEachBatch(of: kind, size: 2) { batches.append($0) }
        return batches
    }

    @Test func `a file that was struck out never comes back`() async throws {
        var files = try files()
        #expect(files.count == 3)
        #expect(files.contentCount == 2)

        files.strike("/a")
        files.strike("/a")
        files.strike("/unknown")
        try files.insert("/a", kind: .dataFile)

        #expect(files.count == 2)
        #expect(files.contentCount == 1)
        #expect(!files.contains("/a"))
        #expect(files.counts == [.equalityDeleteFile: 1, .manifest: 1])
        #expect(await paths(files, .dataFile).isEmpty)
    }

    @Test func `batches are full but for the last`() async throws {
        var files = CandidateFiles(limit: 1 << 20)
        for index in 0..<5 { try files.insert("/\(index)", kind: .dataFile) }
        files.strike("/2")

        #expect(await paths(files, .dataFile) == [["/0", "/1"], ["/3", "/4"]])
        files.strikeAll()
        #expect(files.isEmpty)
    }
}
