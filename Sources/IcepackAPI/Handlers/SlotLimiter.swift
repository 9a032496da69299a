// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Hands out a fixed number of slots.
final class SlotLimiter: Sendable {
    /// A slot in use; it is free again when the last reference to this goes, whatever path the
    /// work took.
    final class Slot: Sendable {
        private let limiter: SlotLimiter

        fileprivate init(of limiter: SlotLimiter) { self.limiter = limiter }

        deinit { limiter.used.withLock { $0 -= 1 } }
    }

    private let limit: Int
    private let used = Mutex(0)

    init(limit: Int) { self.limit = limit }

    /// How many slots are in use.
    var count: Int { used.withLock { $0 } }

    /// A slot; nil when all are in use.
    func take() -> Slot? {
        let isFree = used.withLock { used in
            guard used < limit else { return false }
            used += 1
            return true
        }
        return isFree ? Slot(of: self) : nil
    }
}
