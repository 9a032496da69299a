// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import Synchronization

/// A storage that remembers what was removed, in order.
final class RecordingStorage<Base: ObjectStorage>: ObjectStorage {
    private let base: Base
    private let log = Mutex<[String]>([])

    init(base: Base) { self.base = base }

    var removed: [String] { log.withLock { $0 } }

    func read(_ location: Location, limit: Int) async throws(StorageError) -> [UInt8] {
        try await base.read(location, limit: limit)
    }

    func read(_ location: Location, range: Range<Int64>) async throws(StorageError) -> [UInt8] {
        try await base.read(location, range: range)
    }

    func stat(_ location: Location) async throws(StorageError) -> ObjectInfo? {
        try await base.stat(location)
    }

    func write(
        _ bytes: [UInt8], to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo {
        try await base.write(bytes, to: location, condition: condition)
    }

    func list(_ prefix: Location) -> AsyncThrowingStream<ObjectInfo, any Error> {
        base.list(prefix)
    }

    func children(of prefix: Location) async throws(StorageError) -> [StorageChild] {
        try await base.children(of: prefix)
    }

    func exclusiveCreation(
        at location: Location
    ) async throws(StorageError) -> ExclusiveCreation {
        try await base.exclusiveCreation(at: location)
    }

    func remove(_ locations: [Location]) async -> [RemovalOutcome] {
        log.withLock { $0 += locations.map(\.rawValue) }
        return await base.remove(locations)
    }
}
