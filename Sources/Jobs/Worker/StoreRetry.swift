// SPDX-License-Identifier: Apache-2.0

/// How long to wait between tries: doubling, up to a limit, half of it random.
struct Backoff: Sendable {
    static let shortest: Duration = .milliseconds(50)
    static let longest: Duration = .seconds(5)

    private var next = Backoff.shortest

    /// The next wait; `random` spreads it over the upper half, so that many do not come in step.
    mutating func wait(random: UInt64) -> Duration {
        let full = next
        next = min(full * 2, Self.longest)
        return full / 2 + full / 2 * (Double(random >> 11) / Double(1 << 53))
    }
}

/// Repeats calls to the store that are safe to repeat, through outages.
struct StoreRetry<RetryClock: Clock>: Sendable where RetryClock.Duration == Duration {
    let clock: RetryClock
    let random: @Sendable () -> UInt64

    /// Makes the call, and again after ``JobStoreError/unavailable(reason:)`` or
    /// ``JobStoreError/outcomeUnknown(reason:)`` until the deadline; at least once.
    ///
    /// Ends early, with the last error, when the task is cancelled.
    func call<Value>(
        until deadline: RetryClock.Instant,
        _ body: () async throws(JobStoreError) -> Value
    ) async throws(JobStoreError) -> Value {
        var backoff = Backoff()
        while true {
            do {
                return try await body()
            } catch {
                switch error {
                case .fenced, .corrupt: throw error
                case .unavailable, .outcomeUnknown: break
                }
                let wake = clock.now.advanced(by: backoff.wait(random: random()))
                guard wake < deadline else { throw error }
                // Throws only when cancelled, which the next line sees.
                try? await clock.sleep(until: wake, tolerance: nil)
                guard !Task.isCancelled else { throw error }
            }
        }
    }
}

/// A generator over a function, so that types need not be generic in their randomness.
struct FunctionGenerator: RandomNumberGenerator {
    let function: @Sendable () -> UInt64

    mutating func next() -> UInt64 { function() }
}
