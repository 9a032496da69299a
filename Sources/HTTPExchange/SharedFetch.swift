// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A value that is fetched when first needed, kept while it is fresh, and fetched again then.
///
/// One fetch is under way at most; everybody who asks meanwhile waits for it. A failure is not
/// kept: whoever asks next tries again.
public final class SharedFetch<Value: Sendable, Failure: Error>: Sendable {
    private typealias Fetch = Task<Result<Value, Failure>, Never>

    private enum Source {
        case kept(Value, Int)
        case pending(Fetch)
    }

    private struct State {
        var value: Value?
        /// Counts the values, so that only the one that somebody saw is given up.
        var generation = 0
        var fetch: Fetch?
    }

    private let isFresh: @Sendable (Value) -> Bool
    private let state = Mutex(State())

    /// Keeps values as long as this says.
    public init(while isFresh: @escaping @Sendable (Value) -> Bool) { self.isFresh = isFresh }

    /// Keeps a value for good.
    public convenience init() { self.init { _ in true } }

    /// The value, and the number to give it up with.
    ///
    /// The fetch goes on if the task of the one who began it is cancelled: others may wait for it.
    public func value(
        orFetch fetch: @escaping @Sendable () async -> Result<Value, Failure>
    ) async throws(Failure) -> (value: Value, generation: Int) {
        let source = state.withLock { state -> Source in
            if let value = state.value, isFresh(value) { return .kept(value, state.generation) }
            if let fetch = state.fetch { return .pending(fetch) }
            // Unstructured: it belongs to all who wait for its value, not to the first of them.
            let task = Task { await run(fetch) }
            state.fetch = task
            return .pending(task)
        }
        switch source {
        case .kept(let value, let generation): return (value, generation)
        case .pending(let task):
            let value = try await task.value.get()
            return (value, state.withLock { $0.generation })
        }
    }

    /// Gives up a value that turned out to be useless, unless another came meanwhile.
    public func drop(generation: Int) {
        state.withLock { if $0.generation == generation { $0.value = nil } }
    }

    private func run(
        _ fetch: @Sendable () async -> Result<Value, Failure>
    ) async -> Result<Value, Failure> {
        let outcome = await fetch()
        state.withLock { state in
            state.fetch = nil
            guard case .success(let value) = outcome else { return }
            state.value = value
            state.generation += 1
        }
        return outcome
    }
}
