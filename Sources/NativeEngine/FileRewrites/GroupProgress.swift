// SPDX-License-Identifier: Apache-2.0

import Maintenance
import Synchronization

/// How many files are done of groups that are rewritten at the same time.
final class GroupProgress: Sendable {
    private let phase: String
    private let total: Int
    private let report: @Sendable (ActionProgress) -> Void
    private let done: Mutex<[Int]>

    init(
        _ groups: [FileGroup], phase: String, report: @escaping @Sendable (ActionProgress) -> Void
    ) {
        self.phase = phase
        self.report = report
        total = groups.reduce(0) { $0 + $1.files.count }
        done = Mutex([Int](repeating: 0, count: groups.count))
    }

    /// Reports that so many files of a group are done; fewer than before are no news.
    func note(_ count: Int, of group: Int) {
        // Reported within the lock, so that what is reported never goes back.
        done.withLock { done in
            done[group] = max(done[group], count)
            report(
                ActionProgress(
                    phase: phase, done: Int64(done.reduce(0, +)), total: Int64(total),
                    unit: "files"))
        }
    }
}
