// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import WireFormat

/// What a stopped statement wrote and no snapshot names: for people, and for orphan removal.
///
/// Nothing is ever removed by this list. A writer that has not committed yet has such files too,
/// and whose a file is cannot be told.
struct FilesLeftBehind: Hashable, Sendable {
    /// Their locations in order, of at most ``EngineAftermath/longestFileList`` of them.
    var sample: [String] = []
    /// How many there are.
    var count = 0
}

/// Looks for files that a statement left behind.
struct LeftBehindSearch<Storage: ObjectStorage> {
    /// Why what was left behind cannot be said.
    struct Failure: Error {
        /// A sentence for a person.
        let reason: String
    }

    let storage: Storage

    /// The most objects that are looked at; a table with more is left to orphan removal.
    static var mostObjects: Int { 200_000 }
    /// How far the store's clock may be behind the worker's.
    static var clockSlack: Duration { .seconds(60) }
    private static var memoryBytes: Int { 64 << 20 }
    private static var width: Int { 8 }

    /// The files below the table's folders that were written since a time, less those that any
    /// snapshot reaches.
    func files(
        of table: LoadedTable, since start: Timestamp
    ) async throws(Failure) -> FilesLeftBehind {
        let oldest = start.advanced(by: .zero - Self.clockSlack)
        var candidates = CandidateFiles(limit: Self.memoryBytes)
        var seen = 0
        for folder in Self.folders(of: table.metadata) {
            try await collect(folder, since: oldest, into: &candidates, &seen)
        }
        guard !candidates.isEmpty else { return FilesLeftBehind() }
        let walk = ReachabilityWalk(
            storage: storage, limits: .init(memoryBytes: Self.memoryBytes, width: Self.width))
        var files = UnreachableFiles(unchecked: candidates)
        do throws(ReachabilityError) {
            try await walk.strike(
                reachedBy: table.metadata, at: table.metadataLocation, from: &files)
        } catch {
            throw Failure(reason: error.description)
        }
        return await Self.sample(files.candidates)
    }

    private static func sample(_ candidates: CandidateFiles) async -> FilesLeftBehind {
        var left = FilesLeftBehind()
        left.count = candidates.count
        await candidates.forEachBatch(of: .dataFile, size: EngineAftermath.longestFileList) {
            // Of very many the first that come, not the first in order: it is a sample.
            if left.sample.isEmpty { left.sample = $0.sorted() }
        }
        return left
    }

    /// Where Iceberg writes: the table's own folder, and wherever else its properties say.
    private static func folders(of metadata: TableMetadata) -> [Location] {
        let elsewhere = [
            "write.data.path", "write.metadata.path", "write.object-storage.path",
            "write.folder-storage.path",
        ]
        var folders = [withoutSlash(metadata.location)]
        for path in elsewhere.compactMap({ metadata.properties[$0] }).map(withoutSlash)
        where !path.isEmpty && !folders.contains(where: { path == $0 || path.hasPrefix($0 + "/") })
        {
            folders.append(path)
        }
        return folders.map { Location($0) }
    }

    private static func withoutSlash(_ path: String) -> String {
        String(path.reversed().drop { $0 == "/" }.reversed())
    }

    private func collect(
        _ folder: Location, since oldest: Timestamp, into candidates: inout CandidateFiles,
        _ seen: inout Int
    ) async throws(Failure) {
        do {
            for try await object in storage.list(folder) {
                seen += 1
                guard seen <= Self.mostObjects else {
                    throw Failure(reason: "the table has more than \(Self.mostObjects) objects")
                }
                // A store that tells no times cannot tell what is new.
                guard let written = object.modifiedMilliseconds, written >= oldest.milliseconds,
                    Self.isContent(object.location.lastComponent)
                else { continue }
                try candidates.insert(object.location.rawValue, kind: .dataFile)
            }
        } catch let failure as Failure {
            throw failure
        } catch let error as StorageError {
            throw Failure(reason: error.description)
        } catch {
            throw Failure(reason: "the names of its files do not fit into memory")
        }
        // A listing that was cut short by a cancel ends without an error.
        if Task.isCancelled { throw Failure(reason: "there was no time") }
    }

    /// Whether a file is one that a commit could name: not one of a catalog's own, nor a
    /// checksum of Hadoop's.
    private static func isContent(_ name: String) -> Bool {
        !name.hasPrefix(".") && !name.contains(".metadata.json") && name != "version-hint.text"
    }
}
