// SPDX-License-Identifier: Apache-2.0

import Jobs
import Maintenance
import WireFormat

/// What keeps an action from being run on a table although its planner finds work.
///
/// A job stops at its first failed action: what is known to fail would keep everything after it
/// from being done, in every run.
struct Obstacles {
    /// The tables of the catalog that cannot be read.
    let unreadable: [TableName]
    /// The table's own jobs, the newest first.
    let jobs: [Job]
    let cadenceHours: Int64
    let now: Timestamp
    let router: EngineRouter
    let preference: EnginePreference

    /// Why what a verdict recommends cannot be done, as the end of a sentence; nil if it can.
    func first(to verdict: Recommendation.Verdict) -> String? {
        Recommendation.obstacle(to: verdict, router, preference) ?? failure(of: verdict.action)
    }

    /// The verdicts beside tables that cannot be read.
    ///
    /// Such a table may have files anywhere, and orphan removal refuses while there is one: that is
    /// nothing about this table.
    func amongNeighbours(
        _ verdicts: [Recommendation.Verdict]
    ) -> [Recommendation.Verdict] {
        guard let first = unreadable.first else { return verdicts }
        let others = unreadable.count > 1 ? " and \(unreadable.count - 1) more" : ""
        return verdicts.map { verdict in
            guard verdict.action == .removeOrphanFiles, verdict.isRecommended else {
                return verdict
            }
            return verdict.refused(
                "\(verdict.reason), but \(first)\(others) cannot be read, and may have files in "
                    + "this table's folders: repair or drop it", isObstructed: false)
        }
    }

    /// What failed when it was run last is tried again once the cadence has passed.
    private func failure(of action: MaintenanceAction) -> String? {
        for job in jobs where !job.isDryRun && job.status.isTerminal {
            guard let result = job.results.last(where: { $0.action == action.rawValue }) else {
                continue
            }
            guard !result.isSuccess, job.status == .failed, let ended = job.completedAt else {
                return nil
            }
            let next = ended.advanced(by: .seconds(cadenceHours * 3600))
            guard next > now else { return nil }
            return "its last run failed at \(ended) (\(result.error ?? result.message)); it is "
                + "tried again at \(next), or when somebody submits it"
        }
        return nil
    }
}
