// SPDX-License-Identifier: Apache-2.0

public import ObjectStorage

/// Decides about files that another engine takes for orphans: with every guard of an orphan
/// removal, and only then moves or removes them.
public protocol OrphanGuard: Sendable {
    /// What ``run(_:among:in:)`` would do now. Changes nothing.
    ///
    /// - Parameter candidates: files that the other engine found; those that are not below the
    ///   table's folders, too young or needed are left alone.
    func plan(
        _ request: ActionRequest, among candidates: [Location]
    ) async throws(MaintenanceError) -> ActionPlan

    /// Moves or removes those of the candidates that really are orphans, or only counts them if
    /// the request is for a dry run.
    func run(
        _ request: ActionRequest, among candidates: [Location], in context: RunContext
    ) async throws(MaintenanceError) -> ActionReport
}
