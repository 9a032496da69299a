// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import StorageTestSupport
import Synchronization

/// A storage that counts the reads of each range of a file, and may say that it is far away.
final class FarStorage<Base: ObjectStorage>: ForwardingStorage {
    let base: Base
    private let isFar: Bool
    private let cut: Int
    private let counts = Mutex<[String: Int]>([:])

    /// - Parameter cut: How many bytes are missing at the end of the first read of each data file.
    init(base: Base, isFar: Bool = true, cut: Int = 0) {
        self.base = base
        self.isFar = isFar
        self.cut = cut
    }

    func reads(of path: String) -> Int { counts.withLock { $0[path] ?? 0 } }

    func isLocal(_ location: Location) -> Bool { !isFar }

    func read(
        _ location: Location, range: Range<Int64>
    ) async throws(StorageError) -> [UInt8] {
        let before = counts.withLock { counts in
            defer { counts[location.rawValue, default: 0] += 1 }
            return counts[location.rawValue] ?? 0
        }
        let bytes = try await base.read(location, range: range)
        let isCut = before == 0 && location.rawValue.hasSuffix(".parquet")
        return isCut ? Array(bytes.dropLast(cut)) : bytes
    }
}
