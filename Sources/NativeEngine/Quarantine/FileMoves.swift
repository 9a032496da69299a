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

    /// Copies files; the outcomes come in the order asked.
    ///
    /// - Throws: ``MaintenanceError/fenceLost`` before anything is copied, and
    ///   ``MaintenanceError/cancelled`` when the task was cancelled on the way.
    func copy(_ copies: [ObjectCopy]) async throws(MaintenanceError) -> [CopyOutcome] {
        try await context.confirmStep()
        let storage = storage
        return try await BoundedTasks.inSlices(
            of: copies, size: NativeEngineSettings.copySliceSize, width: width, at: \.destination
        ) {
            await storage.copy($0)
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
