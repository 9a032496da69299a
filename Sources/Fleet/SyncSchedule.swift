// SPDX-License-Identifier: Apache-2.0

/// Syncs at an interval, and sooner after a failure.
struct SyncSchedule: Sendable {
    let interval: Duration
    let firstRetryDelay: Duration

    /// A list younger than this, made by another process, is taken as it is.
    var freshness: Duration { interval / 2 }

    /// Runs a body until the task is cancelled; it says whether there is nothing to retry.
    func run(_ body: () async -> Bool) async {
        var generator = SystemRandomNumberGenerator()
        var failures = 0
        while !Task.isCancelled {
            failures = await body() ? 0 : failures + 1
            let delay = delay(afterFailures: failures, using: &generator)
            // Only cancellation ends a sleep early, and the loop looks for that itself.
            do { try await Task.sleep(for: delay) } catch { return }
        }
    }

    /// The interval, spread by a tenth either way so that replicas drift apart; after failures a
    /// shorter delay that doubles up to the interval.
    func delay(
        afterFailures failures: Int, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let base =
            failures == 0
            ? interval : min(interval, firstRetryDelay * Double(1 << min(failures - 1, 16)))
        return base * Double.random(in: 0.9...1.1, using: &generator)
    }
}
