// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import ObjectStorage

/// What tells one delete file or deletion vector from another.
struct DeleteIdentity: Hashable, Sendable {
    let path: String
    let offset: Int64?

    init(_ file: LiveFile) {
        path = file.path
        offset = file.contentOffset
    }
}

/// A delete file that was read, and the live data files that it deletes from.
struct ReadDeleteFile: Hashable, Sendable {
    let file: LiveFile
    let targets: Set<String>
}

/// The deletes of a group's data files.
struct GroupDeletes: Sendable {
    /// Positions of deleted rows by the data file's path, ascending and each once.
    var positions: [String: [Int64]] = [:]
    /// Which deletes were applied to each data file.
    var applied: [String: Set<DeleteIdentity>] = [:]
    /// The delete files that were read.
    var read: [ReadDeleteFile] = []
}

/// Brings the deletes of a group's data files together.
///
/// Which apply the index knows (P-41): each file's own, by sequence numbers.
struct GroupDeleteLoader<Storage: ObjectStorage> {
    let storage: Storage
    let index: DeleteFileIndex?
    /// Data files to which deletes apply, in the whole snapshot.
    let affected: Set<String>
    let width: Int
    /// The most deletes that are held.
    let limit: Int

    func load(_ group: FileGroup) async throws(GroupFailure) -> GroupDeletes {
        var deletes = GroupDeletes()
        guard let index, !index.isEmpty else { return deletes }
        var wanted: [DeleteIdentity: (file: LiveFile, paths: Set<String>)] = [:]
        for file in group.files {
            let applying: [LiveFile]
            do throws(ScanError) { applying = try index.deleteFiles(for: file) } catch {
                throw .stopped(MaintenanceError(error))
            }
            for delete in applying {
                let identity = DeleteIdentity(delete)
                wanted[identity, default: (delete, [])].paths.insert(file.path)
                deletes.applied[file.path, default: []].insert(identity)
            }
        }
        var total = 0
        let reader = PositionDeleteReader(storage: storage, limit: limit)
        let affected = affected
        var found: [(LiveFile, Set<String>, FoundPositions)] = []
        try await BoundedTasks.forEach(
            wanted.values.map { $0 }, width: width, cancelled: GroupFailure.stopped(.cancelled),
            finished: { (result: (LiveFile, Set<String>, FoundPositions)) in
                found.append(result)
                total += result.2.positions.values.reduce(0) { $0 + $1.count }
            },
            { (item) async throws(GroupFailure) -> (LiveFile, Set<String>, FoundPositions) in
                let positions = try await reader.read(
                    item.file, wanted: item.paths, known: affected)
                return (item.file, item.paths, positions)
            })
        guard total <= limit else {
            throw .unsupported(
                "its files have \(total) deletes, and memory is allowed \(limit)")
        }
        for (file, _, result) in found {
            for (path, positions) in result.positions {
                deletes.positions[path, default: []] += positions
            }
            deletes.read.append(Self.summary(of: file, result))
        }
        for path in deletes.positions.keys {
            deletes.positions[path] = deletes.positions[path].map { Self.ascending($0) }
        }
        return deletes
    }

    private static func summary(of file: LiveFile, _ found: FoundPositions) -> ReadDeleteFile {
        var targets = found.named
        // It counts for the file that it is said to be about, whether it deletes from it or not.
        if let path = file.referencedDataFile { targets.insert(path) }
        return ReadDeleteFile(file: file, targets: targets)
    }

    private static func ascending(_ positions: [Int64]) -> [Int64] {
        var result: [Int64] = []
        result.reserveCapacity(positions.count)
        for position in positions.sorted() where position != result.last {
            result.append(position)
        }
        return result
    }
}
