// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import WireFormat

/// An expiry worked out on one version of a table: what to commit and what may be removed then.
struct PreparedExpiry {
    let base: LoadedTable
    let plan: ExpireSnapshotsPlan
    let unusedPartitionSpecIDs: [Int]
    /// Nil when no file is to be removed.
    var files: UnreachableFiles?
    /// How many files would have been removed, were they where files may be removed (P-19).
    var keptOutside = 0
    /// How many of the files lie outside the table's own folders (P-15).
    var foreign = 0

    /// What whoever runs it should know about where its files lie.
    var placeWarnings: [String] {
        var warnings: [String] = []
        if keptOutside > 0 {
            warnings.append(
                "\(ReportWording.count(keptOutside, "file")) outside ICEPACK_REMOVAL_PREFIXES "
                    + "stay where they are")
        }
        if foreign > 0 {
            warnings.append(
                "\(ReportWording.count(foreign, "file")) to delete lie outside the table's own "
                    + "folders; if another table or system owns them, set "
                    + "\(ExpireSnapshotsPlanner.gcProperty)=false on this one")
        }
        return warnings
    }

    /// Whether committing it would change the table.
    var hasWork: Bool {
        !plan.updates(unusedPartitionSpecIDs: unusedPartitionSpecIDs).isEmpty
    }

    var proposal: CommitProposal {
        let expired = plan.expiredSnapshotIDs
        let references = plan.removedReferences
        return CommitProposal(
            updates: plan.updates(unusedPartitionSpecIDs: unusedPartitionSpecIDs),
            requirements: plan.requirements(
                on: base.metadata, unusedPartitionSpecIDs: unusedPartitionSpecIDs),
            isApplied: { table in
                // Somebody else may have removed them too. That does not matter here: snapshots
                // that are gone never come back, and reachability is worked out again before
                // anything is removed.
                !expired.isEmpty && expired.allSatisfy { table.metadata.snapshot($0) == nil }
                    && references.allSatisfy { table.metadata.refs[$0] == nil }
            })
    }
}

/// Works out expiries.
struct ExpiryPreparation<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let options: ExpireSnapshotsOptions
    let now: Timestamp
    let report: @Sendable (ActionProgress) -> Void

    /// The property that names a table's encryption key.
    static var encryptionProperty: String { "encryption.key-id" }

    /// Plans on a table as it was loaded.
    ///
    /// What an earlier preparation read is not read again when
    /// the same snapshots expire.
    func prepare(
        _ table: LoadedTable, after earlier: PreparedExpiry?
    ) async throws(MaintenanceError) -> PreparedExpiry {
        try MaintenanceError.checkCancellation()
        if table.metadata.properties[Self.encryptionProperty] != nil {
            throw .refused(
                code: "encrypted_table",
                reason: "\(table.identifier) is encrypted, and its files cannot be told apart "
                    + "without its keys (\(Self.encryptionProperty) is set)")
        }
        let plan: ExpireSnapshotsPlan
        do throws(ExpireSnapshotsRefusal) {
            plan = try ExpireSnapshotsPlanner.plan(table.metadata, options: options, now: now)
        } catch {
            throw Self.refusal(error)
        }
        do throws(ReachabilityError) {
            var prepared = PreparedExpiry(
                base: table, plan: plan,
                unusedPartitionSpecIDs: try await unusedSpecs(plan, of: table.metadata),
                files: try await files(plan, of: table, after: earlier))
            let earlierKept = earlier.map { Set($0.plan.expiredSnapshotIDs) }
            let isSame = earlierKept == Set(plan.expiredSnapshotIDs)
            prepared.keptOutside =
                (prepared.files?.candidates.strike(outside: engine.settings.allowedPrefixes) ?? 0)
                + (isSame ? earlier?.keptOutside ?? 0 : 0)
            prepared.foreign = prepared.files?.candidates.count(outside: .own(table.metadata)) ?? 0
            return prepared
        } catch {
            throw MaintenanceError(error)
        }
    }

    private static func refusal(_ error: ExpireSnapshotsRefusal) -> MaintenanceError {
        switch error {
        case .referenced: .refused(code: "snapshot_referenced", reason: error.description)
        case .property: .refused(code: "unreadable_property", reason: error.description)
        }
    }

    private func unusedSpecs(
        _ plan: ExpireSnapshotsPlan, of metadata: TableMetadata
    ) async throws(ReachabilityError) -> [Int] {
        guard !plan.removablePartitionSpecIDs.isEmpty else { return [] }
        let retained = plan.retained.compactMap { metadata.snapshot($0.id) }
        let used = try await engine.walk(report).partitionSpecIDs(of: retained)
        return plan.removablePartitionSpecIDs.filter { !used.contains($0) }
    }

    private func files(
        _ plan: ExpireSnapshotsPlan, of table: LoadedTable, after earlier: PreparedExpiry?
    ) async throws(ReachabilityError) -> UnreachableFiles? {
        guard plan.removesFiles, !plan.expiredSnapshotIDs.isEmpty else { return nil }
        let walk = engine.walk(report)
        // Snapshots never change, so files found for the same expired ones can only have been
        // picked up again by snapshots that came since.
        if let earlier, var files = earlier.files,
            Set(earlier.plan.expiredSnapshotIDs) == Set(plan.expiredSnapshotIDs)
        {
            try await walk.strike(
                reachedBy: table.metadata, at: table.metadataLocation,
                leavingOut: Set(plan.expiredSnapshotIDs), from: &files)
            return files
        }
        return try await walk.filesReachedOnly(
            by: Set(plan.expiredSnapshotIDs), in: table.metadata, at: table.metadataLocation)
    }
}

extension AllowedPrefixes {
    /// The folders that are a table's own.
    static func own(_ metadata: TableMetadata) -> AllowedPrefixes {
        let properties = ["write.data.path", "write.metadata.path", "write.object-storage.path"]
        return AllowedPrefixes(
            [metadata.location] + properties.compactMap { metadata.properties[$0] })
    }
}
