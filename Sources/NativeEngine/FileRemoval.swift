// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import ObjectStorage

/// Removes files in batches, each under a confirmed lease, and keeps count of every outcome (P-12).
struct FileRemoval<Storage: ObjectStorage> {
    let storage: Storage
    let width: Int
    let context: RunContext

    /// Some files of a batch and what became of them.
    private struct Slice: Sendable {
        let range: Range<Int>
        let outcomes: [RemovalOutcome]
    }

    /// Removes a batch and returns what became of each file, in their order.
    ///
    /// - Throws: ``MaintenanceError/fenceLost`` before anything is removed, and
    ///   ``MaintenanceError/cancelled`` when the task was cancelled: some files may be gone then,
    ///   and stay in the journal.
    func remove(_ paths: [String]) async throws(MaintenanceError) -> [RemovalOutcome] {
        try MaintenanceError.checkCancellation()
        try await context.confirmLease(NativeEngineSettings.batchReserve)
        let slices = stride(from: 0, to: paths.count, by: NativeEngineSettings.sliceSize).map {
            $0..<min($0 + NativeEngineSettings.sliceSize, paths.count)
        }
        var outcomes = [RemovalOutcome?](repeating: nil, count: paths.count)
        let storage = storage
        let removeSlice: @Sendable (Range<Int>) async throws(MaintenanceError) -> Slice = { range in
            Slice(range: range, outcomes: await storage.remove(paths[range].map { Location($0) }))
        }
        try await BoundedTasks.forEach(
            slices, width: width, cancelled: MaintenanceError.cancelled,
            finished: { (slice: Slice) in
                for (index, outcome) in zip(slice.range, slice.outcomes) {
                    outcomes[index] = outcome
                }
            }, removeSlice)
        return zip(outcomes, paths).map { outcome, path in
            outcome
                ?? .failed(.unavailable(Location(path), reason: "the store gave no outcome for it"))
        }
    }
}

/// What became of files that were to be removed.
struct RemovalCounts {
    private(set) var removed: [FileKind: Int] = [:]
    private(set) var failed = 0
    private(set) var alreadyGone = 0
    /// Why the first failed.
    private(set) var firstFailure: String?

    var removedTotal: Int { removed.values.reduce(0, +) }

    /// Adds what was counted apart.
    mutating func add(_ other: RemovalCounts) {
        removed.merge(other.removed, uniquingKeysWith: +)
        failed += other.failed
        alreadyGone += other.alreadyGone
        firstFailure = firstFailure ?? other.firstFailure
    }

    /// Counts outcomes and returns the paths that are certainly gone.
    mutating func count(_ outcomes: [RemovalOutcome], of paths: [String], kind: FileKind)
        -> [String]
    {
        var gone: [String] = []
        for (outcome, path) in zip(outcomes, paths) {
            switch outcome {
            case .removed:
                removed[kind, default: 0] += 1
                gone.append(path)
            case .alreadyGone:
                alreadyGone += 1
                gone.append(path)
            case .failed(let error):
                failed += 1
                if firstFailure == nil { firstFailure = error.description }
            }
        }
        return gone
    }
}
