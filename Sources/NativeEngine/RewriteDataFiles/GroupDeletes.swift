// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// A delete file that was read, and every data file that it names, live or not.
struct ReadDeleteFile: Hashable, Sendable {
    let file: LiveFile
    let targets: Set<String>
}

/// The deletes of a group's data files.
struct GroupDeletes: Sendable {
    /// Positions of deleted rows by the data file's path, ascending and each once.
    var positions: [String: [Int64]] = [:]
    /// The position delete files and vectors that were read.
    var read: [ReadDeleteFile] = []
    /// The equality delete files that apply to any of the data files.
    var equality: Set<DeleteIdentity> = []

    /// The positions with those of equality deletes.
    func merged(with found: [String: [Int64]]) -> [String: [Int64]] {
        var all = positions
        for (path, more) in found where !more.isEmpty {
            all[path, default: []] += more
            all[path]?.sortUniquely()
        }
        return all
    }
}

/// Brings the deletes of a group's data files together.
///
/// Which apply the index knows (P-41): each file's own, by sequence numbers.
struct GroupDeleteLoader<Storage: ObjectStorage> {
    let storage: Storage
    let index: DeleteFileIndex?
    /// Delete files of other partitions that name data files, by the data file's path.
    let strays: [String: String]
    let width: Int
    /// The most deletes that are held.
    let limit: Int

    func load(_ files: [LiveFile]) async throws(GroupFailure) -> GroupDeletes {
        var deletes = GroupDeletes()
        guard let index, !index.isEmpty else { return deletes }
        var wanted: [DeleteIdentity: (file: LiveFile, paths: Set<String>)] = [:]
        for file in files {
            if let stray = strays[file.path] {
                throw .unsupported(
                    "the delete file \(stray) may name \(file.path), which is of another "
                        + "partition: engines disagree whether its deletes count")
            }
            let applying: [LiveFile]
            do throws(ScanError) { applying = try index.deleteFiles(for: file) } catch {
                throw .stopped(MaintenanceError(error))
            }
            for delete in applying {
                let identity = DeleteIdentity(delete)
                guard delete.content != .equalityDeletes else {
                    deletes.equality.insert(identity)
                    continue
                }
                wanted[identity, default: (delete, [])].paths.insert(file.path)
            }
        }
        let reader = PositionDeleteReader(
            storage: storage, allowance: DeleteAllowance(limit: limit))
        var found: [(LiveFile, FoundPositions)] = []
        try await BoundedTasks.forEach(
            wanted.values.map { $0 }, width: width, cancelled: GroupFailure.stopped(.cancelled),
            finished: { (result: (LiveFile, FoundPositions)) in found.append(result) },
            { (item) async throws(GroupFailure) -> (LiveFile, FoundPositions) in
                (item.file, try await reader.read(item.file, wanted: item.paths))
            })
        for (file, result) in found {
            for (path, positions) in result.positions {
                deletes.positions[path, default: []] += positions
            }
            deletes.read.append(Self.summary(of: file, result))
        }
        for path in deletes.positions.keys {
            deletes.positions[path]?.sortUniquely()
        }
        return deletes
    }

    private static func summary(of file: LiveFile, _ found: FoundPositions) -> ReadDeleteFile {
        var targets = found.named
        // It counts for the file that it is said to be about, whether it deletes from it or not.
        if let path = file.referencedDataFile { targets.insert(path) }
        return ReadDeleteFile(file: file, targets: targets)
    }
}
