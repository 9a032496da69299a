// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import Maintenance
import ObjectStorage
import SortedRuns
import WireFormat

/// Works out what an orphan removal would do, with the scan of the run itself.
struct RemoveOrphanFilesPreview<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let request: ActionRequest
    /// What another engine found; nil to list the table's folders.
    var candidates: [Location]?

    /// How many orphans a plan names.
    static var sampleSize: Int { 20 }

    func plan() async throws(MaintenanceError) -> ActionPlan {
        let options = RemoveOrphanFilesOptions(request.options)
        let findings = try await OrphanScan(
            engine: engine, options: options, identifier: request.table, now: request.now,
            candidates: candidates, report: { _ in }
        ).run()
        return ActionPlan(
            snapshotID: findings.table.metadata.currentSnapshotID,
            hasWork: findings.orphanCount > 0,
            summary: try Self.summary(findings, options))
    }

    private static func summary(
        _ findings: OrphanFindings<Tables, Storage>, _ options: RemoveOrphanFilesOptions
    ) throws(MaintenanceError) -> JSONObject {
        let age = findings.ground.age.olderThan
        var summary = JSONObject()
        summary["orphan_files_count"] = .integer(findings.orphanCount)
        summary["orphan_bytes"] = .integer(findings.orphanBytes)
        summary["orphan_file_location"] = .array(try sample(findings.orphans))
        summary["listed_files_count"] = .integer(findings.listedCount)
        summary["live_files_count"] = .integer(findings.liveCount)
        summary["young_files_count"] = .integer(findings.youngCount)
        summary["kept_files_count"] = .integer(findings.keptCount + findings.likeLiveCount)
        summary["missing_files_count"] = .integer(findings.missingCount)
        summary["locations"] = .array(
            findings.ground.scanned.map { .string($0.location.rawValue) })
        summary["older_than"] = [
            "value": .string(Timestamp(milliseconds: age.value).description),
            "origin": .string(age.origin.text),
        ]
        summary["mode"] = .string(options.mode.rawValue)
        summary["warnings"] = .array(findings.warnings.map { .string($0) })
        return summary
    }

    private static func sample(_ orphans: SortedRecords) throws(MaintenanceError) -> [JSONValue] {
        var sample: [JSONValue] = []
        do throws(SortedRunsError) {
            while sample.count < sampleSize, try orphans.advance() {
                let file = orphans.withCurrent { _, value in FoundFile(decoding: value) }
                sample.append(.string(file.info.location.rawValue))
            }
        } catch {
            throw MaintenanceError(error)
        }
        return sample
    }
}
