// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// Reads what a rewrite is planned on; run and dry run share it.
struct RewriteManifestsSource<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>

    /// Refuses a table whose manifests are encrypted: nobody here could encrypt new ones (P-66).
    static func checkPlain(_ table: LoadedTable) throws(MaintenanceError) {
        let property = "encryption.key-id"
        guard table.metadata.properties[property] == nil,
            table.metadata.currentSnapshot?.keyID == nil
        else {
            throw .refused(
                code: "encrypted_table",
                reason: "\(table.identifier) is encrypted, and new manifests could not be "
                    + "(\(property) or the snapshot's key-id is set)")
        }
    }

    /// The rows of a snapshot's manifest list.
    func manifests(of snapshot: Snapshot) async throws(MaintenanceError) -> [ManifestFile] {
        do throws(ManifestError) {
            guard let list = snapshot.manifestList else {
                // Format version 1 may name the manifests themselves.
                let reader = ManifestReader(storage: engine.storage)
                var manifests: [ManifestFile] = []
                for path in snapshot.manifests ?? [] {
                    manifests.append(try await reader.describe(Location(path)))
                }
                return manifests
            }
            let manifests = try await ManifestListReader(storage: engine.storage)
                .manifests(in: Location(list))
            guard Set(manifests.map(\.path)).count == manifests.count else {
                throw .inconsistent(Location(list), .duplicate)
            }
            return manifests
        } catch {
            throw MaintenanceError(error)
        }
    }

    /// Plans on the rows of a manifest list.
    func plan(
        _ table: LoadedTable, _ manifests: [ManifestFile], _ options: RewriteManifestsOptions
    ) throws(MaintenanceError) -> RewriteManifestsPlan {
        do throws(RewriteManifestsRefusal) {
            return try RewriteManifestsPlanner.plan(
                table.metadata, manifests: manifests, options: options)
        } catch {
            throw Self.refusal(error)
        }
    }

    private static func refusal(_ error: RewriteManifestsRefusal) -> MaintenanceError {
        switch error {
        case .property: .refused(code: "unreadable_property", reason: error.description)
        case .noSuchSpec: .refused(code: "no_such_spec", reason: error.description)
        case .noSuchField: .refused(code: "no_such_field", reason: error.description)
        case .partition: .refused(code: "unsupported_partition", reason: error.description)
        case .unknownSpec: .unreadable(reason: "nothing was changed: \(error)")
        }
    }
}

/// Works out what a rewrite would do, with the planner of the run itself.
struct RewriteManifestsPreview<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let request: ActionRequest

    func plan() async throws(MaintenanceError) -> ActionPlan {
        let table = try await engine.load(request.table)
        try RewriteManifestsSource<Tables, Storage>.checkPlain(table)
        let source = RewriteManifestsSource(engine: engine)
        var manifests: [ManifestFile] = []
        if let snapshot = table.metadata.currentSnapshot {
            manifests = try await source.manifests(of: snapshot)
        }
        let plan = try source.plan(table, manifests, RewriteManifestsOptions(request.options))
        return ActionPlan(
            snapshotID: table.metadata.currentSnapshotID, hasWork: plan.hasWork,
            summary: plan.summary)
    }
}
