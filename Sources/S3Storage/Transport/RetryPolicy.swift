// SPDX-License-Identifier: Apache-2.0

/// When and how often a call that failed is tried again.
public struct RetryPolicy: Hashable, Sendable {
    /// The most tries, the first one included.
    public var attempts = 6
    /// The longest wait before the second try; it doubles for each later one.
    public var firstDelay = Duration.milliseconds(100)
    /// The longest wait at all; a server's `Retry-After` is cut to it.
    public var longestDelay = Duration.seconds(10)

    /// The usual policy.
    public init() {}

    /// Another policy.
    public init(attempts: Int, firstDelay: Duration, longestDelay: Duration) {
        self.attempts = attempts
        self.firstDelay = firstDelay
        self.longestDelay = longestDelay
    }
}

/// Decides after each failed try of one call whether there is another.
///
/// It holds no clock and sends nothing. A call that cannot be repeated is tried again only after
/// an answer which says that nothing was done.
struct RetryMachine: Sendable {
    /// Whether a call that was made twice does what it does when made once.
    enum Repeatability: Hashable, Sendable {
        case repeatable
        case once
    }

    enum Action: Hashable, Sendable {
        case tryAgain(after: Duration)
        case giveUp
    }

    private let policy: RetryPolicy
    private let repeatability: Repeatability
    private(set) var attempts = 0
    /// Whether a try so far may have had its effect.
    private(set) var mayHaveHappened = false

    init(policy: RetryPolicy, repeatability: Repeatability) {
        self.policy = policy
        self.repeatability = repeatability
    }

    mutating func failed(
        _ failure: CallFailure, using random: inout some RandomNumberGenerator
    ) -> Action {
        attempts += 1
        if !failure.isWithoutEffect { mayHaveHappened = true }
        guard failure.isPassing, attempts < max(policy.attempts, 1),
            failure.isWithoutEffect || repeatability == .repeatable
        else { return .giveUp }
        return .tryAgain(after: delay(failure, using: &random))
    }

    /// Anything from nothing to the full wait, so that many clients do not come back at once.
    private func delay(
        _ failure: CallFailure, using random: inout some RandomNumberGenerator
    ) -> Duration {
        let doublings = min(attempts - 1, 30)
        let longest = min(policy.longestDelay, policy.firstDelay * (1 << doublings))
        let milliseconds = max(0, longest.milliseconds)
        let jittered = Duration.milliseconds(Int64.random(in: 0...milliseconds, using: &random))
        guard let asked = failure.retryAfter else { return jittered }
        return max(jittered, min(asked, policy.longestDelay))
    }
}

extension Duration {
    /// Rounded down.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
