// SPDX-License-Identifier: Apache-2.0

/// Takes the bytes of an object that is being written, from whoever makes them.
///
/// Good only within ``ObjectStorage/write(to:condition:filling:)``, for one task at a time.
public struct ObjectWriter: Sendable {
    /// Longer pieces are handed over in parts, so that nobody waits with much in memory.
    static let largestChunk = 4 << 20

    private let handover: Handover

    init(_ handover: Handover) { self.handover = handover }

    /// Hands over the next bytes; waits while the store is busy with those before.
    ///
    /// - Throws: Why the store takes no more, which is what the write will fail with.
    public func write(_ bytes: [UInt8]) async throws(StorageError) {
        guard bytes.count > Self.largestChunk else { return try await handover.send(bytes) }
        for start in stride(from: 0, to: bytes.count, by: Self.largestChunk) {
            let end = min(start + Self.largestChunk, bytes.count)
            try await handover.send(Array(bytes[start..<end]))
        }
    }
}

/// Why an object that was written as its bytes were made is not there.
public enum ObjectWriteError<Failure: Error>: Error {
    /// Making its bytes failed; nothing was written.
    case source(Failure)
    /// The store failed.
    case storage(StorageError)
}

extension ObjectStorage {
    /// Writes an object as its bytes are made; readers see all of it or nothing.
    ///
    /// Bytes are stored while the next are made, with at most two pieces of a few MiB between the
    /// two and what the store itself holds. When making them fails, or the task is cancelled,
    /// nothing is written and nothing stays behind.
    ///
    /// - Parameter fill: Hands over the bytes. The object is complete when it returns.
    /// - Returns: What `fill` returned, and what the store says of the object.
    public func write<Value, Failure: Error>(
        to location: Location, condition: WriteCondition,
        filling fill: (ObjectWriter) async throws(Failure) -> Value
    ) async throws(ObjectWriteError<Failure>) -> (value: Value, info: ObjectInfo) {
        let handover = Handover()
        async let storing = store(handover, at: location, condition)
        let value: Value
        do throws(Failure) {
            value = try await fill(ObjectWriter(handover))
        } catch {
            let reason = "making its bytes failed"
            handover.end(.failure(.unavailable(location, reason: reason)))
            _ = await storing
            throw .source(error)
        }
        handover.end(.success(()))
        switch await storing {
        case .success(let info): return (value, info)
        case .failure(let error): throw .storage(error)
        }
    }

    private func store(
        _ handover: Handover, at location: Location, _ condition: WriteCondition
    ) async -> Result<ObjectInfo, StorageError> {
        do throws(StorageError) {
            let info = try await write(chunks: handover, to: location, condition: condition)
            handover.close(.unavailable(location, reason: "it is complete already"))
            return .success(info)
        } catch {
            handover.close(error)
            return .failure(error)
        }
    }
}
