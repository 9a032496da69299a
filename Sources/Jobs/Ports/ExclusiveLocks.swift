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

/// Proof that its holder alone has a task, for as long as ``isHeld()`` says so.
public struct ExclusiveLease: Sendable {
    private let check: @Sendable () async throws(JobStoreError) -> Bool

    /// Asks the closure.
    public init(_ check: @escaping @Sendable () async throws(JobStoreError) -> Bool) {
        self.check = check
    }

    /// Whether nobody else can have the task now.
    ///
    /// What was lost, say with the server, is taken again if nobody took it meanwhile.
    ///
    /// - Throws: ``JobStoreError`` when the store does not say.
    public func isHeld() async throws(JobStoreError) -> Bool { try await check() }
}

/// The part of the store that keeps replicas from doing the same thing at once.
public protocol ExclusiveLocks: Sendable {
    /// Runs the body while no other caller, of any process, has the same task; nil at once if one
    /// has. A process that dies holds nothing.
    ///
    /// A store on a server may lose the task with the connection: whoever must not go on then asks
    /// the lease.
    func withLock<Value: Sendable>(
        _ task: ExclusiveTask, _ body: @Sendable (ExclusiveLease) async throws -> Value
    ) async throws -> Value?
}

extension ExclusiveLocks {
    /// The same for work that does no harm when it is done twice.
    public func withLock<Value: Sendable>(
        _ task: ExclusiveTask, _ body: @Sendable () async throws -> Value
    ) async throws -> Value? {
        try await withLock(task) { (_: ExclusiveLease) in try await body() }
    }
}
