// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import RowSets

/// Compares the deletes that were written with those that they replace, before anybody may commit
/// them.
///
/// What was written is read back from storage, and applied as readers apply it: by an index of the
/// new entries. From each data file the same rows must be deleted as before, and nothing else may
/// be in the new files.
struct DeleteProof<Storage: ObjectStorage>: Sendable {
    let storage: Storage
    let specs: [PartitionSpec]
    let limits: RewriteLimits

    /// Checks the entries of new files of a partition.
    func check(
        _ added: [CompleteEntry], in partition: PartitionKey, _ deletes: GroupPositions
    ) async throws(GroupFailure) {
        var written: [LiveFile] = []
        for (ordinal, entry) in added.enumerated() {
            written.append(Self.live(entry, partition, Int64(ordinal)))
        }
        let found = try await read(written, deletes)
        for (file, entry) in zip(written, added) {
            try Self.checkBounds(entry, found[file.ordinal]?.named ?? [])
        }
        let index: DeleteFileIndex
        do throws(ScanError) { index = try DeleteFileIndex(written, specs: specs) } catch {
            throw GroupFailure.verificationFailed("the new deletes contradict each other: \(error)")
        }
        for file in deletes.live {
            let expected = deletes.positions[file.path] ?? []
            let applying: [LiveFile]
            do throws(ScanError) { applying = try index.deleteFiles(for: file) } catch {
                throw GroupFailure.verificationFailed(
                    "the new deletes do not fit \(file.path): \(error)")
            }
            // One data file's deletes may be in two files, but each in one of them alone.
            var positions = RowPositions()
            var count = 0
            for delete in applying {
                guard let found = found[delete.ordinal], found.isSorted else {
                    throw GroupFailure.verificationFailed("\(delete.path) is not sorted")
                }
                let more = found.positions[file.path] ?? []
                count += more.count
                positions.formUnion(more)
            }
            guard positions == expected, count == expected.count else {
                throw GroupFailure.verificationFailed(
                    "the new files delete \(count) rows of \(file.path) and should delete "
                        + "\(expected.count), or others")
            }
        }
        let count = written.reduce(Int64(0)) { $0 &+ $1.recordCount }
        guard count == deletes.keptCount else {
            throw GroupFailure.verificationFailed(
                "\(count) deletes were written, and \(deletes.keptCount) should have been")
        }
    }

    private func read(
        _ written: [LiveFile], _ deletes: GroupPositions
    ) async throws(GroupFailure) -> [Int64: FoundPositions] {
        let targets = DeleteTargets(
            wanted: deletes.live.map { (path: $0.path, since: $0.dataSequenceNumber) })
        // What was within the limit takes up to twice as much while it is read anew.
        let reader = PositionDeleteReader(storage: storage, limit: 2 * limits.deleteBytes)
        typealias One = (ordinal: Int64, found: FoundPositions)
        var all: [Int64: FoundPositions] = [:]
        try await BoundedTasks.forEach(
            written, width: limits.width, cancelled: GroupFailure.stopped(.cancelled),
            finished: { (one: One) in all[one.ordinal] = one.found },
            { (file) async throws(GroupFailure) -> One in
                let found: FoundPositions
                do throws(GroupFailure) {
                    found = try await reader.read(file, of: targets, namingOthers: true)
                } catch {
                    if case .unsupported(let reason) = error {
                        throw GroupFailure.verificationFailed(reason)
                    }
                    throw error
                }
                guard found.others.isEmpty else {
                    throw GroupFailure.verificationFailed(
                        "\(file.path) names data files that it should not")
                }
                return (file.ordinal, found)
            })
        return all
    }

    /// Readers pass over files by the bounds of the paths in them.
    private static func checkBounds(
        _ entry: CompleteEntry, _ named: Set<String>
    ) throws(GroupFailure) {
        func bound(_ facts: [ColumnFact<[UInt8]>]?) -> [UInt8]? {
            facts?.first { $0.id == PositionDeleteColumns.path }?.value
        }
        let lower = bound(entry.metrics.lowerBounds)
        let upper = bound(entry.metrics.upperBounds)
        for path in named {
            let isBelow = lower.map { path.utf8.lexicographicallyPrecedes($0) } ?? false
            let isAbove = upper?.lexicographicallyPrecedes(path.utf8) ?? false
            guard !isBelow, !isAbove else {
                throw GroupFailure.verificationFailed(
                    "\(path) is not within the bounds of \(entry.entry.dataFile.filePath)")
            }
        }
    }

    /// A new entry as a reader of the table will see it.
    private static func live(
        _ entry: CompleteEntry, _ partition: PartitionKey, _ ordinal: Int64
    ) -> LiveFile {
        let file = entry.entry.dataFile
        var live = LiveFile(
            content: file.content, path: file.filePath, format: file.fileFormat,
            recordCount: file.recordCount,
            sizeInBytes: file.contentSizeInBytes ?? file.fileSizeInBytes, partition: partition,
            dataSequenceNumber: entry.entry.sequenceNumber ?? .min, ordinal: ordinal)
        live.contentOffset = file.contentOffset
        live.referencedDataFile = file.referencedDataFile
        return live
    }
}
