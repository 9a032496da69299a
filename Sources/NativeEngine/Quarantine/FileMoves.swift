// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergTable
import Maintenance
import ObjectStorage

/// Copies and removes files, some at once, each with its own outcome.
struct FileMoves<Storage: ObjectStorage> {
    let storage: Storage
    let width: Int
    let context: RunContext

    /// Some copies of a batch and what became of them.
    private struct Slice: Sendable {
        let range: Range<Int>
        let outcomes: [CopyOutcome]
    }

    /// Copies files; the outcomes come in the order asked.
    ///
    /// - Throws: ``MaintenanceError/fenceLost`` before anything is copied, and
    ///   ``MaintenanceError/cancelled`` when the task was cancelled on the way.
    func copy(_ copies: [ObjectCopy]) async throws(MaintenanceError) -> [CopyOutcome] {
        try await context.confirmStep()
        let size = NativeEngineSettings.copySliceSize
        let slices = stride(from: 0, to: copies.count, by: size).map {
            $0..<min($0 + size, copies.count)
        }
        var outcomes = [CopyOutcome?](repeating: nil, count: copies.count)
        let storage = storage
        let copySlice: @Sendable (Range<Int>) async throws(MaintenanceError) -> Slice = { range in
            Slice(range: range, outcomes: await storage.copy(Array(copies[range])))
        }
        try await BoundedTasks.forEach(
            slices, width: width, cancelled: MaintenanceError.cancelled,
            finished: { (slice: Slice) in
                for (index, outcome) in zip(slice.range, slice.outcomes) {
                    outcomes[index] = outcome
                }
            }, copySlice)
        return zip(outcomes, copies).map { outcome, copy in
            outcome
                ?? .failed(
                    .unavailable(copy.destination, reason: "the store gave no outcome for it"))
        }
    }

    /// Removes files; the outcomes come in the order asked.
    func remove(_ locations: [Location]) async throws(MaintenanceError) -> [RemovalOutcome] {
        guard !locations.isEmpty else { return [] }
        guard context.commitGuard.isOpen() else { throw .fenceLost }
        return try await FileRemoval(storage: storage, width: width, context: context)
            .remove(locations.map(\.rawValue))
    }
}

extension RunContext {
    /// Before every step that changes something: not cancelled, and with lease enough.
    func confirmStep() async throws(MaintenanceError) {
        try MaintenanceError.checkCancellation()
        try await confirmLease(NativeEngineSettings.batchReserve)
        guard commitGuard.isOpen() else { throw .fenceLost }
    }
}
