// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import StorageTestSupport

/// A storage that says something else of its objects, fails some calls, or does something around
/// them.
struct AlteredStorage<Base: ObjectStorage>: ForwardingStorage {
    let base: Base
    var info: @Sendable (ObjectInfo) -> ObjectInfo = { $0 }
    /// Asked before a removal; an error is its outcome.
    var refusesRemoval: @Sendable (Location) -> StorageError? = { _ in nil }
    /// Objects that are left out of listings.
    var hides: @Sendable (Location) -> Bool = { _ in false }
    /// Done once a listing has come to its end.
    var afterListing: @Sendable () async throws -> Void = {}
    /// Done before copies.
    var beforeCopying: @Sendable ([ObjectCopy]) async -> Void = { _ in }

    init(base: Base, info: @escaping @Sendable (ObjectInfo) -> ObjectInfo = { $0 }) {
        self.base = base
        self.info = info
    }

    func stat(_ location: Location) async throws(StorageError) -> ObjectInfo? {
        try await base.stat(location).map(info)
    }

    func write(
        _ bytes: [UInt8], to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo {
        info(try await base.write(bytes, to: location, condition: condition))
    }

    func list(_ prefix: Location) -> AsyncThrowingStream<ObjectInfo, any Error> {
        let listing = base.list(prefix)
        let (info, hides, after) = (info, hides, afterListing)
        return AsyncThrowingStream { continuation in
            // The listing goes on while its reader works, as a store's pages do.
            Task {
                do {
                    for try await found in listing where !hides(found.location) {
                        continuation.yield(info(found))
                    }
                    try await after()
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
        }
    }

    func remove(_ locations: [Location]) async -> [RemovalOutcome] {
        var outcomes: [RemovalOutcome] = []
        for location in locations {
            if let error = refusesRemoval(location) {
                outcomes.append(.failed(error))
            } else {
                outcomes += await base.remove([location])
            }
        }
        return outcomes
    }

    func copy(_ copies: [ObjectCopy]) async -> [CopyOutcome] {
        await beforeCopying(copies)
        return await base.copy(copies)
    }
}
