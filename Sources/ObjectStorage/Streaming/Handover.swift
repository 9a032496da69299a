// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Hands the chunks of one object from the task that makes them to the one that stores them.
///
/// One chunk waits at most: a maker that is faster than the store waits as well. Each side has one
/// task. Nobody waits for ever, because each side says when it ends, whatever the reason: the maker
/// with ``end(_:)``, the store with ``close(_:)``.
final class Handover: AsyncSequence, Sendable {
    private struct State {
        /// The chunk that waits to be taken.
        var chunk: [UInt8]?
        /// Set once nothing more comes.
        var end: Result<Void, StorageError>?
        /// Why nothing more is taken.
        var refusal: StorageError?
        /// The maker, while it waits for room.
        var maker: CheckedContinuation<Void, Never>?
        /// The store, while it waits for a chunk.
        var store: CheckedContinuation<Void, Never>?

        var hasRoom: Bool { chunk == nil || refusal != nil }
        var hasNews: Bool { chunk != nil || end != nil }

        mutating func wakeMaker() -> CheckedContinuation<Void, Never>? {
            defer { maker = nil }
            return maker
        }

        mutating func wakeStore() -> CheckedContinuation<Void, Never>? {
            defer { store = nil }
            return store
        }
    }

    private let state = Mutex(State())

    // MARK: The maker's side

    /// Waits until there is room for a chunk, and leaves it there.
    func send(_ chunk: [UInt8]) async throws(StorageError) {
        while true {
            let waiting = try state.withLock { (state) throws(StorageError) -> Waiting in
                if let refusal = state.refusal { throw refusal }
                guard state.hasRoom else { return .forTheOther }
                state.chunk = chunk
                return .nobody(waking: state.wakeStore())
            }
            if case .nobody(let store) = waiting {
                store?.resume()
                return
            }
            await withCheckedContinuation { maker in
                let isLate = state.withLock { state in
                    if !state.hasRoom { state.maker = maker }
                    return state.hasRoom
                }
                if isLate { maker.resume() }
            }
        }
    }

    /// Says that nothing more comes, and whether what came is all there is.
    func end(_ end: Result<Void, StorageError>) {
        state.withLock { state in
            state.end = end
            // Half an object is of no use to anybody.
            if case .failure = end { state.chunk = nil }
            return state.wakeStore()
        }?.resume()
    }

    // MARK: The store's side

    /// Says why nothing more is taken.
    func close(_ refusal: StorageError) {
        state.withLock { state in
            state.refusal = refusal
            state.chunk = nil
            return state.wakeMaker()
        }?.resume()
    }

    func makeAsyncIterator() -> Iterator { Iterator(handover: self) }

    struct Iterator: AsyncIteratorProtocol {
        let handover: Handover

        func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(StorageError) -> [UInt8]? {
            try await handover.take()
        }
    }

    /// Waits for the next chunk; nil after the last.
    private func take() async throws(StorageError) -> [UInt8]? {
        while true {
            var chunk: [UInt8]?
            let waiting = try state.withLock { (state) throws(StorageError) -> Waiting in
                chunk = state.chunk
                state.chunk = nil
                if chunk != nil { return .nobody(waking: state.wakeMaker()) }
                guard let end = state.end else { return .forTheOther }
                try end.get()
                return .nobody(waking: nil)
            }
            if case .nobody(let maker) = waiting {
                maker?.resume()
                return chunk
            }
            await withCheckedContinuation { store in
                let isLate = state.withLock { state in
                    if !state.hasNews { state.store = store }
                    return state.hasNews
                }
                if isLate { store.resume() }
            }
        }
    }

    private enum Waiting {
        case forTheOther
        case nobody(waking: CheckedContinuation<Void, Never>?)
    }
}
