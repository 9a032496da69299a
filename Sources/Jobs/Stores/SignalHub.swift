// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Hands signals to everybody in this process who listens.
///
/// A reader that falls behind by more than ``bufferLimit`` loses the oldest signals and finds a
/// ``JobSignal/resync`` among what is left, so it knows to look at everything.
public final class SignalHub: Sendable {
    /// The most signals that wait for one reader.
    public static let bufferLimit = 256

    private struct State {
        var readers: [Int: AsyncStream<JobSignal>.Continuation] = [:]
        var nextReader = 0
        var isFinished = false
    }

    private let state = Mutex(State())

    /// A hub without readers.
    public init() {}

    /// How many streams are open.
    public var readerCount: Int { state.withLock { $0.readers.count } }

    /// A stream of what is sent from now on; it has ended already if ``finish()`` was called.
    public func stream() -> AsyncStream<JobSignal> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: JobSignal.self, bufferingPolicy: .bufferingNewest(Self.bufferLimit))
        let reader: Int? = state.withLock { state in
            guard !state.isFinished else { return nil }
            defer { state.nextReader += 1 }
            state.readers[state.nextReader] = continuation
            return state.nextReader
        }
        guard let reader else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.readers.removeValue(forKey: reader) }
        }
        return stream
    }

    /// Sends signals to every reader, in order.
    public func send(_ signals: [JobSignal]) {
        guard !signals.isEmpty else { return }
        // Outside the lock, because a reader that ends calls back into it.
        let readers = state.withLock { Array($0.readers.values) }
        for reader in readers {
            for signal in signals {
                if case .dropped = reader.yield(signal) { reader.yield(.resync) }
            }
        }
    }

    /// Ends every stream, now and later.
    public func finish() {
        let readers = state.withLock { state in
            state.isFinished = true
            defer { state.readers = [:] }
            return Array(state.readers.values)
        }
        for reader in readers { reader.finish() }
    }
}
