// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A value that one task waits for and that whoever comes first provides.
final class OneShot<Value: Sendable>: Sendable {
    private enum State {
        case empty
        case awaited(CheckedContinuation<Value, Never>)
        case filled(Value)
    }

    private let state = Mutex(State.empty)

    init() {}

    /// Provides the value; whether this was the first.
    @discardableResult
    func fulfil(_ value: Value) -> Bool {
        let (isFirst, waiting): (Bool, CheckedContinuation<Value, Never>?) = state.withLock {
            switch $0 {
            case .empty:
                $0 = .filled(value)
                return (true, nil)
            case .awaited(let continuation):
                $0 = .filled(value)
                return (true, continuation)
            case .filled:
                return (false, nil)
            }
        }
        waiting?.resume(returning: value)
        return isFirst
    }

    /// Waits for the value; a cancelled task gets the given one at once.
    ///
    /// Only one task may wait.
    func value(whenCancelled cancelled: Value) async -> Value {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let filled: Value? = state.withLock {
                    switch $0 {
                    case .empty:
                        $0 = .awaited(continuation)
                        return nil
                    case .filled(let value):
                        return value
                    case .awaited:
                        preconditionFailure("one task waits for a OneShot")
                    }
                }
                if let filled { continuation.resume(returning: filled) }
            }
        } onCancel: {
            fulfil(cancelled)
        }
    }
}
