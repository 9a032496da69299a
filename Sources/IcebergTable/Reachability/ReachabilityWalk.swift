// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec
public import ObjectStorage

/// Finds the files that a table needs no more once some of its snapshots are gone.
///
/// Files to remove are the files that the table reached before, less the files it reaches after,
/// over all snapshots and references, never guessed from what a snapshot says it deleted (P-20):
/// 1. read the manifest lists of the snapshots that go: their manifests are candidates;
/// 2. read those of the snapshots that stay, and strike their manifests out;
/// 3. read the manifests that are left: their live files are candidates;
/// 4. if there are any, read every manifest that stays, and strike its live files out.
///
/// Each list and manifest is read once. Paths are held in compact sets whose size is limited;
/// everything else streams. Whatever cannot be read ends the walk with an error (P-08).
public struct ReachabilityWalk<Storage: ObjectStorage>: Sendable {
    /// Says how far a walk has come: the phase, how many units are done, and of how many.
    public typealias Report = @Sendable (_ phase: String, _ done: Int, _ total: Int) -> Void

    let storage: Storage
    let limits: ReachabilityLimits
    let report: Report
    private let manifestReader: ManifestReader<Storage>
    private let listReader: ManifestFactsReader<Storage>

    /// Reads from a storage.
    public init(
        storage: Storage, limits: ReachabilityLimits, report: @escaping Report = { _, _, _ in }
    ) {
        self.storage = storage
        self.limits = limits
        self.report = report
        manifestReader = ManifestReader(storage: storage)
        listReader = ManifestFactsReader(storage: storage)
    }

    /// The files that only these snapshots and their statistics need.
    ///
    /// - Parameter metadataLocation: where the metadata was read; never a candidate.
    public func filesReachedOnly(
        by expired: Set<Int64>, in metadata: TableMetadata, at metadataLocation: Location
    ) async throws(ReachabilityError) -> UnreachableFiles {
        let going = metadata.snapshots.filter { expired.contains($0.id) }
        let staying = metadata.snapshots.filter { !expired.contains($0.id) }
        let register = ManifestRegister(limit: limits.memoryBytes)
        try await read(going, into: register, kept: false)
        if register.counts.dropped > 0 {
            try await read(staying, into: register, kept: true)
        }

        let files = CandidateRegister(limit: limits.memoryBytes - register.byteCount)
        try await collectContent(of: register.manifests(kept: false), into: files)
        try insert(register.manifests(kept: false).lazy.map(\.path), .manifest, into: files)
        try insert(going.lazy.compactMap(\.manifestList), .manifestList, into: files)
        try insert(statistics(of: metadata) { expired.contains($0) }, .statisticsFile, into: files)

        files.strike(Self.metadataFiles(of: metadata, at: metadataLocation))
        files.strike(staying.lazy.compactMap(\.manifestList))
        files.strike(statistics(of: metadata) { !expired.contains($0) })
        files.strike(register.manifests(kept: true).lazy.map(\.path))
        if files.contentCount > 0 {
            try await strikeContent(of: register.manifests(kept: true), from: files)
        }
        return UnreachableFiles(
            candidates: files.candidates, walked: register.manifests(kept: true),
            walkedSnapshots: Set(staying.map(\.id)))
    }

    /// Strikes out whatever the table reaches now, be it through snapshots that came since.
    ///
    /// Snapshots and manifests that were walked when the files were found are not read again:
    /// neither ever changes.
    ///
    /// - Parameter expired: snapshots that count as gone already.
    public func strike(
        reachedBy metadata: TableMetadata, at metadataLocation: Location,
        leavingOut expired: Set<Int64> = [], from files: inout UnreachableFiles
    ) async throws(ReachabilityError) {
        let walked = files.walked
        let walkedSnapshots = files.walkedSnapshots
        let staying = metadata.snapshots.filter { !expired.contains($0.id) }
        let unread = staying.filter { !walkedSnapshots.contains($0.id) }
        let candidates = CandidateRegister(files.candidates)
        candidates.strike(Self.metadataFiles(of: metadata, at: metadataLocation))
        candidates.strike(staying.lazy.compactMap(\.manifestList))
        candidates.strike(statistics(of: metadata) { !expired.contains($0) })
        if !candidates.candidates.isEmpty, !unread.isEmpty {
            let register = ManifestRegister(limit: limits.memoryBytes - files.candidates.byteCount)
            try await read(unread, into: register, kept: true) { walked?.contains($0) ?? false }
            candidates.strike(register.manifests(kept: true).lazy.map(\.path))
            if candidates.contentCount > 0 {
                try await strikeContent(of: register.manifests(kept: true), from: candidates)
            }
        }
        files.candidates = candidates.candidates
    }

