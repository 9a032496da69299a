// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Lets one loop sleep until somebody wakes it or time is up.
///
/// A wake-up that comes before the sleep is not lost.
final class Wakeup: Sendable {
    private struct State {
        var isPending = false
        var sleeper: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    init() {}

    /// Wakes the sleeper, or the next one.
    func wake() {
        let sleeper = state.withLock { state in
            defer { state.sleeper = nil }
            if state.sleeper == nil { state.isPending = true }
            return state.sleeper
        }
        sleeper?.resume()
    }

    /// Sleeps until a wake-up, the limit, or cancellation.
    ///
    /// One caller at a time.
    func sleep<C: Clock>(atMost limit: Duration, on clock: C) async where C.Duration == Duration {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await clock.sleep(for: limit)
                self.wake()
            }
            await wait()
            group.cancelAll()
        }
        // The timer's own wake-up, when it lost the race, must not shorten the next sleep.
        state.withLock { $0.isPending = false }
    }

    private func wait() async {
        await withCheckedContinuation { continuation in
            let isPending = state.withLock { state in
                guard !state.isPending else {
                    state.isPending = false
                    return true
                }
                state.sleeper = continuation
                return false
            }
            if isPending { continuation.resume() }
        }
    }
}
