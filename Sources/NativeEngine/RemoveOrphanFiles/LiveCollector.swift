// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import SortedRuns
import Synchronization

/// Takes the paths of live files from many tasks into one sort.
///
/// A class, because tasks share it; the lock is held for a batch, never across an `await`.
final class LiveCollector: Sendable {
    /// Nil once it was finished.
    private let sorter: Mutex<RecordSorter?>
    private let matching: PathMatching

    init(_ sorter: RecordSorter, _ matching: PathMatching) {
        self.sorter = Mutex(sorter)
        self.matching = matching
    }

    /// Adds a batch: the key, and the path as the metadata spells it.
    func add(_ batch: inout PathBatch<Void>) throws(ReachabilityError) {
        let outcome = sorter.withLock { sorter -> Result<Void, SortedRunsError> in
            do throws(SortedRunsError) {
                try batch.drain { (path, _) throws(SortedRunsError) in
                    let added = matching.withKey(of: path) { key -> Result<Void, SortedRunsError> in
                        do throws(SortedRunsError) {
                            return .success(try sorter?.append(key: key, value: path) ?? ())
                        } catch {
                            return .failure(error)
                        }
                    }
                    try added.get()
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        do throws(SortedRunsError) { try outcome.get() } catch {
            throw .unavailable(path: "a temporary file", reason: error.description)
        }
    }

    /// The paths in the order of their keys; nothing may be added any more.
    func finish() throws(SortedRunsError) -> SortedRecords? {
        var taken = sorter.withLock { sorter in
            defer { sorter = nil }
            return sorter
        }
        return try taken?.finish()
    }
}
