// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import StorageTestSupport
import Synchronization

/// A storage that counts how often a range of each object is read.
final class ReadCounter<Base: ObjectStorage>: ForwardingStorage {
    let base: Base
    private let reads = Mutex<[String: Int]>([:])

    init(_ base: Base) { self.base = base }

    /// How often each path was read.
    var counts: [String: Int] { reads.withLock { $0 } }

    func read(_ location: Location, range: Range<Int64>) async throws(StorageError) -> [UInt8] {
        reads.withLock { $0[location.rawValue, default: 0] += 1 }
        return try await base.read(location, range: range)
    }
}
