// SPDX-License-Identifier: Apache-2.0

/// Where ranges of objects can be read.
public protocol RangeReading: Sendable {
    /// The bytes of a range; shorter only where the object ends within it.
    func read(_ location: Location, range: Range<Int64>) async throws(StorageError) -> [UInt8]
}

/// A store of objects: the local file system, or an object store.
///
/// Adapters hold no state about tables. Every call names its object by ``Location`` and refuses a
/// scheme it does not serve.
public protocol ObjectStorage: RangeReading {
    /// The whole object.
    ///
    /// - Throws: ``StorageError/tooLarge(_:limit:)`` before reading more than `limit` bytes.
    func read(_ location: Location, limit: Int) async throws(StorageError) -> [UInt8]

    /// What the store knows of an object, or nil if there is none.
    func stat(_ location: Location) async throws(StorageError) -> ObjectInfo?

    /// Writes a whole object; readers see all of it or nothing. Durable when this returns.
    ///
    /// - Throws: ``StorageError/alreadyExists(_:)`` under ``WriteCondition/absent`` when there is
    /// one.
    @discardableResult
    func write(
        _ bytes: [UInt8], to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo

    /// Writes an object as its bytes come; otherwise like a write of a whole object.
    ///
    /// Memory holds a few chunks and what the store gathers of them, not the object. When the
    /// source fails, or the task is cancelled, nothing is written and nothing stays behind.
    ///
    /// - Throws: What the source throws if that is a ``StorageError``, else
    ///   ``StorageError/unavailable(_:reason:)``.
    @discardableResult
    func write<Chunks: AsyncSequence & Sendable>(
        chunks: Chunks, to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo where Chunks.Element == [UInt8]

    /// Whether what lies there is at hand, so that many small reads cost no more than a large one.
    func isLocal(_ location: Location) -> Bool

    /// Every object whose location begins with the prefix's text and a slash, in no set order.
    /// Directories are no objects. A prefix under which nothing lies is an empty list.
    ///
    /// Names are raw: hidden ones are listed too (P-09). Anything that cannot be read ends the
    /// stream with a ``StorageError``: half a list is never passed off as a whole one (P-13).
    func list(_ prefix: Location) -> AsyncThrowingStream<ObjectInfo, any Error>

    /// What lies directly under a prefix, in no set order: objects, and prefixes that are not empty
    /// or are directories. A prefix under which nothing lies has no children.
    func children(of prefix: Location) async throws(StorageError) -> [StorageChild]

    /// Whether writes under ``WriteCondition/absent`` are known to exclude each other there (P-52).
    func exclusiveCreation(at location: Location) async throws(StorageError) -> ExclusiveCreation

    /// Removes objects. Each has its own outcome, in the order asked; one failure stops nothing.
    func remove(_ locations: [Location]) async -> [RemovalOutcome]

    /// Copies objects to where there are none yet; the sources stay. Each has its own outcome, in
    /// the order asked; one failure stops nothing.
    ///
    /// A source that is not as it is said to be is not copied. A copy that is reported is whole and
    /// durable; it may share its bytes with the source, because objects never change in place.
    func copy(_ copies: [ObjectCopy]) async -> [CopyOutcome]
}

extension ObjectStorage {
    /// Each read is a request, unless a store says otherwise.
    public func isLocal(_ location: Location) -> Bool { false }
}

/// What a store knows of an object.
public struct ObjectInfo: Hashable, Sendable {
    /// Where it is.
    public let location: Location
    /// Its length in bytes.
    public let size: Int64
    /// When it was last written, in milliseconds since the epoch; nil where a store does not say
    /// (P-17).
    public let modifiedMilliseconds: Int64?
    /// The store's version marker, where it has one.
    public let entityTag: String?

    /// Takes every field.
    public init(
        location: Location, size: Int64, modifiedMilliseconds: Int64?, entityTag: String? = nil
    ) {
        self.location = location
        self.size = size
        self.modifiedMilliseconds = modifiedMilliseconds
        self.entityTag = entityTag
    }
}

/// Something that lies directly under a prefix.
public enum StorageChild: Hashable, Sendable {
    /// An object.
    case object(ObjectInfo)
    /// A prefix under which more may lie; without a slash at its end.
    case prefix(Location)

    /// The last part of its location.
    public var name: String {
        switch self {
        case .object(let info): info.location.lastComponent
        case .prefix(let location): location.lastComponent
        }
    }
}

/// Whether a store lets exactly one of several writers create an object.
public enum ExclusiveCreation: Hashable, Sendable {
    /// It does.
    case guaranteed
    /// It may let two writers believe that each of them did.
    case unproven(reason: String)
}

/// What must hold for a write to happen.
public enum WriteCondition: Hashable, Sendable {
    /// Nothing: an object that is there is replaced.
    case none
    /// There is no object there yet.
    case absent
}

/// What became of one removal (P-12).
public enum RemovalOutcome: Hashable, Sendable {
    /// It was there and is gone.
    case removed
    /// It was not there; some stores cannot tell this from ``removed``.
    case alreadyGone
    /// It may still be there.
    case failed(StorageError)
}

/// Why a storage call failed, by what the caller must do next.
public enum StorageError: Error, Hashable, Sendable {
    /// There is no such object.
    case notFound(Location)
    /// There is one already, and the write asked for none.
    case alreadyExists(Location)
    /// The object is larger than the caller is ready to hold.
    case tooLarge(Location, limit: Int)
    /// The store says no: retrying is in vain.
    case denied(Location, reason: String)
    /// A passing fault: the same call may be tried again.
    case unavailable(Location, reason: String)
    /// A write whose reply never came: the object may be there.
    case outcomeUnknown(Location, reason: String)
    /// No configured store serves this location.
    case unsupported(Location, reason: String)
}

extension StorageError: CustomStringConvertible {
    /// The text form, for logs and messages.
    public var description: String {
        switch self {
        case .notFound(let location): "there is no object at \(location)"
        case .alreadyExists(let location): "there is an object at \(location) already"
        case .tooLarge(let location, let limit): "\(location) is larger than \(limit) bytes"
        case .denied(let location, let reason): "access to \(location) was refused: \(reason)"
        case .unavailable(let location, let reason): "\(location) could not be reached: \(reason)"
        case .outcomeUnknown(let location, let reason):
            "whether \(location) was written is unknown: \(reason)"
        case .unsupported(let location, let reason): "\(location) cannot be used: \(reason)"
        }
    }
}
