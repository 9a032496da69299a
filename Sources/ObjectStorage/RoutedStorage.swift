// SPDX-License-Identifier: Apache-2.0

/// Several stores as one: each call goes to the store that serves its location.
public protocol RoutedStorage: ObjectStorage {
    /// The stores that there are.
    var stores: [any ObjectStorage] { get }
    /// Which of them serves a location.
    func index(for location: Location) throws(StorageError) -> Int
}

extension RoutedStorage {
    private func store(for location: Location) throws(StorageError) -> any ObjectStorage {
        stores[try index(for: location)]
    }

    /// The whole object.
    public func read(_ location: Location, limit: Int) async throws(StorageError) -> [UInt8] {
        try await store(for: location).read(location, limit: limit)
    }

    /// The bytes of a range.
    public func read(
        _ location: Location, range: Range<Int64>
    ) async throws(StorageError) -> [UInt8] {
        try await store(for: location).read(location, range: range)
    }

    /// Whether the store that serves it has it at hand.
    public func isLocal(_ location: Location) -> Bool {
        (try? store(for: location))?.isLocal(location) ?? false
    }

    /// What is known of an object, or nil.
    public func stat(_ location: Location) async throws(StorageError) -> ObjectInfo? {
        try await store(for: location).stat(location)
    }

    /// Writes a whole object.
    @discardableResult
    public func write(
        _ bytes: [UInt8], to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo {
        try await store(for: location).write(bytes, to: location, condition: condition)
    }

    /// Writes an object as its bytes come.
    @discardableResult
    public func write<Chunks: AsyncSequence & Sendable>(
        chunks: Chunks, to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo where Chunks.Element == [UInt8] {
        try await store(for: location).write(chunks: chunks, to: location, condition: condition)
    }

    /// Every object under a prefix.
    public func list(_ prefix: Location) -> AsyncThrowingStream<ObjectInfo, any Error> {
        do throws(StorageError) { return try store(for: prefix).list(prefix) } catch {
            let refusal = error
            return AsyncThrowingStream { $0.finish(throwing: refusal) }
        }
    }

    /// What lies directly under a prefix.
    public func children(of prefix: Location) async throws(StorageError) -> [StorageChild] {
        try await store(for: prefix).children(of: prefix)
    }

    /// Whether creations exclude each other there.
    public func exclusiveCreation(
        at location: Location
    ) async throws(StorageError) -> ExclusiveCreation {
        try await store(for: location).exclusiveCreation(at: location)
    }

    /// Removes objects; each has its own outcome.
    public func remove(_ locations: [Location]) async -> [RemovalOutcome] {
        await grouped(locations, at: \.self, index) { await $0.remove($1) }
    }

    /// Copies objects within a store; each has its own outcome.
    public func copy(_ copies: [ObjectCopy]) async -> [CopyOutcome] {
        await grouped(copies, at: \.destination) { (copy: ObjectCopy) throws(StorageError) in
            let store = try index(for: copy.source.location)
            guard try index(for: copy.destination) == store else {
                throw .unsupported(
                    copy.destination,
                    reason: "its source is in another store, or is reached with other credentials")
            }
            return store
        } call: {
            await $0.copy($1)
        }
    }

    /// Hands each store those of the objects that are for it; the outcomes come in the order asked.
    private func grouped<Object, Outcome: ObjectOutcome>(
        _ objects: [Object], at location: (Object) -> Location,
        _ index: (Object) throws(StorageError) -> Int,
        call: (any ObjectStorage, [Object]) async -> [Outcome]
    ) async -> [Outcome] {
        var outcomes = [Outcome?](repeating: nil, count: objects.count)
        var pending: [Int: [Int]] = [:]
        for (position, object) in objects.enumerated() {
            do throws(StorageError) {
                pending[try index(object), default: []].append(position)
            } catch {
                outcomes[position] = .failed(error)
            }
        }
        for (store, positions) in pending {
            let group = await call(stores[store], positions.map { objects[$0] })
            for (position, outcome) in zip(positions, group) { outcomes[position] = outcome }
        }
        return zip(outcomes, objects).map { $0 ?? .missing(location($1)) }
    }
}

/// What became of one object of many.
package protocol ObjectOutcome: Sendable {
    /// Nobody knows, or it is as it was.
    static func failed(_ error: StorageError) -> Self
}

extension ObjectOutcome {
    /// A store answered with fewer outcomes than there are objects.
    package static func missing(_ location: Location) -> Self {
        .failed(.unavailable(location, reason: "the store gave no outcome for it"))
    }
}

extension RemovalOutcome: ObjectOutcome {}
extension CopyOutcome: ObjectOutcome {}
