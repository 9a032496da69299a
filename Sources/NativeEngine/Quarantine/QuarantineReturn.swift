// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage

/// Brings quarantined files back to where they were.
///
/// A file that is there again already stays as it is: if it is the one that was moved, its copy
/// goes; if it is another, both stay.
struct QuarantineReturn<Storage: ObjectStorage> {
    let folder: QuarantineFolder<Storage>
    let moves: FileMoves<Storage>

    /// Brings back those files of a batch that are wanted, and writes the batch without them.
    ///
    /// - Returns: the batch as it is then.
    func restore(
        _ batch: QuarantineBatch, _ number: Int, counting counts: inout ReturnCounts,
        where isWanted: (QuarantinedFile) -> Bool
    ) async throws(MaintenanceError) -> QuarantineBatch {
        let wanted = batch.files.filter(isWanted)
        guard !wanted.isEmpty else { return batch }
        let back = try await copyBack(wanted, &counts)
        let gone = try await moves.remove(back.map { folder.place(of: $0) })
        var done: Set<QuarantinedFile> = []
        for (file, outcome) in zip(back, gone) {
            switch outcome {
            case .removed, .alreadyGone:
                counts.restored += 1
                counts.restoredBytes += file.source.size
                done.insert(file)
            case .failed(let error): counts.fail(error.description)
            }
        }
        var left = batch
        left.files.removeAll { done.contains($0) }
        try await folder.write(left, number)
        return left
    }

    private func copyBack(
        _ files: [QuarantinedFile], _ counts: inout ReturnCounts
    ) async throws(MaintenanceError) -> [QuarantinedFile] {
        var copies: [ObjectCopy] = []
        var copied: [QuarantinedFile] = []
        for file in files {
            let place = folder.place(of: file)
            let held: ObjectInfo?
            do throws(StorageError) { held = try await folder.storage.stat(place) } catch {
                throw MaintenanceError(error)
            }
            guard let held, held.size == file.source.size else {
                let reason = held == nil ? "is gone" : "has another size than was recorded"
                // Brought back before, by somebody who could not write it down.
                if held == nil, try await isBack(file) {
                    copied.append(file)
                } else {
                    counts.fail("\(place) \(reason)")
                }
                continue
            }
            copies.append(ObjectCopy(held, to: file.source.location))
            copied.append(file)
        }
        let outcomes = try await moves.copy(copies)
        var failed: Set<Location> = []
        for (copy, outcome) in zip(copies, outcomes) {
            guard case .failed(let error) = outcome else { continue }
            let file = copied.first { $0.source.location == copy.destination }
            if case .alreadyExists = error, let file, try await isBack(file) { continue }
            failed.insert(copy.destination)
            counts.fail(error.description)
        }
        return copied.filter { !failed.contains($0.source.location) }
    }

    /// Whether the file that was moved is where it was.
    private func isBack(_ file: QuarantinedFile) async throws(MaintenanceError) -> Bool {
        do throws(StorageError) {
            let now = try await folder.storage.stat(file.source.location)
            return now.map { $0.size == file.source.size } ?? false
        } catch {
            throw MaintenanceError(error)
        }
    }
}

/// What became of files that were to come back.
struct ReturnCounts: Hashable, Sendable {
    var restored = 0
    var restoredBytes: Int64 = 0
    var failed = 0
    /// Why the first failed.
    var firstFailure: String?

    mutating func add(_ other: ReturnCounts) {
        restored += other.restored
        restoredBytes += other.restoredBytes
        failed += other.failed
        firstFailure = firstFailure ?? other.firstFailure
    }

    mutating func fail(_ reason: String) {
        failed += 1
        if firstFailure == nil { firstFailure = reason }
    }
}
