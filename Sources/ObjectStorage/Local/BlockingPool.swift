// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// Threads for system calls that block, so that the cooperative pool never waits for a disk.
///
/// Threads are started when work finds none idle, up to ``maximumThreads``, and then stay: a
/// service that reads once reads again. Work beyond that waits in order of arrival.
package final class BlockingPool: Sendable {
    /// The most threads of one pool: more would only queue up in front of the same disk.
    package static let maximumThreads = 8

    /// The pool that everything in this process shares.
    package static let shared = BlockingPool()

    private struct State {
        var waiting: [@Sendable () -> Void] = []
        /// How many of `waiting` are taken already; shifting the array for each would be quadratic.
        var taken = 0
        var idleThreads = 0
        var threads = 0
    }

    private let state = Mutex(State())
    private let arrivals = DispatchSemaphore(value: 0)

    /// Runs work on a thread of the pool.
    ///
    /// Cancelling the task does not interrupt it.
    package func run<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            enqueue { continuation.resume(returning: work()) }
        }
    }

    private func enqueue(_ work: @escaping @Sendable () -> Void) {
        let newThread: Int? = state.withLock { state in
            state.waiting.append(work)
            let backlog = state.waiting.count - state.taken
            guard backlog > state.idleThreads, state.threads < Self.maximumThreads else {
                return nil
            }
            state.threads += 1
            state.idleThreads += 1
            return state.threads
        }
        arrivals.signal()
        guard let newThread else { return }
        // A serial queue whose only work never ends is a thread that Dispatch keeps for us.
        DispatchQueue(label: "icepack.storage.\(newThread)").async { self.serve() }
    }

    private func serve() {
        while true {
            arrivals.wait()
            next()?()
            state.withLock { $0.idleThreads += 1 }
        }
    }

    private func next() -> (@Sendable () -> Void)? {
        state.withLock { state in
            state.idleThreads -= 1
            guard state.taken < state.waiting.count else { return nil }
            let work = state.waiting[state.taken]
            state.taken += 1
            // At least half is cleared away, so that each entry is moved once at most.
            if state.taken * 2 >= state.waiting.count {
                state.waiting.removeFirst(state.taken)
                state.taken = 0
            }
            return work
        }
    }
}
