// SPDX-License-Identifier: Apache-2.0

/// Decides when a statement counts as stopped, from what is seen one look after the other.
///
/// Iceberg commits from Spark's driver, where no job shows it. So it is not enough that no job of
/// the statement runs: none may be seen, and the table may not change, for a while.
package struct StopVerdict<Instant: InstantProtocol>: Sendable
where Instant.Duration == Duration, Instant: Sendable {
    /// What one look showed.
    package enum Sight: Hashable, Sendable {
        /// Something of the statement runs.
        case running
        /// Nothing of it runs.
        case quiet
        /// It could not be seen.
        case hidden(reason: String)
    }

    /// What follows from the looks so far.
    package enum Verdict: Hashable, Sendable {
        /// Look again.
        case lookAgain
        /// Nothing of it runs any more, and nothing of it will commit.
        case stopped
    }

    private let settle: Duration
    private var quietSince: Instant?
    private var table: String?

    /// Stopped means quiet for this long.
    package init(settle: Duration) { self.settle = settle }

    /// What follows after a look.
    ///
    /// - Parameter table: the table's metadata file now; nil if it could not be read.
    package mutating func next(after sight: Sight, table now: String?, at time: Instant) -> Verdict
    {
        guard sight == .quiet else {
            quietSince = nil
            return .lookAgain
        }
        guard let since = quietSince, now == table else {
            quietSince = time
            table = now
            return settle <= .zero ? .stopped : .lookAgain
        }
        return since.duration(to: time) >= settle ? .stopped : .lookAgain
    }
}