    /// The partition specs that the manifests of these snapshots have.
    public func partitionSpecIDs(
        of snapshots: [Snapshot]
    ) async throws(ReachabilityError) -> Set<Int> {
        let register = ManifestRegister(limit: limits.memoryBytes)
        try await read(snapshots, into: register, kept: true)
        return Set(register.keptSpecIDs.map { Int($0) })
    }

    /// Where the table's own metadata is: no candidate may be any of these, whatever a manifest
    /// says (P-19).
    static func metadataFiles(
        of metadata: TableMetadata, at location: Location
    ) -> [String] {
        let folder = Location(metadata.location).appending("metadata")
        return [location.rawValue, folder.appending("version-hint.text").rawValue]
            + metadata.metadataLog.map(\.metadataFile)
    }

    func statistics(
        of metadata: TableMetadata, where isWanted: (Int64) -> Bool
    ) -> [String] {
        metadata.statistics.filter { isWanted($0.snapshotID) }.map(\.path)
            + metadata.partitionStatistics.filter { isWanted($0.snapshotID) }.map(\.path)
    }

    private func insert(
        _ paths: some Sequence<String>, _ kind: FileKind, into files: CandidateRegister
    ) throws(ReachabilityError) {
        do throws(PathSetFull) {
            try files.insert(paths, kind: kind)
        } catch {
            throw memory(error)
        }
    }

    func memory(_ error: PathSetFull) -> ReachabilityError {
        .memory(limit: limits.memoryBytes, paths: error.count)
    }
}

// MARK: Manifest lists

extension ReachabilityWalk {
    /// Reads which manifests snapshots have, leaving out those that are known.
    func read(
        _ snapshots: [Snapshot], into register: ManifestRegister, kept: Bool,
        leavingOut isKnown: @escaping @Sendable (UnsafeRawBufferPointer) -> Bool = { _ in false }
    ) async throws(ReachabilityError) {
        if let snapshot = snapshots.first(where: { $0.keyID != nil }) {
            throw .encrypted(path: snapshot.manifestList ?? "the snapshot \(snapshot.id)")
        }
        var lists: [String: Bool] = [:]
        for snapshot in snapshots {
            guard let list = snapshot.manifestList else { continue }
            lists[list] = lists[list] ?? false || kept && snapshot.summary.namesFiles
        }
        var sources = lists.map { ManifestSource.list($0.key, mustNameSome: $0.value) }
        let bare = snapshots.filter { $0.manifestList == nil }.flatMap { $0.manifests ?? [] }
        sources += Set(bare).map(ManifestSource.manifest)
        try await forEach(sources, phase: "reading manifest lists") {
            (source) throws(ReachabilityError) in
            var batch = PathBatch<ManifestFacts>()
            try await readSource(source) { path, facts in
                if !isKnown(path) { batch.append(path, facts) }
            }
            do throws(PathSetFull) {
                try register.insert(&batch, kept: kept)
            } catch {
                throw memory(error)
            }
        }
    }

    private func readSource(
        _ source: ManifestSource, _ body: (UnsafeRawBufferPointer, ManifestFacts) -> Void
    ) async throws(ReachabilityError) {
        do throws(ManifestError) {
            switch source {
            case .list(let path, let mustNameSome):
                let location = Location(path)
                let count = try await listReader.forEachManifest(in: location, body)
                // A list that was cut off between two blocks reads well; an empty one shows.
                guard count > 0 || !mustNameSome else {
                    throw ManifestError.inconsistent(location, .empty)
                }
            case .manifest(let path):
                let manifest = try await manifestReader.describe(Location(path))
                var copy = path
                copy.withUTF8 { body(UnsafeRawBufferPointer($0), ManifestFacts(manifest)) }
            }
        } catch {
            throw ReachabilityError(error)
        }
    }

