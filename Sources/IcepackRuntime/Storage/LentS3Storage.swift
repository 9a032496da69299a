// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import S3Storage

/// The S3 storage of one table whose catalog lends credentials for it, by prefix.
///
/// A location for which it lends none is refused: our own credentials may reach other tables'
/// files, and a table's metadata, which its users write, decides what is asked for (P-19).
struct LentS3Storage: ObjectStorage {
    /// A store for whatever is spelled with a prefix, as ``spelling(of:)`` has it.
    struct Share: Sendable {
        let prefix: String
        let store: S3Storage
    }

    private let shares: [Share]

    /// Takes the shares; of those that fit a location the one with the longest prefix serves it.
    init(_ shares: [Share]) {
        self.shares = shares.sorted { $0.prefix.utf8.count > $1.prefix.utf8.count }
    }

    /// A location with its scheme as `s3`, which `s3a` and `s3n` are as well (P-04).
    static func spelling(of location: String) -> String {
        let scheme = location.prefix { $0 != ":" }
        guard S3Storage.schemes.contains(scheme.lowercased()) else { return location }
        return "s3" + location.dropFirst(scheme.count)
    }

    private func index(of location: Location) throws(StorageError) -> Int {
        let text = Self.spelling(of: location.rawValue)
        let found = shares.firstIndex { share in
            text.utf8.starts(with: share.prefix.utf8)
                // A listing of the very folder that was lent.
                || share.prefix.utf8.elementsEqual((text + "/").utf8)
        }
        guard let found else {
            throw .unsupported(location, reason: "the catalog lends no credentials for it")
        }
        return found
    }

    private func store(for location: Location) throws(StorageError) -> S3Storage {
        shares[try index(of: location)].store
    }

    func read(_ location: Location, limit: Int) async throws(StorageError) -> [UInt8] {
        try await store(for: location).read(location, limit: limit)
    }

    func read(_ location: Location, range: Range<Int64>) async throws(StorageError) -> [UInt8] {
        try await store(for: location).read(location, range: range)
    }

    func stat(_ location: Location) async throws(StorageError) -> ObjectInfo? {
        try await store(for: location).stat(location)
    }

    @discardableResult
    func write(
        _ bytes: [UInt8], to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo {
        try await store(for: location).write(bytes, to: location, condition: condition)
    }

    func list(_ prefix: Location) -> AsyncThrowingStream<ObjectInfo, any Error> {
        do throws(StorageError) { return try store(for: prefix).list(prefix) } catch {
            let refusal = error
            return AsyncThrowingStream { $0.finish(throwing: refusal) }
        }
    }

    func children(of prefix: Location) async throws(StorageError) -> [StorageChild] {
        try await store(for: prefix).children(of: prefix)
    }

    func exclusiveCreation(
        at location: Location
    ) async throws(StorageError) -> ExclusiveCreation {
        try await store(for: location).exclusiveCreation(at: location)
    }

    func remove(_ locations: [Location]) async -> [RemovalOutcome] {
        var outcomes = [RemovalOutcome?](repeating: nil, count: locations.count)
        var pending: [Int: [Int]] = [:]
        for (position, location) in locations.enumerated() {
            do throws(StorageError) {
                pending[try index(of: location), default: []].append(position)
            } catch {
                outcomes[position] = .failed(error)
            }
        }
        for (share, positions) in pending {
            let group = await shares[share].store.remove(positions.map { locations[$0] })
            for (position, outcome) in zip(positions, group) { outcomes[position] = outcome }
        }
        return zip(outcomes, locations).map { outcome, location in
            outcome ?? .failed(.unavailable(location, reason: "the store gave no outcome for it"))
        }
    }

    /// Within one share: the store can read there and write there with the same credentials.
    func copy(_ copies: [ObjectCopy]) async -> [CopyOutcome] {
        var outcomes = [CopyOutcome?](repeating: nil, count: copies.count)
        var pending: [Int: [Int]] = [:]
        for (position, copy) in copies.enumerated() {
            do throws(StorageError) {
                let share = try index(of: copy.source.location)
                guard try index(of: copy.destination) == share else {
                    throw .unsupported(
                        copy.destination, reason: "other credentials are lent for its source")
                }
                pending[share, default: []].append(position)
            } catch {
                outcomes[position] = .failed(error)
            }
        }
        for (share, positions) in pending {
            let group = await shares[share].store.copy(positions.map { copies[$0] })
            for (position, outcome) in zip(positions, group) { outcomes[position] = outcome }
        }
        return zip(outcomes, copies).map { outcome, copy in
            outcome
                ?? .failed(
                    .unavailable(copy.destination, reason: "the store gave no outcome for it"))
        }
    }
}
