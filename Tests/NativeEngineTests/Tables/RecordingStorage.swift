// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import StorageTestSupport
import Synchronization

/// A storage that remembers what was removed, in order.
final class RecordingStorage<Base: ObjectStorage>: ForwardingStorage {
    let base: Base
    private let log = Mutex<[String]>([])

    init(base: Base) { self.base = base }

    var removed: [String] { log.withLock { $0 } }

    func remove(_ locations: [Location]) async -> [RemovalOutcome] {
        log.withLock { $0 += locations.map(\.rawValue) }
        return await base.remove(locations)
    }
}