    /// Runs reads of which any may fail, as many at once as is allowed.
    private func forEach<Items: Collection>(
        _ items: Items, phase: String,
        _ body: @escaping @Sendable (Items.Element) async throws(ReachabilityError) -> Void
    ) async throws(ReachabilityError) where Items.Element: Sendable {
        var done = 0
        try await BoundedTasks.forEach(
            items, width: limits.width, cancelled: ReachabilityError.cancelled,
            finished: { (_: Void) in
                done += 1
                report(phase, done, items.count)
            }, body)
    }
}

/// Where a snapshot's manifests are named.
private enum ManifestSource: Hashable, Sendable {
    /// In a manifest list; one of a snapshot that has files must name some.
    case list(String, mustNameSome: Bool)
    /// In the snapshot itself, as format version 1 may.
    case manifest(String)
}

// MARK: Manifests

extension ReachabilityWalk {
    /// Makes the live files of manifests candidates.
    private func collectContent(
        of manifests: RegisteredManifests, into files: CandidateRegister
    ) async throws(ReachabilityError) {
        try await forEachManifest(manifests, "reading expired manifests") {
            (manifest) throws(ReachabilityError) in
            var batch = PathBatch<FileKind>()
            var full: PathSetFull?
            try await readContent(manifest) { content, path in
                guard full == nil else { return }
                batch.append(path, FileKind(content))
                guard batch.isFull else { return }
                do throws(PathSetFull) { try files.insert(&batch) } catch { full = error }
            }
            if let full { throw memory(full) }
            do throws(PathSetFull) { try files.insert(&batch) } catch { throw memory(error) }
        }
    }

    /// Strikes out the live files of manifests.
    private func strikeContent(
        of manifests: RegisteredManifests, from files: CandidateRegister
    ) async throws(ReachabilityError) {
        // Nothing is added any more, so every task may look up in the same paths without a lock.
        let paths = files.candidates.frozenPaths
        try await forEachManifest(manifests, "reading manifests that stay") {
            (manifest) throws(ReachabilityError) in
            // Once nothing is left to strike out, there is nothing to find out.
            guard files.contentCount > 0 else { return }
            var hits: [Int] = []
            try await readContent(manifest) { _, path in
                if let index = paths.index(of: path) { hits.append(index) }
            }
            files.strike(at: hits)
        }
    }

    func forEachManifest(
        _ manifests: RegisteredManifests, _ phase: String,
        _ body: @escaping @Sendable (RegisteredManifest) async throws(ReachabilityError) -> Void
    ) async throws(ReachabilityError) {
        var done = 0
        let total = manifests.count
        try await BoundedTasks.forEach(
            manifests, width: limits.width, cancelled: ReachabilityError.cancelled,
            finished: { (_: Void) in
                done += 1
                report(phase, done, total)
            }, body)
    }

    func readContent(
        _ manifest: RegisteredManifest, _ body: (DataFileContent, UnsafeRawBufferPointer) -> Void
    ) async throws(ReachabilityError) {
        var isText = true
        do throws(ManifestError) {
            let file = manifest.facts.manifestFile(path: manifest.path)
            try await manifestReader.forEachLiveFile(in: file) { content, path in
                isText = isText && path.isValidText
                body(content, path)
            }
        } catch {
            throw ReachabilityError(error)
        }
        guard isText else {
            throw .unreadable(path: manifest.path, reason: "it names a file that is not UTF-8")
        }
    }
}

extension SnapshotSummary {
    /// Whether the snapshot says that it has data or delete files.
    fileprivate var namesFiles: Bool {
        ["total-data-files", "total-delete-files"].contains { key in
            self[key].flatMap { Int64($0) } ?? 0 > 0
        }
    }
}
