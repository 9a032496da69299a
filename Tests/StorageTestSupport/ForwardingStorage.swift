// SPDX-License-Identifier: Apache-2.0

public import ObjectStorage

/// A storage that hands every call to another, but for those that it answers itself.
///
/// Copies, and writes of objects as their bytes come, are not handed on: they are made of its own
/// reads and writes of whole objects, unless it says otherwise.
public protocol ForwardingStorage: ObjectStorage {
    /// The other storage's type.
    associatedtype Base: ObjectStorage
    /// The other storage.
    var base: Base { get }
}

extension ForwardingStorage {
    /// The whole object.
    public func read(_ location: Location, limit: Int) async throws(StorageError) -> [UInt8] {
        try await base.read(location, limit: limit)
    }

    /// The bytes of a range.
    public func read(
        _ location: Location, range: Range<Int64>
    ) async throws(StorageError) -> [UInt8] {
        try await base.read(location, range: range)
    }

    /// Whether the other has it at hand.
    public func isLocal(_ location: Location) -> Bool { base.isLocal(location) }

    /// What is known of an object, or nil.
    public func stat(_ location: Location) async throws(StorageError) -> ObjectInfo? {
        try await base.stat(location)
    }

    /// Writes a whole object.
    @discardableResult
    public func write(
        _ bytes: [UInt8], to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo {
        try await base.write(bytes, to: location, condition: condition)
    }

    /// Gathers the object and writes it as a whole: what happens to writes happens to these too.
    @discardableResult
    public func write<Chunks: AsyncSequence & Sendable>(
        chunks: Chunks, to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo where Chunks.Element == [UInt8] {
        var source = ChunkReader(chunks, of: location)
        var bytes: [UInt8] = []
        while let chunk = try await source.next() { bytes += chunk }
        return try await write(bytes, to: location, condition: condition)
    }

    /// Every object under a prefix.
    public func list(_ prefix: Location) -> AsyncThrowingStream<ObjectInfo, any Error> {
        base.list(prefix)
    }

    /// What lies directly under a prefix.
    public func children(of prefix: Location) async throws(StorageError) -> [StorageChild] {
        try await base.children(of: prefix)
    }

    /// Whether creations exclude each other there.
    public func exclusiveCreation(
        at location: Location
    ) async throws(StorageError) -> ExclusiveCreation {
        try await base.exclusiveCreation(at: location)
    }

    /// Removes objects; each has its own outcome.
    public func remove(_ locations: [Location]) async -> [RemovalOutcome] {
        await base.remove(locations)
    }
}
