// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergTable
import Maintenance
import ObjectStorage
import Synchronization

/// The files that a run writes before it commits: each is in the journal before it is in storage
/// (P-32).
///
/// A file is removed again only when it certainly is in no table: after a commit that is known to
/// have failed, or before there was one. Whatever a crash leaves is in the journal, where the next
/// run on the table finds it.
struct OutputFiles<Storage: ObjectStorage>: Sendable {
    let storage: Storage
    let context: RunContext
    /// What the journal knows the table by.
    let tableUUID: String

    /// The files that were written, or that may have been, and not removed again.
    private(set) var files: [JournalledFile] = []
    /// Those of which nobody knows whether they will still arrive: they stay in the journal when
    /// they are removed, and the next run on the table looks once more.
    private var uncertain: Set<String> = []

    init(storage: Storage, context: RunContext, tableUUID: String) {
        self.storage = storage
        self.context = context
        self.tableUUID = tableUUID
    }

    /// Answers for the files of a group as well, which were written beside these.
    mutating func add(_ other: OutputFiles) {
        files += other.files
        uncertain.formUnion(other.uncertain)
    }

    /// Checks that the table is still the one that the files are for.
    func check(_ table: LoadedTable) throws(MaintenanceError) {
        guard table.journalKey == tableUUID else {
            throw .unreadable(
                reason: "\(table.identifier) is another table now; nothing was changed")
        }
    }

    /// Writes a file that nobody else can have named.
    ///
    /// Returns its length as the store says (P-62).
    mutating func write(
        _ bytes: [UInt8], to location: Location, kind: FileKind
    ) async throws(MaintenanceError) -> Int64 {
        try await begin(location, kind)
        do throws(StorageError) {
            return try await storage.write(bytes, to: location, condition: .none).size
        } catch {
            note(error, at: location)
            throw MaintenanceError(writing: error)
        }
    }

    /// Writes files that nobody else can have named, several at once.
    ///
    /// Returns their lengths as the store says (P-62).
    mutating func write(
        _ pieces: [(location: Location, bytes: [UInt8])], kind: FileKind, width: Int
    ) async throws(MaintenanceError) -> [Int64] {
        try await begin(pieces.map(\.location), kind)
        // Kept aside, because a cancel ends the loop before it has taken what others brought.
        let outcomes = Mutex([Result<Int64, StorageError>?](repeating: nil, count: pieces.count))
        let storage = storage
        var stopped: MaintenanceError?
        do throws(MaintenanceError) {
            try await BoundedTasks.forEach(
                pieces.enumerated(), width: width, cancelled: MaintenanceError.cancelled,
                finished: { (_: Void) in },
                { (item) async throws(MaintenanceError) in
                    let outcome: Result<Int64, StorageError>
                    do throws(StorageError) {
                        let info = try await storage.write(
                            item.element.bytes, to: item.element.location, condition: .none)
                        outcome = .success(info.size)
                    } catch {
                        outcome = .failure(error)
                    }
                    outcomes.withLock { $0[item.offset] = outcome }
                })
        } catch {
            stopped = error
        }
        var lengths: [Int64] = []
        for (piece, outcome) in zip(pieces, outcomes.withLock { $0 }) {
            switch outcome {
            case .success(let length): lengths.append(length)
            case .failure(let error):
                note(error, at: piece.location)
                stopped = stopped ?? MaintenanceError(streaming: error)
            case nil: continue  // It was not begun, because of a cancel.
            }
        }
        if let stopped { throw stopped }
        return lengths
    }

    private mutating func note(_ error: StorageError, at location: Location) {
        if case .outcomeUnknown = error { uncertain.insert(location.rawValue) }
    }

    /// Writes a file that nobody else can have named, as it is made.
    ///
    /// - Parameters:
    ///   - size: How many bytes were handed over, which is what the store must say (P-62).
    ///   - fill: Hands over the file's bytes.
    mutating func write<Made>(
        to location: Location, kind: FileKind, size: (Made) -> Int64,
        filling fill: (DataFileSink) async throws(GroupFailure) -> Made
    ) async throws(GroupFailure) -> Made {
        let context = context
        do throws(MaintenanceError) { try await begin(location, kind) } catch {
            throw .stopped(error)
        }
        do throws(ObjectWriteError<GroupFailure>) {
            let (made, info) = try await storage.write(to: location, condition: .none) {
                (writer) async throws(GroupFailure) -> Made in
                let made = try await fill(DataFileSink(writer))
                // Making it may take long. Once the lease is lost, the next job may have looked for
                // the file already, and found nothing to remove.
                do throws(MaintenanceError) {
                    try await context.confirmLease(NativeEngineSettings.batchReserve)
                } catch { throw .stopped(error) }
                return made
            }
            guard info.size == size(made) else {
                throw .source(
                    .verificationFailed(
                        "\(location) has \(info.size) bytes in storage, and \(size(made)) were "
                            + "written"))
            }
            return made
        } catch {
            switch error {
            case .source(let failure): throw failure
            case .storage(let error):
                note(error, at: location)
                throw .stopped(MaintenanceError(streaming: error))
            }
        }
    }

