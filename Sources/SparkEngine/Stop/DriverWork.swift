// SPDX-License-Identifier: Apache-2.0

/// What a driver's threads do for Iceberg's actions, as far as it may be for one statement.
///
/// Iceberg commits, and waits between two tries, in threads of the driver: the statement's own,
/// those that rewrite groups, and one that commits them. No job shows any of that. Threads do not
/// say whose they are, so what cannot be somebody else's counts as the statement's.
package struct DriverWork: Hashable, Sendable {
    /// What one thread does.
    private enum Deed {
        /// Nothing of Iceberg's actions.
        case none
        /// It carries the statement itself.
        case statement
        /// It waits for Spark, below an action.
        case job
        /// It plans, commits, or waits to commit again.
        case own
    }

    /// Threads that may work for the statement.
    package let threads: [String]

    /// Sorts the threads.
    ///
    /// - Parameters:
    ///   - hasEnded: whether Spark says that the statement is over; then no thread carries it.
    ///   - foreignGroups: how many groups of jobs of actions run for others: each accounts for one
    ///     thread that waits for Spark.
    package init(threads: [SparkThread], hasEnded: Bool, foreignGroups: Int) {
        var suspects: [String] = []
        var waiting: [String] = []
        for thread in threads {
            switch Self.deed(of: thread) {
            case .none: break
            case .statement: if !hasEnded { suspects.append(thread.name) }
            case .job: waiting.append(thread.name)
            case .own: suspects.append(thread.name)
            }
        }
        self.threads = suspects + (waiting.count > foreignGroups ? waiting : [])
    }

    private static let procedures = "org.apache.iceberg.spark.procedures."
    private static let actions = [
        "org.apache.iceberg.spark.actions.", "org.apache.iceberg.actions.",
    ]
    private static let spark = "org.apache.spark."
    /// The loop of a thread that commits for an action, which is not in a commit.
    ///
    /// An action that was interrupted leaves it so for ever, asleep or, with groups that nobody
    /// will ask it to commit, spinning: it commits only once the action has closed it, and then it
    /// does nothing else until it ends.
    private static let loop = "org.apache.iceberg.actions.BaseCommitService.lambda$start"

    private static func deed(of thread: SparkThread) -> Deed {
        let isOfAction = { (frame: String) in actions.contains { frame.utf8Contains($0) } }
        if thread.frames.contains(where: { $0.utf8Contains(procedures) }) { return .statement }
        guard let first = thread.frames.firstIndex(where: isOfAction) else { return .none }
        if thread.frames[first].utf8Contains(loop) { return .none }
        return thread.frames[..<first].contains { $0.utf8Contains(spark) } ? .job : .own
    }
}
