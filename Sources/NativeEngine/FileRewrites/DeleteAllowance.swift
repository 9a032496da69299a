// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How many deletes the files of one group may have, counted while several tasks read them: once
/// they are too many, none of them reads on.
///
/// Names of data files count by their bytes, eight for a delete.
final class DeleteAllowance: Sendable {
    let limit: Int
    private let state = Mutex(State())

    private struct State {
        var count = 0
        var names: Set<String> = []
    }

    init(limit: Int) { self.limit = limit }

    /// Whether so many deletes more may be held.
    func take(_ more: Int) -> Bool {
        state.withLock { state in
            state.count += more
            return state.count <= limit
        }
    }

    /// The name as others hold it, so that each is held once, however many files have it.
    func shared(_ name: String) -> String? {
        state.withLock { state in
            // A place in a set, and the first time the name itself.
            state.count += 2
            let (isNew, held) = state.names.insert(name)
            if isNew { state.count += 2 + name.utf8.count / MemoryLayout<Int64>.size }
            return state.count <= limit ? held : nil
        }
    }

    /// Why reading stopped, if that is why.
    var failure: GroupFailure? {
        guard state.withLock({ $0.count }) > limit else { return nil }
        return .unsupported(
            "its files have more deletes than the \(limit) that memory is allowed "
                + "(ICEPACK_NATIVE_MEMORY_BYTES)")
    }
}
