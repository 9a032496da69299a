// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import Synchronization

/// Files that a table needs no more, and what was read to know it.
public struct UnreachableFiles: Sendable {
    /// The files; those that turned out to be needed are struck out.
    public var candidates: CandidateFiles
    /// The manifests whose files were struck out already.
    let walked: RegisteredManifests?
    /// The snapshots whose manifests those are.
    let walkedSnapshots: Set<Int64>

    init(
        candidates: CandidateFiles, walked: RegisteredManifests?, walkedSnapshots: Set<Int64>
    ) {
        self.candidates = candidates
        self.walked = walked
        self.walkedSnapshots = walkedSnapshots
    }

    /// Files of which nothing is known but that somebody meant to remove them: see
    /// ``ReachabilityWalk/strike(reachedBy:at:from:)``.
    public init(unchecked candidates: CandidateFiles) {
        self.init(candidates: candidates, walked: nil, walkedSnapshots: [])
    }
}

/// Candidates that many tasks add to and strike out of.
///
/// A class, because tasks share it; the lock is held for a batch, never across `await`.
final class CandidateRegister: Sendable {
    private struct State {
        var candidates: CandidateFiles
    }

    private let state: Mutex<State>

    init(_ candidates: CandidateFiles) { state = Mutex(State(candidates: candidates)) }

    convenience init(limit: Int) { self.init(CandidateFiles(limit: limit)) }

    var candidates: CandidateFiles { state.withLock { $0.candidates } }

    /// How many data and delete files are left.
    var contentCount: Int { state.withLock { $0.candidates.contentCount } }

    func insert(_ batch: inout PathBatch<FileKind>) throws(PathSetFull) {
        let outcome = state.withLock { state -> Result<Void, PathSetFull> in
            do throws(PathSetFull) {
                try batch.drain { (path, kind) throws(PathSetFull) in
                    try state.candidates.insert(path, kind: kind)
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
    }

    func insert(_ paths: some Sequence<String>, kind: FileKind) throws(PathSetFull) {
        for path in paths {
            let outcome = state.withLock { state -> Result<Void, PathSetFull> in
                do throws(PathSetFull) {
                    try state.candidates.insert(path, kind: kind)
                    return .success(())
                } catch {
                    return .failure(error)
                }
            }
            try outcome.get()
        }
    }

    func strike(_ paths: some Sequence<String>) {
        for path in paths { state.withLock { $0.candidates.strike(path) } }
    }

    func strike(at indices: [Int]) {
        guard !indices.isEmpty else { return }
        state.withLock { state in
            for index in indices { state.candidates.strike(at: index) }
        }
    }
}

extension FileKind {
    /// The kind of a file in a manifest.
    init(_ content: DataFileContent) {
        switch content {
        case .data: self = .dataFile
        case .positionDeletes: self = .positionDeleteFile
        case .equalityDeletes: self = .equalityDeleteFile
        }
    }

    /// Whether manifests list it.
    var isContent: Bool {
        switch self {
        case .dataFile, .positionDeleteFile, .equalityDeleteFile: true
        case .manifest, .manifestList, .statisticsFile, .metadataFile: false
        }
    }
}
