// SPDX-License-Identifier: Apache-2.0

/// Several stores as one: each call goes to the store that serves its location's scheme.
///
/// A scheme that nobody serves is refused, never guessed (P-04).
public struct StorageRouter: ObjectStorage {
    private let stores: [String: any ObjectStorage]
    private let plainPaths: (any ObjectStorage)?

    /// Takes a store for plain paths, if they are served, and stores by scheme in lower case.
    public init(plainPaths: (any ObjectStorage)?, schemes: [String: any ObjectStorage]) {
        self.plainPaths = plainPaths
        stores = schemes
    }

    private func store(for location: Location) throws(StorageError) -> any ObjectStorage {
        guard let scheme = location.scheme else {
            guard let plainPaths else {
                throw .unsupported(location, reason: "no store is configured for plain paths")
            }
            return plainPaths
        }
        guard let store = stores[scheme] else {
            let known = stores.keys.sorted().joined(separator: ", ")
            throw .unsupported(
                location, reason: "no store is configured for \(scheme); there are: \(known)")
        }
        return store
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
        var outcomes = [RemovalOutcome?](repeating: nil, count: locations.count)
        var pending = Dictionary(grouping: locations.indices) { locations[$0].scheme }
        while let (scheme, indices) = pending.popFirst() {
            let group = indices.map { locations[$0] }
            let store = scheme.map { stores[$0] } ?? plainPaths
            for (index, outcome) in zip(indices, await Self.remove(group, from: store)) {
                outcomes[index] = outcome
            }
        }
        return zip(outcomes, locations).map { outcome, location in
            outcome ?? .failed(.unavailable(location, reason: "the store gave no outcome for it"))
        }
    }

    /// Copies objects within a store; each has its own outcome.
    public func copy(_ copies: [ObjectCopy]) async -> [CopyOutcome] {
        var outcomes = [CopyOutcome?](repeating: nil, count: copies.count)
        var pending: [String?: [Int]] = [:]
        for (index, copy) in copies.enumerated() {
            let scheme = copy.source.location.scheme
            if scheme == copy.destination.scheme {
                pending[scheme, default: []].append(index)
            } else {
                outcomes[index] = .failed(
                    .unsupported(copy.destination, reason: "it is in another store than its source")
                )
            }
        }
        while let (_, indices) = pending.popFirst() {
            let group = indices.map { copies[$0] }
            guard let first = group.first else { continue }
            do throws(StorageError) {
                let store = try store(for: first.source.location)
                for (index, outcome) in zip(indices, await store.copy(group)) {
                    outcomes[index] = outcome
                }
            } catch {
                for index in indices { outcomes[index] = .failed(error) }
            }
        }
        return zip(outcomes, copies).map { outcome, copy in
            outcome
                ?? .failed(
                    .unavailable(copy.destination, reason: "the store gave no outcome for it"))
        }
    }

    private static func remove(
        _ locations: [Location], from store: (any ObjectStorage)?
    ) async -> [RemovalOutcome] {
        if let store { return await store.remove(locations) }
        return locations.map { location in
            .failed(.unsupported(location, reason: "no store is configured for its scheme"))
        }
    }
}
