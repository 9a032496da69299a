// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec
public import ObjectStorage

/// Where tables are found and changed.
public protocol Catalog: Sendable {
    /// The catalog's name, for messages.
    var name: String { get }

    /// Every table, in order. One namespace that cannot be listed fails the whole call: half a
    /// list would look like tables that were dropped.
    func listTables() async throws(CatalogError) -> [TableIdentifier]

    /// The table's current metadata, read now.
    func loadTable(_ identifier: TableIdentifier) async throws(CatalogError) -> LoadedTable

    /// Applies updates to the table if every requirement holds of its current metadata.
    ///
    /// `base` is what the updates were planned on; an adapter that swaps a pointer swaps from it.
    /// It never retries: the caller decides what a refusal means. The guard is asked at the last
    /// moment at which the commit can still be given up; a closed one is a refusal.
    func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement], to identifier: TableIdentifier,
        base: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome
}

extension Catalog {
    /// Commits with nothing that could forbid it.
    public func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement], to identifier: TableIdentifier,
        base: LoadedTable
    ) async -> CommitOutcome {
        await commit(
            updates, requirements: requirements, to: identifier, base: base, under: .open)
    }
}

/// Whether a commit may still be made: closed once its worker's lease may be over (P-33).
///
/// A worker that was paused between its last look at the lease and the commit must not make it.
/// The answer comes without waiting, from a clock that goes on while the process does not.
public struct CommitGuard: Sendable {
    /// Whether the commit may be made now.
    public let isOpen: @Sendable () -> Bool
    /// Is told of the file that the commit writes before it is written: where nobody knows what
    /// became of the commit, or nobody is left who could, it stays behind.
    public let files: CommitFiles

    /// Asks this, and tells this.
    public init(
        files: CommitFiles = .forgotten, isOpen: @escaping @Sendable () -> Bool
    ) {
        self.isOpen = isOpen
        self.files = files
    }

    /// Never forbids anything.
    public static let open = CommitGuard { true }

    /// What a commit that it forbids is refused with.
    public static let refusal = CommitRefusal.rejected(
        reason: "the worker's lease ran out before the commit")
}

/// Who remembers the metadata files that commits write, so that none stays behind unknown.
public struct CommitFiles: Sendable {
    /// Before a metadata file of the table is written; without it the commit is refused.
    public let willWrite: @Sendable (Location, LoadedTable) async throws(CommitRefusal) -> Void
    /// The file is the table's current one, or is gone.
    public let isSettled: @Sendable (Location) async -> Void

    /// Calls these.
    public init(
        willWrite: @escaping @Sendable (Location, LoadedTable) async throws(CommitRefusal) -> Void,
        isSettled: @escaping @Sendable (Location) async -> Void
    ) {
        self.willWrite = willWrite
        self.isSettled = isSettled
    }

    /// Nobody does.
    public static let forgotten = CommitFiles(
        willWrite: { _, _ throws(CommitRefusal) in }, isSettled: { _ in })
}

/// A table's metadata and where it was read.
public struct LoadedTable: Sendable {
    /// Which table.
    public let identifier: TableIdentifier
    /// The metadata file that was current; the version is in its name.
    public let metadataLocation: Location
    /// What it said.
    public let metadata: TableMetadata
    /// What the catalog said about reaching the table's files.
    public let storageAccess: StorageAccess

    /// Takes every field.
    public init(
        identifier: TableIdentifier, metadataLocation: Location, metadata: TableMetadata,
        storageAccess: StorageAccess = .none
    ) {
        self.identifier = identifier
        self.metadataLocation = metadataLocation
        self.metadata = metadata
        self.storageAccess = storageAccess
    }
}

/// The three outcomes of a commit.
public enum CommitOutcome: Sendable {
    /// It is in the table; this is the table after it.
    case committed(LoadedTable)
    /// It is not in the table and never will be.
    case refused(CommitRefusal)
    /// It may be in the table: never clean up, read back (P-30).
    ///
    /// The location, if given, is of a metadata file that only this commit can have made current:
    /// the table's metadata log then tells for certain whether it did.
    case unknown(reason: String, metadataLocation: Location?)
}

/// Why a commit certainly did not happen.
public enum CommitRefusal: Error, Hashable, Sendable {
    /// Somebody else committed first, or a requirement does not hold: load again, plan again.
    case conflict(reason: String)
    /// A passing fault before anything could have been committed: the same commit may be retried.
    case unavailable(reason: String)
    /// Trying again is in vain.
    case rejected(reason: String)
}

/// Why a catalog call failed, by what the caller must do next.
public enum CatalogError: Error, Hashable, Sendable {
    /// There is no such table.
    case noSuchTable(TableIdentifier)
    /// The table is there but its metadata cannot be used; the others are not concerned.
    case unreadableTable(TableIdentifier, reason: String)
    /// A passing fault: the same call may be tried again.
    case unavailable(reason: String)
    /// The catalog says no, or is configured wrongly.
    case denied(reason: String)
}

extension CatalogError: CustomStringConvertible {
    /// The text form, for logs and messages.
    public var description: String {
        switch self {
        case .noSuchTable(let table): "there is no table \(table)"
        case .unreadableTable(let table, let reason): "\(table) cannot be read: \(reason)"
        case .unavailable(let reason): "the catalog could not be reached: \(reason)"
        case .denied(let reason): "the catalog refused: \(reason)"
        }
    }
}
