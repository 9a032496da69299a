// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage

/// Moves files to a job's quarantine, batch by batch.
///
/// 1. Record the batch as planned.
/// 2. Copy; each copy is verified by the store. What could not be copied leaves the batch.
/// 3. Record the batch as copied: from now on every file of it can be brought back.
/// 4. Remove the sources. What could not be removed leaves the batch, and its copy goes.
/// 5. Record the batch as moved.
///
/// Between any two steps every file is whole in at least one place that a record, or nothing but
/// the table itself, names. ``QuarantineRecovery`` finishes what was broken off.
struct QuarantineMove<Storage: ObjectStorage> {
    let folder: QuarantineFolder<Storage>
    let moves: FileMoves<Storage>
    private(set) var job: QuarantineJob
    private let firstNumber: Int
    private var nextNumber: Int
    private var isLackingReturns = false

    private(set) var counts = MoveCounts()

    /// - Parameters:
    ///   - job: With what an earlier attempt of the job holds.
    ///   - last: The number of that attempt's last batch, or 0; its records stay.
    init(
        folder: QuarantineFolder<Storage>, moves: FileMoves<Storage>, job: QuarantineJob,
        after last: Int
    ) {
        self.folder = folder
        self.moves = moves
        self.job = job
        firstNumber = last + 1
        nextNumber = last + 1
    }

    /// Moves a batch.
    mutating func move(_ files: [QuarantinedFile]) async throws(MaintenanceError) {
        guard !files.isEmpty else { return }
        try await moves.context.confirmStep()
        let number = nextNumber
        nextNumber += 1
        var batch = QuarantineBatch(state: .planned, files: files)
        try await folder.write(batch, number)
        batch.files = try await copy(files)
        batch.state = .copied
        try await folder.write(batch, number)
        batch.files = try await removeSources(of: batch.files)
        batch.state = .moved
        try await folder.write(batch, number)
        counts.moved += batch.files.count
        counts.movedBytes += batch.byteCount
    }

    private mutating func copy(
        _ files: [QuarantinedFile]
    ) async throws(MaintenanceError) -> [QuarantinedFile] {
        let outcomes = try await moves.copy(
            files.map { ObjectCopy($0.source, to: folder.place(of: $0)) })
        var copied: [QuarantinedFile] = []
        for (file, outcome) in zip(files, outcomes) {
            switch outcome {
            case .copied: copied.append(file)
            case .failed(let error): counts.fail(error)
            }
        }
        return copied
    }

    private mutating func removeSources(
        of files: [QuarantinedFile]
    ) async throws(MaintenanceError) -> [QuarantinedFile] {
        let outcomes = try await moves.remove(files.map(\.source.location))
        var moved: [QuarantinedFile] = []
        var stayed: [Location] = []
        for (file, outcome) in zip(files, outcomes) {
            switch outcome {
            case .removed, .alreadyGone: moved.append(file)
            case .failed(let error):
                counts.fail(error)
                // Whether it is gone is for the store to say: a failed removal may have happened.
                if try await isThere(file.source) {
                    stayed.append(folder.place(of: file))
                } else {
                    moved.append(file)
                }
            }
        }
        for outcome in try await moves.remove(stayed) {
            // The copy of a file that is where it was does no harm; the next purge takes it.
            if case .failed(let error) = outcome, counts.firstFailure == nil {
                counts.firstFailure = error.description
            }
        }
        return moved
    }

    private func isThere(_ source: ObjectInfo) async throws(MaintenanceError) -> Bool {
        do throws(StorageError) {
            return try await folder.storage.stat(source.location) != nil
        } catch {
            throw MaintenanceError(error)
        }
    }

    /// Brings back moved files that are wanted; returns how many came.
    mutating func bringBack(
        where isWanted: (QuarantinedFile) -> Bool
    ) async throws(MaintenanceError) -> Int {
        let back = QuarantineReturn(folder: folder, moves: moves)
        var all = ReturnCounts()
        for number in 1..<nextNumber {
            guard let batch = try await folder.batch(number) else { continue }
            var returned = ReturnCounts()
            _ = try await back.restore(batch, number, counting: &returned, where: isWanted)
            all.add(returned)
            if number < firstNumber {
                job.fileCount -= returned.restored
                job.byteCount -= returned.restoredBytes
            } else {
                counts.moved -= returned.restored
                counts.movedBytes -= returned.restoredBytes
            }
        }
        counts.failed += all.failed
        counts.firstFailure = counts.firstFailure ?? all.firstFailure
        isLackingReturns = all.failed > 0
        return all.restored
    }

    /// Records that the job is over, unless something that is needed could not come back; a job
    /// of which nothing is held leaves no record.
    mutating func finish() async throws(MaintenanceError) {
        job.fileCount += counts.moved
        job.byteCount += counts.movedBytes
        guard job.fileCount > 0 else { return try await folder.removeJob() }
        job.state = isLackingReturns ? .moving : .held
        try await folder.write(job)
    }
}

/// What became of files that were to move.
struct MoveCounts {
    var moved = 0
    var movedBytes: Int64 = 0
    var failed = 0
    var alreadyGone = 0
    /// Why the first failed.
    var firstFailure: String?

    mutating func fail(_ error: StorageError) {
        if case .notFound = error {
            alreadyGone += 1
            return
        }
        failed += 1
        if firstFailure == nil { firstFailure = error.description }
    }
}
