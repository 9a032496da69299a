// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How many deletes the files of one group may have, counted while several tasks read them: once
/// they are too many, no further file is read.
final class DeleteAllowance: Sendable {
    private let count = Mutex(0)
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Takes note of what was read.
    func take(_ found: FoundPositions) throws(GroupFailure) {
        let more = found.positions.values.reduce(0) { $0 + $1.count }
        let isWithin = count.withLock { count in
            count += more
            return count <= limit
        }
        guard isWithin else {
            throw .unsupported(
                "its files have more deletes than the \(limit) that memory is allowed "
                    + "(ICEPACK_NATIVE_MEMORY_BYTES)")
        }
    }
}
