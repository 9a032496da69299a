// SPDX-License-Identifier: Apache-2.0

/// Decides when a statement counts as stopped, from what is seen one look after the other.
///
/// Iceberg commits from Spark's driver, where no job shows it, and a commit that met another one
/// waits before it tries again. So how long nothing may be seen depends on how well can be seen.
package struct StopVerdict<Instant: InstantProtocol>: Sendable
where Instant.Duration == Duration, Instant: Sendable {
    /// What one look showed.
    package enum Sight: Hashable, Sendable {
        /// Something of the statement runs.
        case running
        /// Nothing of it runs.
        case quiet(Certainty)
        /// It could not be seen.
        case hidden(reason: String)

        /// What is left of a look when the table was looked at too.
        ///
        /// Of a driver that may live, a table that cannot be read says neither that it changed
        /// nor that it did not.
        package func with(table: String?) -> Sight {
            switch self {
            case .quiet(.idle) where table == nil, .quiet(.silent) where table == nil:
                .hidden(reason: "the table could not be read, so a late commit could not be seen")
            case .running, .quiet, .hidden: self
            }
        }
    }

    /// How well it is known that nothing runs.
    package enum Certainty: Hashable, Sendable {
        /// The application has ended, and all that ran in it.
        case gone
        /// The application lives; no thread of its driver works for the statement.
        case idle
        /// The application may live, and into its driver nobody can look.
        case silent
    }

    /// What follows from the looks so far.
    package enum Verdict: Hashable, Sendable {
        /// Look again.
        case lookAgain
        /// Nothing of it runs any more, and nothing of it will commit.
        case stopped
    }

    private let settle: Duration
    private var quiet: (certainty: Certainty, since: Instant, table: String?)?

    /// Stopped means quiet for this long, where it is known that no thread works for it.
    package init(settle: Duration) { self.settle = settle }

    /// What follows after a look.
    ///
    /// - Parameters:
    ///   - table: the table's metadata file now; nil if it could not be read.
    ///   - silence: for how long nothing may be seen where nobody can look into the driver; longer
    ///     than a commit waits between two tries.
    package mutating func next(
        after sight: Sight, table now: String?, silence: Duration, at time: Instant
    ) -> Verdict {
        guard case .quiet(let certainty) = sight.with(table: now) else {
            quiet = nil
            return .lookAgain
        }
        let needed = certainty == .silent ? max(settle, silence) : settle
        guard let before = quiet, before.certainty == certainty, !Self.differ(before.table, now)
        else {
            quiet = (certainty, time, now)
            return needed <= .zero ? .stopped : .lookAgain
        }
        quiet = (certainty, before.since, now ?? before.table)
        return before.since.duration(to: time) >= needed ? .stopped : .lookAgain
    }

    /// Whether a table is known to have changed; only of what has gone one look may lack it.
    private static func differ(_ before: String?, _ now: String?) -> Bool {
        guard let before, let now else { return false }
        return before != now
    }
}

/// How long a commit of a table may wait before it is tried again.
package enum CommitWait {
    /// Iceberg's property.
    package static let property = "commit.retry.max-wait-ms"
    /// Iceberg's own default.
    package static let standard = Duration.seconds(60)
    /// What a try itself may take, on top.
    package static let margin = Duration.seconds(15)

    /// For how long a table must not change before nothing is left that waits.
    ///
    /// - Parameter value: the property's value; nil if there is none, or no table.
    package static func silence(_ value: String?) -> Duration {
        let wait = value.flatMap(Int64.init).flatMap { $0 > 0 ? Duration.milliseconds($0) : nil }
        // Iceberg adds up to a tenth of its own.
        return (wait ?? standard) * 11 / 10 + margin
    }
}
