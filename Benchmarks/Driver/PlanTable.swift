// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import WireFormat

/// Plans a rewrite of a table's data files from its metadata file, without a catalog.
struct PlanTable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Scan a table's manifests, plan a rewrite of its data files, print counts.")

    @Option(help: "The metadata file.")
    var metadata: String

    func run() async throws {
        let storage = LocalStorage()
        let began = ContinuousClock.now
        let bytes = try await storage.read(
            Location(metadata), limit: TableMetadata.maximumByteCount)
        let table = try TableMetadata(parsing: bytes)
        let now = Timestamp(milliseconds: table.lastUpdatedMilliseconds)
        var assessment = TableAssessment(table)
        if let snapshot = table.currentSnapshot {
            assessment = try await SnapshotScan(storage: storage, metadata: table)
                .collect(snapshot, into: assessment)
        }
        let status = assessment.status(metadataFileBytes: Int64(bytes.count), now: now)
        let verdicts = assessment.verdicts(
            order: .cleanupFirst, policy: MaintenancePolicy(table.properties, defaults: .init()),
            lastOrphanRemoval: nil, now: now)
        let elapsed = (ContinuousClock.now - began) / .seconds(1)
        var report = JSONObject()
        report["files"] = .integer(status.facts.dataFiles)
        report["partitions"] = .integer(status.facts.partitions.count)
        for verdict in verdicts where verdict.action == .rewriteDataFiles {
            report["plan"] = .object(verdict.evidence)
        }
        report["elapsed_seconds"] = .double(elapsed)
        print(JSONValue.object(report).text())
    }
}
