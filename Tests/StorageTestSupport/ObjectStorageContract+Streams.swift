// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import Testing

private struct Broken: Error {}

extension ObjectStorageContract {
    /// So much is more than one part of any store, and no multiple of anything.
    private static var manyBytes: Int { (11 << 20) + 77 }
    /// When so much was handed over, more than one part of any store was taken.
    private static var moreBytes: Int { (21 << 20) + 77 }

    /// Bytes that differ wherever one of them may get lost.
    private static func bytes(_ count: Int) -> [UInt8] {
        let pattern = (0..<65_521).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 11) }
        var bytes: [UInt8] = []
        while bytes.count < count { bytes += pattern.prefix(count - bytes.count) }
        return bytes
    }

    /// An object that comes in pieces of any size is the same as one that comes at once.
    public func streamsAreWhole() async throws {
        let pieces: [[UInt8]] = [
            [], [1], [], Self.bytes(70_000), Self.bytes(Self.manyBytes), [2, 3], [],
        ]
        let shapes = [[], [[]], Array(pieces.prefix(4)), pieces, [Self.bytes(Self.manyBytes)]]
        for (index, shape) in shapes.enumerated() {
            let location = root.appending("streamed/folder/\(index)")
            let whole = Array(shape.joined())

            let (value, written) = try await storage.write(to: location, condition: .none) {
                (writer) async throws(StorageError) in
                for piece in shape { try await writer.write(piece) }
                return shape.count
            }

            #expect(value == shape.count)
            #expect(written.size == Int64(whole.count) && written.location == location)
            #expect(try await storage.stat(location)?.size == Int64(whole.count))
            #expect(try await storage.read(location, limit: whole.count) == whole)
        }
        #expect(try await all(under: root.appending("streamed")).count == shapes.count)
    }

    /// Creation refuses what is there, also when the object came in pieces; replacement replaces.
    public func streamConditions() async throws {
        let location = root.appending("object")
        func write(_ byte: UInt8, _ condition: WriteCondition) async throws {
            _ = try await storage.write(to: location, condition: condition) {
                (writer) async throws(StorageError) in
                for _ in 0..<3 { try await writer.write([byte]) }
            }
        }

        try await write(1, .absent)
        await #expect {
            try await write(2, .absent)
        } throws: { error in
            guard case .storage(.alreadyExists(location)) = error as? ObjectWriteError<StorageError>
            else { return false }
            return true
        }
        #expect(try await storage.read(location, limit: 10) == [1, 1, 1])

        try await write(3, .none)
        #expect(try await storage.read(location, limit: 10) == [3, 3, 3])
        #expect(try await all(under: root).map(\.location) == [location])
    }

    /// When an object's bytes stop coming, nothing is written, nothing stays behind and what was
    /// there is as it was.
    public func brokenStreamsLeaveNothing() async throws {
        let (there, new) = (root.appending("folder/there"), root.appending("folder/new"))
        try await storage.write([9], to: there, condition: .none)

        for count in [0, 1, Self.moreBytes] {
            for location in [there, new] {
                await #expect {
                    try await storage.write(to: location, condition: .none) {
                        (writer) async throws(any Error) in
                        try await writer.write(Self.bytes(count))
                        throw Broken()
                    }
                } throws: { error in
                    guard case .source(let cause) = error as? ObjectWriteError<any Error> else {
                        return false
                    }
                    return cause is Broken
                }
            }
        }

        #expect(try await all(under: root).map(\.location) == [there])
        #expect(try await storage.read(there, limit: 10) == [9])
    }

    /// A cancelled write leaves nothing behind, however much of it there was.
    public func cancelledStreamsLeaveNothing() async throws {
        for count in [0, 1, Self.moreBytes] {
            let location = root.appending("folder/\(count)")
            let task = Task {
                try await storage.write(to: location, condition: .none) {
                    (writer) async throws(StorageError) in
                    try await writer.write(Self.bytes(count))
                    withUnsafeCurrentTask { $0?.cancel() }
                    // Sooner or later the store has to say that it takes no more.
                    while true { try await writer.write([1]) }
                }
            }

            await #expect(throws: ObjectWriteError<StorageError>.self) { try await task.value }
        }
        #expect(try await all(under: root) == [])
    }
}
