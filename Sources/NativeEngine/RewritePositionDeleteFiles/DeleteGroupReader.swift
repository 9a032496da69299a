// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import RowSets

/// What the delete files of a group delete.
struct GroupPositions: Sendable {
    /// The data files to which deletes of the group's partition apply.
    let live: [LiveFile]
    /// What is deleted from each by the files of the group.
    var positions: [String: RowPositions] = [:]
    /// Data files to which deletes that are dropped do not apply, and the highest sequence number
    /// of those deletes: a data file of that age would bring them to life.
    var dropped: [String: Int64] = [:]
    /// Deletion vectors that say already what the group's files delete, by data file.
    var vectors: [String: DeleteIdentity] = [:]
    /// How many deletes the files have in all.
    var readCount: Int64 = 0

    /// How many deletes are kept.
    var keptCount: Int64 { positions.values.reduce(0) { $0 + Int64($1.count) } }

    /// Refuses deletes of rows that a data file does not have.
    func check() throws(GroupFailure) {
        for file in live {
            if let row = positions[file.path]?.stray(inFileOf: file.recordCount) {
                throw .unsupported(
                    "row \(row) of \(file.path) is deleted, which has \(file.recordCount) rows")
            }
        }
    }
}

/// Reads the delete files of a group, and sorts out what applies to the table's data files.
struct DeleteGroupReader<Storage: ObjectStorage>: Sendable {
    let storage: Storage
    let planned: PlannedDeleteRewrite
    let limits: RewriteLimits

    /// Reads a group.
    func read(_ group: FileGroup) async throws(GroupFailure) -> GroupPositions {
        let live = planned.affected[group.partition] ?? []
        guard Set(live.map(\.path)).count == live.count else {
            throw .unsupported("a data file of its partition is listed twice")
        }
        var deletes = GroupPositions(live: live)
        try await readFiles(of: group, into: &deletes)
        try deletes.check()
        if planned.table.metadata.formatVersion >= .v3 {
            try await settleVectors(group, &deletes)
        }
        return deletes
    }

    private func readFiles(
        of group: FileGroup, into deletes: inout GroupPositions
    ) async throws(GroupFailure) {
        typealias Found = (file: LiveFile, found: FoundPositions)
        let targets = DeleteTargets(
            wanted: deletes.live.map { (path: $0.path, since: $0.dataSequenceNumber) })
        let allowance = DeleteAllowance(limit: limits.deleteBytes)
        let reader = PositionDeleteReader(storage: storage, allowance: allowance)
        try await BoundedTasks.forEach(
            group.files, width: limits.width, cancelled: GroupFailure.stopped(.cancelled),
            finished: { (one: Found) in
                one.found.move(to: &deletes.positions, allowance)
                deletes.readCount &+= one.file.recordCount
                for path in one.found.others {
                    deletes.dropped[path] = max(
                        deletes.dropped[path] ?? .min, one.file.dataSequenceNumber)
                }
            },
            { (file) async throws(GroupFailure) -> Found in
                let found = try await reader.read(file, of: targets, namingOthers: true)
                try Self.check(file, found)
                return (file, found)
            })
        if let failure = allowance.failure { throw failure }
    }

    private static func check(_ file: LiveFile, _ found: FoundPositions) throws(GroupFailure) {
        guard !found.holdsRows else {
            throw .unsupported(
                "\(file.path) has the values of deleted rows, which would be lost")
        }
        guard let path = file.referencedDataFile else { return }
        if let other = found.others.union(found.positions.keys).first(where: { $0 != path }) {
            throw .unsupported("\(file.path) is said to be about \(path) alone, and names \(other)")
        }
    }

    /// Leaves data files that have a vector with it.
    ///
    /// Older deletes no longer count then, and must be in the vector (P-43). All others need every
    /// delete that applies to them.
    private func settleVectors(
        _ group: FileGroup, _ deletes: inout GroupPositions
    ) async throws(GroupFailure) {
        let own = Set(group.files.map { DeleteIdentity($0) })
        for file in deletes.live {
            guard let positions = deletes.positions[file.path] else { continue }
            let applying: [LiveFile]
            do throws(ScanError) {
                applying = try planned.deletes?.deleteFiles(for: file) ?? []
            } catch { throw .unsupported(error.description) }
            if let vector = applying.first(where: \.isDeletionVector) {
                guard !vector.isEncrypted else {
                    throw .unsupported("the deletion vector of \(file.path) is encrypted")
                }
                let said =
                    try await PositionDeleteReader(storage: storage, limit: limits.deleteBytes)
                    .read(vector, wanted: [file.path]).positions[file.path] ?? []
                guard said.isSuperset(of: positions) else {
                    throw .unsupported(
                        "the deletion vector of \(file.path) lacks what older position deletes "
                            + "delete from it, and readers disagree on which count")
                }
                deletes.positions[file.path] = nil
                deletes.vectors[file.path] = DeleteIdentity(vector)
            } else if let other = applying.first(where: {
                $0.content == .positionDeletes && !own.contains(DeleteIdentity($0))
            }) {
                throw .unsupported("\(other.path) deletes from \(file.path) as well")
            }
        }
    }
}
