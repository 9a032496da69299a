// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import StorageTestSupport
import Synchronization
import Testing

/// How the task that makes an object's bytes and the store that takes them get on.
@Suite struct ObjectWriterTests {
    /// A store that looks at each chunk before it takes it, and may stop.
    private struct LookingStorage: ForwardingStorage {
        let base = LocalStorage()
        let look: @Sendable (Int, [UInt8]) throws(StorageError) -> Void

        func write<Chunks: AsyncSequence & Sendable>(
            chunks: Chunks, to location: Location, condition: WriteCondition
        ) async throws(StorageError) -> ObjectInfo where Chunks.Element == [UInt8] {
            var source = ChunkReader(chunks, of: location)
            var bytes: [UInt8] = []
            var number = 0
            while let chunk = try await source.next() {
                number += 1
                try look(number, chunk)
                bytes += chunk
            }
            return try await base.write(bytes, to: location, condition: condition)
        }
    }

    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    @Test func `whoever makes bytes is never more than two pieces ahead of the store`()
        async throws
    {
        let made = Mutex(0)
        let furthest = Mutex(0)
        let storage = LookingStorage { number, _ in
            let ahead = made.withLock { $0 } - number
            furthest.withLock { $0 = max($0, ahead) }
        }

        _ = try await storage.write(to: scratch.appending("object"), condition: .none) {
            (writer) async throws(StorageError) in
            for _ in 0..<500 {
                made.withLock { $0 += 1 }
                try await writer.write([1])
            }
        }

        #expect(furthest.withLock { $0 } <= 2)
        #expect(try await storage.read(scratch.appending("object"), limit: 500).count == 500)
    }

    @Test func `a long piece is handed over in parts`() async throws {
        let sizes = Mutex<[Int]>([])
        let storage = LookingStorage { _, chunk in sizes.withLock { $0.append(chunk.count) } }
        let bytes = [UInt8](repeating: 7, count: (9 << 20) + 1)

        let (_, info) = try await storage.write(
            to: scratch.appending("object"), condition: .absent
        ) { (writer) async throws(StorageError) in try await writer.write(bytes) }

        #expect(sizes.withLock { $0 } == [4 << 20, 4 << 20, (1 << 20) + 1])
        #expect(info.size == Int64(bytes.count))
    }

    @Test(arguments: 1...4)
    func `a store that fails tells whoever makes the bytes`(chunk: Int) async throws {
        let location = scratch.appending("object")
        let full = StorageError.unavailable(location, reason: "the disk is full")
        let storage = LookingStorage { (number, _) throws(StorageError) in
            if number == chunk { throw full }
        }

        let error = await #expect(throws: ObjectWriteError<StorageError>.self) {
            try await storage.write(to: location, condition: .none) {
                (writer) async throws(StorageError) in
                while true { try await writer.write([1]) }
            }
        }

        guard case .source(full) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try await storage.stat(location) == nil)
    }

    @Test func `a store that fails once it has all is the one that failed`() async throws {
        let location = scratch.appending("object")
        try await LocalStorage().write([1], to: location, condition: .absent)

        let error = await #expect(throws: ObjectWriteError<StorageError>.self) {
            try await LocalStorage().write(to: location, condition: .absent) {
                (writer) async throws(StorageError) in try await writer.write([2])
            }
        }

        guard case .storage(.alreadyExists(location)) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}
