// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import Synchronization

/// Manifests and their lists as they were read, for a run that reads them again.
///
/// A rewrite reads the manifests when it plans, when it asks what they say of its files, when it
/// looks at the table before a commit, and when it writes them anew; in an object store each time
/// is a request. A manifest never changes under its name. Proofs of what the run wrote do not read
/// here: they have to see what is stored.
///
/// Only what comes whole with its first read is kept, and nothing more once memory is full: large
/// manifests, read in pieces, cost few requests for what they hold.
final class ManifestMemory<Storage: ObjectStorage>: RangeReading {
    private struct State {
        var room: Int
        var files: [Location: [UInt8]] = [:]
    }

    private let storage: Storage
    private let state: Mutex<State>

    /// - Parameter limit: How many bytes of files are kept.
    init(_ storage: Storage, limit: Int) {
        self.storage = storage
        state = Mutex(State(room: limit))
    }

    func read(
        _ location: Location, range: Range<Int64>
    ) async throws(StorageError) -> [UInt8] {
        if let file = state.withLock({ $0.files[location] }) {
            let range = range.clamped(to: 0..<Int64(file.count))
            return Array(file[Int(range.lowerBound)..<Int(range.upperBound)])
        }
        let bytes = try await storage.read(location, range: range)
        // A short answer shows where the file ends.
        if range.lowerBound == 0, bytes.count < range.count {
            state.withLock { state in
                guard bytes.count <= state.room, state.files[location] == nil else { return }
                state.room -= bytes.count
                state.files[location] = bytes
            }
        }
        return bytes
    }
}
