// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import Synchronization

/// A storage that lists what a test says, and can read none of it.
final class ScriptedStorage: ObjectStorage {
    private struct State {
        var objects: [ObjectInfo] = []
        var error: StorageError?
    }

    private let state = Mutex(State())

    /// Lists these from now on, then fails if there is an error.
    func set(_ objects: [ObjectInfo], then error: StorageError? = nil) {
        state.withLock { $0 = State(objects: objects, error: error) }
    }

    func list(_ prefix: Location) -> AsyncThrowingStream<ObjectInfo, any Error> {
        let state = state.withLock { $0 }
        return AsyncThrowingStream { continuation in
            for object in state.objects where object.location.rawValue.hasPrefix(prefix.rawValue) {
                continuation.yield(object)
            }
            continuation.finish(throwing: state.error)
        }
    }

    func read(_ location: Location, limit: Int) async throws(StorageError) -> [UInt8] {
        throw .notFound(location)
    }

    func read(_ location: Location, range: Range<Int64>) async throws(StorageError) -> [UInt8] {
        throw .notFound(location)
    }

    func stat(_ location: Location) async throws(StorageError) -> ObjectInfo? { nil }

    func write(
        _ bytes: [UInt8], to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo {
        throw .denied(location, reason: "nothing is written here")
    }

    func write<Chunks: AsyncSequence & Sendable>(
        chunks: Chunks, to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo where Chunks.Element == [UInt8] {
        try await write([], to: location, condition: condition)
    }

    func children(of prefix: Location) async throws(StorageError) -> [StorageChild] { [] }

    func exclusiveCreation(
        at location: Location
    ) async throws(StorageError) -> ExclusiveCreation {
        .unproven(reason: "nothing is written here")
    }

    func remove(_ locations: [Location]) async -> [RemovalOutcome] {
        locations.map { .failed(.denied($0, reason: "nothing is removed here")) }
    }
}
