// SPDX-License-Identifier: Apache-2.0

/// An object and where it is to be copied.
public struct ObjectCopy: Hashable, Sendable {
    /// The object as it was seen; a copy of something else is refused.
    public let source: ObjectInfo
    /// Where nothing may be yet.
    public let destination: Location

    /// Pairs an object with a place.
    public init(_ source: ObjectInfo, to destination: Location) {
        self.source = source
        self.destination = destination
    }
}

/// What became of one copy.
public enum CopyOutcome: Hashable, Sendable {
    /// The copy is there, whole and durable.
    case copied(ObjectInfo)
    /// It may or may not be there; the source is as it was.
    case failed(StorageError)
}

extension ObjectInfo {
    /// Why another look shows another object than this; nil if it is the same as far as is known.
    public func difference(from now: ObjectInfo) -> String? {
        if now.size != size { return "it has \(now.size) bytes and had \(size)" }
        if let before = entityTag, let after = now.entityTag, before != after {
            return "its entity tag is \(after) and was \(before)"
        }
        if let before = modifiedMilliseconds, let after = now.modifiedMilliseconds, before != after
        {
            return "it was written again since it was listed"
        }
        return nil
    }
}

/// The largest object that a store without copies of its own copies through memory.
public let largestCopyThroughMemory = 256 << 20

extension ObjectStorage {
    /// Reads and writes one object after the other.
    public func copy(_ copies: [ObjectCopy]) async -> [CopyOutcome] {
        var outcomes: [CopyOutcome] = []
        for copy in copies {
            do throws(StorageError) {
                outcomes.append(.copied(try await copyThroughMemory(copy)))
            } catch {
                outcomes.append(.failed(error))
            }
        }
        return outcomes
    }

    private func copyThroughMemory(_ copy: ObjectCopy) async throws(StorageError) -> ObjectInfo {
        let source = copy.source.location
        guard copy.source.size <= largestCopyThroughMemory else {
            throw .unsupported(
                source,
                reason: "the store copies no objects of more than \(largestCopyThroughMemory) "
                    + "bytes, and this one has \(copy.source.size)")
        }
        guard let now = try await stat(source) else { throw .notFound(source) }
        if let difference = copy.source.difference(from: now) {
            throw .unavailable(source, reason: difference)
        }
        let bytes = try await read(source, limit: largestCopyThroughMemory)
        let written = try await write(bytes, to: copy.destination, condition: .absent)
        guard let copied = try await stat(copy.destination), copied.size == copy.source.size,
            written.entityTag == nil || copied.entityTag == written.entityTag
        else {
            throw .outcomeUnknown(copy.destination, reason: "what was read back is not the copy")
        }
        return copied
    }
}
