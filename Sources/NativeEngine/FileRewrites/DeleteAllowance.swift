// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How much memory the deletes of one group may take, counted while several tasks read them: once
/// it is too much, none of them reads on.
///
/// Names of data files count as well.
final class DeleteAllowance: Sendable {
    /// In bytes.
    let limit: Int
    private let state = Mutex(State())

    private struct State {
        var byteCount = 0
        var isExceeded = false
        var names: Set<String> = []

        mutating func take(_ more: Int, limit: Int) -> Bool {
            byteCount += more
            if byteCount > limit { isExceeded = true }
            return !isExceeded
        }
    }

    /// What a place in a set of names takes.
    private static let placeBytes = 16

    init(limit: Int) { self.limit = limit }

    /// Whether so many bytes more may be held; what is negative is given back.
    @discardableResult
    func take(_ more: Int) -> Bool {
        state.withLock { $0.take(more, limit: limit) }
    }

    /// The name as others hold it, so that each is held once, however many files have it.
    func shared(_ name: String) -> String? {
        state.withLock { state in
            // A place in a set, and the first time the name itself.
            let (isNew, held) = state.names.insert(name)
            let bytes = isNew ? 2 * Self.placeBytes + name.utf8.count : Self.placeBytes
            return state.take(bytes, limit: limit) ? held : nil
        }
    }

    /// Why reading stopped, if that is why.
    var failure: GroupFailure? {
        guard state.withLock({ $0.isExceeded }) else { return nil }
        return .unsupported(
            "the deletes of its files take more than the \(limit) bytes that memory is allowed "
                + "for them (ICEPACK_NATIVE_MEMORY_BYTES)")
    }
}
