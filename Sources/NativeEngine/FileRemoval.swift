// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import ObjectStorage

/// Removes files in batches, each under a confirmed lease, and keeps count of every outcome (P-12).
struct FileRemoval<Storage: ObjectStorage> {
    let storage: Storage
    let width: Int
    let context: RunContext

    /// Removes a batch and returns what became of each file, in their order.
    ///
    /// - Throws: ``MaintenanceError/fenceLost`` before anything is removed, and
    ///   ``MaintenanceError/cancelled`` when the task was cancelled: some files may be gone then,
    ///   and stay in the journal.
    func remove(_ paths: [String]) async throws(MaintenanceError) -> [RemovalOutcome] {
        try MaintenanceError.checkCancellation()
        try await context.confirmLease(NativeEngineSettings.batchReserve)
        let storage = storage
        return try await BoundedTasks.inSlices(
            of: paths.map { Location($0) }, size: NativeEngineSettings.sliceSize, width: width,
            at: \.self
        ) {
            await storage.remove($0)
        }
    }
}

extension BoundedTasks {
    /// Hands out objects in slices, some at once; the outcomes come in the order of the objects.
    static func inSlices<Object: Sendable, Outcome: ObjectOutcome>(
        of objects: [Object], size: Int, width: Int, at location: (Object) -> Location,
        _ body: @escaping @Sendable ([Object]) async -> [Outcome]
    ) async throws(MaintenanceError) -> [Outcome] {
        typealias Slice = (range: Range<Int>, outcomes: [Outcome])
        var outcomes = [Outcome?](repeating: nil, count: objects.count)
        let call: @Sendable (Int) async throws(MaintenanceError) -> Slice = { start in
            let range = start..<min(start + size, objects.count)
            return (range, await body(Array(objects[range])))
        }
        try await forEach(
            stride(from: 0, to: objects.count, by: size), width: width,
            cancelled: MaintenanceError.cancelled,
            finished: { (slice: Slice) in
                for (index, outcome) in zip(slice.range, slice.outcomes) {
                    outcomes[index] = outcome
                }
            }, call)
        return zip(outcomes, objects).map { $0 ?? .missing(location($1)) }
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
