// SPDX-License-Identifier: Apache-2.0

/// What only one process at a time does, however many replicas there are.
public enum ExclusiveTask: CaseIterable, Hashable, Sendable {
    /// Listing the catalog into the table cache.
    case tableSync
    /// A cycle of looking at every table.
    case healthSync
    /// A scheduled run of the orchestrator.
    case orchestratorRun
}

/// The part of the store that keeps replicas from doing the same thing at once.
public protocol ExclusiveLocks: Sendable {
    /// Runs the body while no other caller, of any process, has the same task; nil at once if one
    /// has. A process that dies holds nothing.
    func withLock<Value: Sendable>(
        _ task: ExclusiveTask, _ body: @Sendable () async throws -> Value
    ) async throws -> Value?
}
