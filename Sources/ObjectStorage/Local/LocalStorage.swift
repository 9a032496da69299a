// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Files of this machine, or of whatever is mounted on it.
///
/// Serves plain paths and `file:` locations, spelled as ``LocalPath`` says; what it lists is
/// spelled like the prefix it was asked for. Writes make the folders they need; removals leave
/// folders standing. A location that is a symbolic link is read through, but removed as itself.
public struct LocalStorage: ObjectStorage {
    /// The end of the names of files that are being written; a leftover of a crash has it too.
    public static let partialSuffix = AtomicWrite.partialSuffix

    private let base: LocalPath?
    private let pool = BlockingPool.shared

    /// Serves absolute locations only.
    public init() { base = nil }

    /// Serves absolute locations, and relative ones under a base folder.
    ///
    /// - Throws: ``StorageError/unsupported(_:reason:)`` if the base is not an absolute path.
    public init(relativeTo base: Location) throws(StorageError) {
        self.base = try LocalPath(base, base: nil)
    }

    /// The whole object.
    public func read(_ location: Location, limit: Int) async throws(StorageError) -> [UInt8] {
        let file = try file(location)
        return try await blocking { () throws(StorageError) in try file.read(limit: limit) }
    }

    /// The bytes of a range.
    public func read(
        _ location: Location, range: Range<Int64>
    ) async throws(StorageError) -> [UInt8] {
        let file = try file(location)
        return try await blocking { () throws(StorageError) in try file.read(range: range) }
    }

    /// Always so.
    public func isLocal(_ location: Location) -> Bool { true }

    /// What is known of an object, or nil.
    public func stat(_ location: Location) async throws(StorageError) -> ObjectInfo? {
        let file = try file(location)
        return try await blocking { () throws(StorageError) in try file.status() }
    }

    /// Writes a whole object.
    @discardableResult
    public func write(
        _ bytes: [UInt8], to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo {
        let write = AtomicWrite(location: location, path: try LocalPath(location, base: base))
        return try await blocking { () throws(StorageError) in
            try write.run(bytes, condition: condition)
        }
    }

    /// Writes an object as its bytes come, into a file beside its place.
    @discardableResult
    public func write<Chunks: AsyncSequence & Sendable>(
        chunks: Chunks, to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo where Chunks.Element == [UInt8] {
        let write = AtomicWrite(location: location, path: try LocalPath(location, base: base))
        let file = try await blocking { () throws(StorageError) in try write.begin() }
        do throws(StorageError) {
            var source = ChunkReader(chunks, of: location)
            while let chunk = try await source.next() {
                try await blocking { () throws(StorageError) in try file.append(chunk) }
            }
        } catch {
            await pool.run { file.discard() }
            throw error
        }
        return try await blocking { () throws(StorageError) in
            try file.publish(under: condition)
        }
    }

    /// Every object under a prefix.
    public func list(_ prefix: Location) -> AsyncThrowingStream<ObjectInfo, any Error> {
        let walk: WalkCursor
        do throws(StorageError) {
            walk = WalkCursor(root: try LocalPath(prefix, base: base), prefix: prefix)
        } catch {
            let refusal = error
            return AsyncThrowingStream { $0.finish(throwing: refusal) }
        }
        return AsyncThrowingStream { () async throws in
            if let info = walk.takeBuffered() { return info }
            return try await blocking { () throws(StorageError) in try walk.refill() }
        }
    }

    /// What lies directly under a prefix.
    public func children(of prefix: Location) async throws(StorageError) -> [StorageChild] {
        let root = try LocalPath(prefix, base: base)
        return try await blocking { () throws(StorageError) in
            try DirectoryWalk(root: root, prefix: prefix).children()
        }
    }

    /// Whether creations exclude each other there.
    public func exclusiveCreation(
        at location: Location
    ) async throws(StorageError) -> ExclusiveCreation {
        _ = try LocalPath(location, base: base)
        return .guaranteed
    }

    /// Removes objects; each has its own outcome.
    public func remove(_ locations: [Location]) async -> [RemovalOutcome] {
        let starts = Array(stride(from: 0, to: locations.count, by: Self.removalBatchSize))
        return await withTaskGroup(of: (Int, [RemovalOutcome]).self) { group in
            for start in starts {
                let end = min(start + Self.removalBatchSize, locations.count)
                group.addTask {
                    (start, await pool.run { locations[start..<end].map(removeNow) })
                }
            }
            let batches = await group.reduce(into: [Int: [RemovalOutcome]]()) { $0[$1.0] = $1.1 }
            return starts.flatMap { batches[$0] ?? [] }
        }
    }

    /// Copies objects; each has its own outcome.
    public func copy(_ copies: [ObjectCopy]) async -> [CopyOutcome] {
        let base = base
        return await pool.run {
            var outcomes = [CopyOutcome?](repeating: nil, count: copies.count)
            var items: [(index: Int, item: LocalCopy.Item)] = []
            for (index, copy) in copies.enumerated() {
                do throws(StorageError) {
                    let item = LocalCopy.Item(
                        copy: copy, source: try LocalPath(copy.source.location, base: base),
                        destination: try LocalPath(copy.destination, base: base))
                    items.append((index, item))
                } catch {
                    outcomes[index] = .failed(error)
                }
            }
            for (entry, outcome) in zip(items, LocalCopy.run(items.map(\.item))) {
                outcomes[entry.index] = outcome
            }
            return zip(outcomes, copies).map { outcome, copy in
                outcome
                    ?? .failed(
                        .unavailable(copy.destination, reason: "the copy has no outcome"))
            }
        }
    }

    /// How many removals go to one thread at a time.
    private static let removalBatchSize = 32

    private func removeNow(_ location: Location) -> RemovalOutcome {
        do throws(StorageError) { return try file(location).remove() } catch {
            return .failed(error)
        }
    }

    private func file(_ location: Location) throws(StorageError) -> LocalFile {
        LocalFile(location: location, path: try LocalPath(location, base: base))
    }

    private func blocking<Value: Sendable>(
        _ work: @escaping @Sendable () throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        try await pool.run { () -> Result<Value, StorageError> in
            do throws(StorageError) { return .success(try work()) } catch { return .failure(error) }
        }.get()
    }
}

/// A walk and the objects it found that nobody took yet.
private final class WalkCursor: Sendable {
    private struct State: ~Copyable {
        let walk: DirectoryWalk
        var buffered: [ObjectInfo] = []
    }

    private let state: Mutex<State>

    init(root: LocalPath, prefix: Location) {
        state = Mutex(State(walk: DirectoryWalk(root: root, prefix: prefix)))
    }

    func takeBuffered() -> ObjectInfo? {
        state.withLock { $0.buffered.popLast() }
    }

    /// Reads the next batch and takes one of it; nil at the end.
    func refill() throws(StorageError) -> ObjectInfo? {
        try state.withLock { (state) throws(StorageError) in
            state.buffered = try state.walk.nextBatch() ?? []
            return state.buffered.popLast()
        }
    }
}
