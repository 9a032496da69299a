// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage

/// Finishes what a job that was broken off left in quarantine.
///
/// Batches are done one after the other, so only the last can be open:
/// - planned: every source is where it was, so its copies go and the batch was never there;
/// - copied: a source that is still there stays, and its copy goes; the others were moved.
///
/// Made under the table's lock: no other job is at work below the root.
struct QuarantineRecovery<Storage: ObjectStorage> {
    let root: Location
    let storage: Storage
    let moves: FileMoves<Storage>

    /// Every job of which something is held below the root.
    static func jobIDs(
        below root: Location, in storage: Storage
    ) async throws(MaintenanceError) -> [String] {
        do throws(StorageError) {
            let folder = root.appending(ListedFileRules.quarantineFolder)
            return try await storage.children(of: folder).compactMap { child in
                switch child {
                case .prefix(let location): location.lastComponent
                case .object: nil
                }
            }.sorted()
        } catch {
            throw MaintenanceError(error)
        }
    }

    /// Finishes every job that was broken off; returns how many there were.
    func run() async throws(MaintenanceError) -> Int {
        var count = 0
        for id in try await Self.jobIDs(below: root, in: storage) {
            let folder = QuarantineFolder(root: root, jobID: id, storage: storage)
            guard var job = try await folder.job(), job.state == .moving else { continue }
            try await moves.context.confirmStep()
            try await finish(&job, in: folder)
            count += 1
        }
        return count
    }

    private func finish(
        _ job: inout QuarantineJob, in folder: QuarantineFolder<Storage>
    ) async throws(MaintenanceError) {
        (job.fileCount, job.byteCount) = (0, 0)
        for number in try await folder.batchNumbers() {
            guard var batch = try await folder.batch(number) else { continue }
            if batch.state != .moved {
                batch = try await settle(batch, in: folder)
                try await folder.write(batch, number)
            }
            job.fileCount += batch.files.count
            job.byteCount += batch.byteCount
        }
        guard job.fileCount > 0 else { return try await folder.removeJob() }
        job.state = .held
        try await folder.write(job)
    }

    private func settle(
        _ batch: QuarantineBatch, in folder: QuarantineFolder<Storage>
    ) async throws(MaintenanceError) -> QuarantineBatch {
        var settled = QuarantineBatch(state: .moved, files: [])
        var needless: [Location] = []
        for file in batch.files {
            do throws(StorageError) {
                if try await storage.stat(file.source.location) != nil {
                    needless.append(folder.place(of: file))
                } else if try await storage.stat(folder.place(of: file)) != nil {
                    settled.files.append(file)
                }
            } catch {
                throw MaintenanceError(error)
            }
        }
        for outcome in try await moves.remove(needless) {
            if case .failed(let error) = outcome { throw MaintenanceError(error) }
        }
        return settled
    }
}
