// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The manifests that were met, each once, and which of them a snapshot that stays has.
///
/// A class, because many tasks fill it; the lock is held for a batch of paths, never across an
/// `await`.
final class ManifestRegister: Sendable {
    private struct State {
        var paths: PathSet
        var facts: [ManifestFacts] = []
        var isKept: [Bool] = []
        var keptCount = 0
        var keptSpecIDs: Set<Int32> = []
    }

    private let state: Mutex<State>

    init(limit: Int) { state = Mutex(State(paths: PathSet(limit: limit))) }

    /// Adds manifests; those of snapshots that stay are marked for good.
    func insert(_ batch: inout PathBatch<ManifestFacts>, kept: Bool) throws(PathSetFull) {
        let outcome = state.withLock { state -> Result<Void, PathSetFull> in
            do throws(PathSetFull) {
                try batch.drain { (path, facts) throws(PathSetFull) in
                    Self.note(try state.paths.insert(path), facts, kept, &state)
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
    }

    private static func note(
        _ outcome: (inserted: Bool, index: Int), _ facts: ManifestFacts, _ kept: Bool,
        _ state: inout State
    ) {
        if outcome.inserted {
            state.facts.append(facts)
            state.isKept.append(false)
        }
        guard kept, !state.isKept[outcome.index] else { return }
        state.isKept[outcome.index] = true
        state.keptCount += 1
        state.keptSpecIDs.insert(facts.partitionSpecID)
    }

    /// The partition specs of the manifests that stay.
    var keptSpecIDs: Set<Int32> { state.withLock { $0.keptSpecIDs } }

    /// How many bytes the paths take.
    var byteCount: Int {
        state.withLock { state in
            state.paths.byteCount + state.isKept.capacity
                + state.facts.capacity * MemoryLayout<ManifestFacts>.stride
        }
    }

    /// How many manifests stay, and how many do not.
    var counts: (kept: Int, dropped: Int) {
        state.withLock { ($0.keptCount, $0.isKept.count - $0.keptCount) }
    }

    /// The manifests that stay, or those that do not, as they are now.
    func manifests(kept: Bool) -> RegisteredManifests {
        state.withLock { state in
            RegisteredManifests(
                paths: state.paths, facts: state.facts, isKept: state.isKept, kept: kept)
        }
    }
}

/// Some of a register's manifests, made one at a time.
struct RegisteredManifests: Sequence, IteratorProtocol {
    private let paths: PathSet
    private let facts: [ManifestFacts]
    private let isKept: [Bool]
    private let kept: Bool
    private var index = 0

    init(paths: PathSet, facts: [ManifestFacts], isKept: [Bool], kept: Bool) {
        self.paths = paths
        self.facts = facts
        self.isKept = isKept
        self.kept = kept
    }

    mutating func next() -> RegisteredManifest? {
        while index < isKept.count {
            defer { index += 1 }
            if isKept[index] == kept {
                return RegisteredManifest(path: paths[index], facts: facts[index])
            }
        }
        return nil
    }

    /// How many there are.
    var count: Int { isKept.count { $0 == kept } }

    /// Whether a manifest is one of these.
    func contains(_ path: UnsafeRawBufferPointer) -> Bool {
        paths.index(of: path).map { isKept[$0] == kept } ?? false
    }
}

/// A manifest and what is needed to read it.
struct RegisteredManifest: Sendable {
    let path: String
    let facts: ManifestFacts
}
