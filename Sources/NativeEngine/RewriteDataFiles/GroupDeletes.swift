// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import RowSets

/// A delete file that was read, and every data file that it names, live or not.
struct ReadDeleteFile: Hashable, Sendable {
    let file: LiveFile
    let targets: Set<String>
}

/// The deletes of a group's data files.
struct GroupDeletes: Sendable {
    /// Positions of deleted rows by the data file's path.
    var positions: [String: RowPositions] = [:]
    /// The position delete files and vectors that were read.
    var read: [ReadDeleteFile] = []
    /// The equality delete files that apply to any of the data files.
    var equality: Set<DeleteIdentity> = []

    /// The positions with those of equality deletes.
    func merged(with found: [String: RowPositions]) -> [String: RowPositions] {
        var all = positions
        for (path, more) in found where !more.isEmpty { all[path, default: []].formUnion(more) }
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
    /// The most bytes of deletes that are held.
    let limit: Int

    /// A delete file, and the paths of the group's files that it applies to.
    private typealias Item = (file: LiveFile, paths: Set<String>)

    func load(_ files: [LiveFile]) async throws(GroupFailure) -> GroupDeletes {
        var deletes = GroupDeletes()
        guard let index, !index.isEmpty else { return deletes }
        var wanted: [DeleteIdentity: Item] = [:]
        var left = UnsupportedFiles()
        for file in files {
            if let stray = strays[file.path] {
                left.add(
                    file,
                    because: "the delete file \(stray) may name \(file.path), which is of another "
                        + "partition: engines disagree whether its deletes count")
                continue
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
        let unread = try await read(wanted.values.map { $0 }, into: &deletes)
        var reasons: [String: String] = [:]
        for one in unread {
            for path in one.item.paths { reasons[path] = reasons[path] ?? one.reason }
        }
        for file in files {
            guard let reason = reasons[file.path] else { continue }
            left.add(file, because: "\(reason), and it may delete from \(file.path)")
        }
        guard left.isEmpty else { throw .unsupportedFiles(left) }
        return deletes
    }

    /// Adds what delete files say, and tells which of them cannot be used.
    private func read(
        _ items: [Item], into deletes: inout GroupDeletes
    ) async throws(GroupFailure) -> [(item: Item, reason: String)] {
        let allowance = DeleteAllowance(limit: limit)
        let reader = PositionDeleteReader(storage: storage, allowance: allowance)
        var unread: [(item: Item, reason: String)] = []
        try await BoundedTasks.forEach(
            items, width: width, cancelled: GroupFailure.stopped(.cancelled),
            finished: { (result: (item: Item, found: Result<FoundPositions, Unsupported>)) in
                switch result.found {
                case .success(let found):
                    found.move(to: &deletes.positions, allowance)
                    deletes.read.append(Self.summary(of: result.item.file, found))
                case .failure(let problem): unread.append((result.item, problem.reason))
                }
            },
            { (item) async throws(GroupFailure) -> (Item, Result<FoundPositions, Unsupported>) in
                do throws(GroupFailure) {
                    let found = try await reader.read(item.file, wanted: item.paths)
                    if let problem = Self.problem(with: found, of: item.file) {
                        let paths = item.paths.union(found.named)
                        return ((item.file, paths), .failure(problem))
                    }
                    return (item, .success(found))
                } catch {
                    // Of too many deletes no single file is to blame.
                    if let failure = allowance.failure { throw failure }
                    guard let reason = error.reason(ofFile: item.file.path) else { throw error }
                    return (item, .failure(Unsupported(reason: reason)))
                }
            })
        if let failure = allowance.failure { throw failure }
        return unread
    }

    /// Whether a file deletes from others than it is said to: readers that go by what is in it
    /// would see rows of the others again once those are rewritten.
    private static func problem(
        with found: FoundPositions, of file: LiveFile
    ) -> Unsupported? {
        guard let target = file.referencedDataFile,
            let other = found.named.first(where: { $0 != target })
        else { return nil }
        return Unsupported(
            reason: "\(file.path) is said to be about \(target) alone, and names \(other)")
    }

    private static func summary(of file: LiveFile, _ found: FoundPositions) -> ReadDeleteFile {
        var targets = found.named
        // It counts for the file that it is said to be about, whether it deletes from it or not.
        if let path = file.referencedDataFile { targets.insert(path) }
        return ReadDeleteFile(file: file, targets: targets)
    }
}
