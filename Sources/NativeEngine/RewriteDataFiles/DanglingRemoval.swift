// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// Which delete files a run removes because they can apply to no data file any more, as far as
/// its plan knows (P-53).
///
/// What really goes is worked out from the table that the commit finds; this is what could be
/// learned beforehand about files that never change.
struct DanglingRemoval: Sendable {
    /// The data files that position deletes of partitions name; those that are not here stay.
    ///
    /// By sequence numbers they apply to nothing. Some engines go by paths alone: for those a
    /// delete counts that names a file of another partition (P-43).
    let targets: [DeleteIdentity: Set<String>]
    /// The delete files that are expected to go.
    let expected: [LiveFile]

    /// The delete files that go from a table as a commit finds it.
    ///
    /// - Parameters:
    ///   - dangling: Those that go by what manifests say.
    ///   - live: The data files that stay, of those that ``targets`` name.
    func removable(_ dangling: DanglingDeletes, live: Set<String>) -> Set<DeleteIdentity> {
        Set(
            dangling.certain.filter { delete in
                !delete.isPartitionDelete
                    || targets[DeleteIdentity(delete)]?.isDisjoint(with: live) ?? false
            }.map { DeleteIdentity($0) })
    }
}

extension DanglingDeletes {
    /// Those that are dangling in every place where manifests list them.
    var certain: [LiveFile] {
        let staying = Set(deletes.filter { !isDangling($0) }.map { DeleteIdentity($0) })
        return deletes.filter { !staying.contains(DeleteIdentity($0)) }
    }
}

/// Looks for dangling deletes of a snapshot some of whose data files are to be rewritten.
struct DanglingRemovalSource<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let metadata: TableMetadata
    let snapshot: Snapshot
    /// What will be rewritten.
    let groups: [FileGroup]
    /// Whether new files count as old as the snapshot; else they are newer than any delete.
    let usesStartingSequenceNumber: Bool

    /// Passes every data file on, also those that a condition leaves out of the rewrite.
    private struct Collector: LiveFileCollector {
        let specs: [PartitionSpec]
        let rewritten: Set<String>
        /// Without and with the rewrite.
        var now: DanglingDeletes?
        var then: DanglingDeletes?

        mutating func add(manifests: [ManifestFile]) {}

        mutating func add(deleteFiles index: DeleteFileIndex) {
            now = DanglingDeletes(index, specs: specs)
            then = now
        }

        mutating func add(_ file: LiveFile, _ deletes: AppliedDeletes) {
            now?.keep(file)
            if !rewritten.contains(file.path) { then?.keep(file) }
        }
    }

    /// Finds which of some paths are those of data files.
    private struct NameCollector: LiveFileCollector {
        let names: Set<String>
        var live: Set<String> = []

        mutating func add(manifests: [ManifestFile]) {}
        mutating func add(deleteFiles index: DeleteFileIndex) {}
        mutating func add(_ file: LiveFile, _ deletes: AppliedDeletes) {
            if names.contains(file.path) { live.insert(file.path) }
        }
    }

    func find() async throws(MaintenanceError) -> DanglingRemoval {
        let found = try await scan(
            Collector(
                specs: metadata.partitionSpecs,
                rewritten: Set(groups.lazy.flatMap { $0.files.lazy.map(\.path) })))
        guard let now = found.now, var then = found.then, !now.deletes.isEmpty else {
            return DanglingRemoval(targets: [:], expected: [])
        }
        keepNewFiles(in: &then)
        let suspects = now.certain.filter(\.isPartitionDelete)
        let targets = try await targets(of: suspects)
        let names = targets.values.reduce(into: Set<String>()) { $0.formUnion($1) }
        let live =
            names.isEmpty ? [] : try await scan(NameCollector(names: names)).live
        // Those that only the rewrite makes dangling are read with what they apply to.
        let known = Set(suspects.map { DeleteIdentity($0) })
        let expected = then.certain.filter { delete in
            let identity = DeleteIdentity(delete)
            guard known.contains(identity) else { return true }
            return targets[identity]?.isDisjoint(with: live) ?? false
        }
        return DanglingRemoval(targets: targets, expected: expected)
    }

    private func scan<Found: LiveFileCollector>(
        _ collector: Found
    ) async throws(MaintenanceError) -> Found {
        do throws(ScanError) {
            return try await engine.scan(metadata)
                .collect(snapshot, into: collector)
        } catch {
            throw MaintenanceError(error)
        }
    }

    /// Takes note of what the rewrite will write.
    private func keepNewFiles(in dangling: inout DanglingDeletes) {
        guard usesStartingSequenceNumber else { return }
        let age = snapshot.sequenceNumber
        for group in groups {
            if group.files.allSatisfy({ $0.partition == group.partition }) {
                dangling.keep(dataOf: group.partition, since: age)
            } else {
                // Its rows may go into any partition of the spec.
                for delete in dangling.deletes
                where delete.partition.specID == group.partition.specID {
                    dangling.keep(dataOf: delete.partition, since: age)
                }
            }
        }
    }

    /// What position delete files name, but for those that cannot be read or are beyond what may be
    /// held, which stay.
    private func targets(
        of deletes: [LiveFile]
    ) async throws(MaintenanceError) -> [DeleteIdentity: Set<String>] {
        let limits = RewriteLimits(engine.settings)
        var targets: [DeleteIdentity: Set<String>] = [:]
        var rest = deletes.filter { !$0.isEncrypted && $0.format.holdsReadableDeletes }[...]
        let allowance = DeleteAllowance(limit: limits.deleteBytes)
        while !rest.isEmpty, allowance.failure == nil {
            // A few at a time, so that the same ones are read each time as long as they fit.
            let some = Array(rest.prefix(max(1, limits.width)))
            rest = rest.dropFirst(some.count)
            let read = try await Self.targets(of: some, in: engine.storage, allowance)
            guard allowance.failure == nil else { break }
            targets.merge(read) { $0.union($1) }
        }
        return targets
    }

    private static func targets(
        of deletes: [LiveFile], in storage: Storage, _ allowance: DeleteAllowance
    ) async throws(MaintenanceError) -> [DeleteIdentity: Set<String>] {
        typealias Found = (delete: LiveFile, names: Set<String>?)
        let reader = PositionDeleteReader(storage: storage, allowance: allowance)
        var targets: [DeleteIdentity: Set<String>] = [:]
        try await BoundedTasks.forEach(
            deletes, width: deletes.count, cancelled: MaintenanceError.cancelled,
            finished: { (found: Found) in
                if let names = found.names { targets[DeleteIdentity(found.delete)] = names }
            },
            { (delete) async throws(MaintenanceError) -> Found in
                do throws(GroupFailure) {
                    return (delete, try await reader.read(delete, wanted: []).named)
                } catch {
                    switch error {
                    case .unsupported, .unsupportedFiles, .gainless, .stopped(.unreadable):
                        return (delete, nil)
                    case .stopped(let error): throw error
                    }
                }
            })
        return targets
    }
}
