// SPDX-License-Identifier: Apache-2.0

import Digests
import FoundationEssentials
public import ObjectStorage

extension S3Storage {
    /// Larger objects are written in parts, this many times the length of a part.
    static let partsOfLargeWrite = 4

    /// Writes a whole object.
    ///
    /// Under ``WriteCondition/absent`` a write is sent once. When its reply is lost, or says that
    /// an object is there, that object tells by its mark whether it is ours; where there is none
    /// the outcome stays unknown, since the write may still arrive.
    @discardableResult
    public func write(
        _ bytes: [UInt8], to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo {
        let address = try S3Address.newObject(location)
        switch condition {
        case .none:
            let largest = client.settings.allowedPartBytes * Self.partsOfLargeWrite
            guard bytes.count <= largest else {
                // Cut when their turn comes, so that the whole is not held twice.
                let chunks = BodyParts(bytes: bytes, size: client.settings.allowedPartBytes)
                return try await write(chunks: chunks, to: location, condition: .none)
            }
            return try await replace(address, bytes, location)
        case .absent:
            return try await create(address, bytes, location)
        }
    }

    func replace(
        _ address: S3Address, _ bytes: [UInt8], _ location: Location
    ) async throws(StorageError) -> ObjectInfo {
        do throws(S3Client.Failed) {
            let tag = try await client.call(.put(address, bytes)) { reply throws(CallFailure) in
                reply.header("etag")
            }
            return written(location, bytes.count, tag)
        } catch {
            throw error.writeError(location)
        }
    }

    func create(
        _ address: S3Address, _ bytes: [UInt8], _ location: Location
    ) async throws(StorageError) -> ObjectInfo {
        guard bytes.count <= S3Limits.largestPartBytes else {
            throw .tooLarge(location, limit: S3Limits.largestPartBytes)
        }
        switch client.settings.conditionalWrites {
        case .lookFirst:
            guard try await look(address, location) == nil else { throw .alreadyExists(location) }
            return try await replace(address, bytes, location)
        case .proven:
            try await demand(.put, near: address, location)
        }
        let mark = WriteMark.new()
        do throws(S3Client.Failed) {
            let request = S3Request.create(address, bytes, mark: mark)
            let tag = try await client.call(request) { reply throws(CallFailure) in
                reply.header("etag")
            }
            return written(location, bytes.count, tag)
        } catch {
            // Refused: by another's object, or by our own that a proxy on the way sent twice.
            guard error.failure.status == 412 || error.mayHaveHappened else {
                throw error.storageError(location)
            }
            let size = Int64(bytes.count)
            return try await resolve(error, address, location, mark, size) {
                Hexadecimal.text(MessageDigest.md5.hash(bytes))
            }
        }
    }

    /// Refuses where the condition would be ignored.
    func demand(
        _ call: ConditionProof.Call, near address: S3Address, _ location: Location
    ) async throws(StorageError) {
        guard try await conditions.holds(call, near: address, location) else {
            throw .unsupported(location, reason: ConditionProof.ignored)
        }
    }

    /// What became of a creation whose reply was lost, by what is there now.
    func resolve(
        _ failed: S3Client.Failed, _ address: S3Address, _ location: Location, _ mark: String,
        _ size: Int64, digest: () -> String
    ) async throws(StorageError) -> ObjectInfo {
        let found: Look?
        do throws(StorageError) { found = try await look(address, location) } catch {
            let reason = "\(failed.failure.reason); looking for it failed too: \(error)"
            throw .outcomeUnknown(location, reason: reason)
        }
        guard let found else {
            guard failed.mayHaveHappened else {
                throw .unavailable(
                    location, reason: "\(failed.failure.reason), and no object is there")
            }
            let reason = "\(failed.failure.reason); it is not there, and may still arrive"
            throw .outcomeUnknown(location, reason: reason)
        }
        if let foundMark = found.mark {
            guard foundMark == mark else { throw .alreadyExists(location) }
            return found.info
        }
        // No mark: another's, or a store that keeps none.
        let tag = found.info.entityTag?.filter { $0 != "\"" }.lowercased() ?? ""
        let isDigest = tag.utf8.count == 32 && tag.allSatisfy(\.isHexDigit)
        if found.info.size != size || (isDigest && tag != digest()) {
            throw .alreadyExists(location)
        }
        let reason = "\(failed.failure.reason); an object like it is there, without our mark"
        throw .outcomeUnknown(location, reason: reason)
    }

    func written(_ location: Location, _ size: Int, _ tag: String?) -> ObjectInfo {
        ObjectInfo(
            location: location, size: Int64(size), modifiedMilliseconds: nil, entityTag: tag)
    }
}

/// A body in parts of one size, of which the last may be shorter.
private struct BodyParts: AsyncSequence, AsyncIteratorProtocol, Sendable {
    let bytes: [UInt8]
    let size: Int
    var position = 0

    func makeAsyncIterator() -> BodyParts { self }

    mutating func next() async -> [UInt8]? {
        guard position < bytes.count else { return nil }
        let end = Swift.min(position + size, bytes.count)
        defer { position = end }
        return Array(bytes[position..<end])
    }
}

extension S3Client.Failed {
    /// For a write: unknown if any try may have had its effect.
    func writeError(_ location: Location) -> StorageError {
        mayHaveHappened
            ? .outcomeUnknown(location, reason: failure.reason) : storageError(location)
    }
}