    /// Names a file in the journal before there is anything of it.
    private mutating func begin(
        _ location: Location, _ kind: FileKind
    ) async throws(MaintenanceError) {
        try await begin([location], kind)
    }

    private mutating func begin(
        _ locations: [Location], _ kind: FileKind
    ) async throws(MaintenanceError) {
        try MaintenanceError.checkCancellation()
        try await context.confirmLease(NativeEngineSettings.batchReserve)
        let named = locations.map { JournalledFile(path: $0.rawValue, kind: kind) }
        try await context.journal.plan(named, tableUUID: tableUUID)
        files += named
    }

    /// Removes files that no commit used and none can use any more.
    ///
    /// What cannot be removed stays in the journal. It needs no lease, which a cancelled job has
    /// lost: nobody else gives files these names, and no commit has them. Only the journal's
    /// entries stay then, for the next run on the table.
    mutating func remove(_ paths: [String]) async throws(MaintenanceError) {
        guard !paths.isEmpty else { return }
        var gone: [String] = []
        for start in stride(from: 0, to: paths.count, by: NativeEngineSettings.sliceSize) {
            let slice = paths[start..<min(start + NativeEngineSettings.sliceSize, paths.count)]
            let outcomes = await storage.remove(slice.map { Location($0) })
            for (path, outcome) in zip(slice, outcomes) {
                switch outcome {
                case .removed, .alreadyGone: gone.append(path)
                case .failed: break
                }
            }
        }
        let removed = Set(gone)
        files.removeAll { removed.contains($0.path) }
        let closed = gone.filter { !uncertain.contains($0) }
        if !closed.isEmpty { try await context.journal.close(paths: closed) }
    }

    /// Removes everything that was written.
    mutating func removeAll() async throws(MaintenanceError) {
        try await remove(files.map(\.path))
    }

    /// After a commit: what it names belongs to the table, and leaves the journal.
    ///
    /// From here on nothing of this type removes that, whatever becomes of the journal. A file that
    /// the commit does not name is in no table, but could not be removed when it was given up: it
    /// stays in the journal, for the next run.
    mutating func handOver(_ committed: Set<String>) async throws(MaintenanceError) {
        let paths = files.map(\.path).filter { committed.contains($0) }
        files.removeAll { committed.contains($0.path) }
        for start in stride(from: 0, to: paths.count, by: NativeEngineSettings.batchSize) {
            let end = min(start + NativeEngineSettings.batchSize, paths.count)
            try await context.journal.close(paths: Array(paths[start..<end]))
        }
    }
}

extension MaintenanceError {
    /// What it means that a file of ours could not be written.
    init(writing error: StorageError) {
        switch error {
        case .unavailable, .outcomeUnknown, .alreadyExists, .notFound:
            self = .unavailable(reason: error.description)
        case .denied, .unsupported, .tooLarge:
            self = .refused(code: "storage_denied", reason: error.description)
        }
    }

    /// What it means that a file of ours could not be written while a cancel may have come: a
    /// cancelled task does not fail.
    init(streaming error: StorageError) {
        self = Task.isCancelled ? .cancelled : MaintenanceError(writing: error)
    }

    /// What it means that a manifest cannot be read: nothing is changed.
    init(_ error: ManifestError) {
        switch error {
        case .storage(.unavailable), .storage(.outcomeUnknown):
            self = .unavailable(reason: error.description)
        case .encrypted:
            self = .refused(code: "encrypted_table", reason: error.description)
        case .storage, .malformed, .unknownFormatVersion, .inconsistent:
            self = .unreadable(reason: "nothing was changed: \(error)")
        }
    }

    /// What it means that what was written is not what it should be.
    init(_ failure: VerificationFailure) {
        switch failure {
        case .unreadable(.storage(.unavailable(let location, let reason))):
            self = .unavailable(
                reason: StorageError.unavailable(location, reason: reason).description)
        case .unreadable, .mismatch:
            self = .refused(
                code: "verification_failed",
                reason: "nothing was committed, because \(failure)")
        }
    }
}
