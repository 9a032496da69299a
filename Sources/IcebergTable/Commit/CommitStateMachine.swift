// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog

/// Decides what a committer does next.
///
/// It holds no clock and does no I/O.
///
/// ```
/// attempt ── refused: conflict, unavailable ──► wait ──► attempt …
///    │ ──── refused: rejected ──► finish                  (until retries or time run out)
///    │ ──── committed ──► finish
///    └ ──── unknown ──► check ── applied ──► finish
///                         │ ──── refused ──► as a conflict
///                         └ ──── inconclusive ──► wait ──► check …, then finish as unknown
/// ```
struct CommitStateMachine: Sendable {
    /// What the committer is to do.
    enum Action: Hashable, Sendable {
        /// Pause, load the table, plan on it, ask the guard, commit.
        case attempt(after: Duration)
        /// Pause, load the table, look for the commit.
        case check(after: Duration)
        /// It is not in the table and never will be.
        case giveUp(CommitRefusal)
        /// It may be in the table.
        case stayUnknown(reason: String)
    }

    private var retry: CommitRetryPolicy
    private var statusCheck: CommitRetryPolicy
    /// How many attempts were made.
    private(set) var attempts = 0
    private var checks = 0
    private var checksBegan: Duration = .zero

    init(retry: CommitRetryPolicy, statusCheck: CommitRetryPolicy) {
        self.retry = retry
        self.statusCheck = statusCheck
    }

    /// Takes the settings of the table as it was last loaded.
    mutating func adopt(retry: CommitRetryPolicy, statusCheck: CommitRetryPolicy) {
        self.retry = retry
        self.statusCheck = statusCheck
    }

    /// After an attempt that certainly changed nothing.
    ///
    /// `elapsed` counts from the first attempt.
    mutating func refused(
        _ refusal: CommitRefusal, elapsed: Duration, using random: inout some RandomNumberGenerator
    ) -> Action {
        attempts += 1
        switch refusal {
        case .rejected: return .giveUp(refusal)
        case .conflict, .unavailable:
            let wait = retry.wait(before: attempts, elapsed: elapsed, using: &random)
            return wait.map { .attempt(after: $0) } ?? .giveUp(refusal)
        }
    }

    /// After an attempt whose reply never came.
    mutating func becameUnknown(elapsed: Duration) -> Action {
        checks = 0
        checksBegan = elapsed
        // At once: an answer that got lost on the way is as good as there.
        return .check(after: .zero)
    }

    /// After a look at the table that settled nothing, or that could not be made.
    mutating func stillUnknown(
        reason: String, elapsed: Duration, using random: inout some RandomNumberGenerator
    ) -> Action {
        checks += 1
        let wait = statusCheck.wait(
            before: checks, elapsed: elapsed - checksBegan, using: &random)
        return wait.map { .check(after: $0) } ?? .stayUnknown(reason: reason)
    }
}
