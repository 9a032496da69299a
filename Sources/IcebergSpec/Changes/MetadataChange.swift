// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// Collects updates on a table's metadata and makes the new document.
///
/// Invariants: a list that no update touched is not written again, so its members stay as they
/// were; ``finish(previousMetadataLocation:)`` reads the new document from scratch.
struct MetadataChange {
    let base: TableMetadata
    var document: JSONObject
    var lastUpdatedMilliseconds: Int64

    var addedSnapshots: [Snapshot] = []
    var snapshotIDs: Set<Int64>
    var removedSnapshotIDs: Set<Int64> = []
    var lastSequenceNumber: Int64
    var nextRowID: Int64?

    var currentSnapshotID: Int64?
    var refs: [(name: String, reference: SnapshotReference)]
    var changedRefs: Set<String> = []
    var snapshotLog: [SnapshotLogEntry]
    var statistics: [StatisticsFile]
    var partitionStatistics: [PartitionStatisticsFile]

    init(base: TableMetadata, nowMilliseconds: Int64) {
        self.base = base
        document = base.document
        // Clocks of two writers differ; the table's own time must not run backwards.
        lastUpdatedMilliseconds = max(
            base.lastUpdatedMilliseconds, nowMilliseconds,
            base.snapshotLog.last?.timestampMilliseconds ?? .min)
        snapshotIDs = Set(base.snapshots.map(\.id))
        lastSequenceNumber = base.lastSequenceNumber
        nextRowID = base.nextRowID
        currentSnapshotID = base.currentSnapshotID
        refs = base.refs.map { ($0.name, $0.reference) }
        snapshotLog = base.snapshotLog
        statistics = base.statistics
        partitionStatistics = base.partitionStatistics
    }

    mutating func apply(_ update: TableUpdate) throws(TableUpdateError) {
        switch update {
        case .addSnapshot(let snapshot): try add(snapshot)
        case .removeSnapshots(let ids): try removeSnapshots(ids)
        case .setSnapshotRef(let name, let reference): try set(name, reference)
        case .removeSnapshotRef(let name): try removeReference(name)
        case .setProperties(let properties): setProperties(properties)
        case .removeProperties(let keys): removeProperties(keys)
        case .setStatistics(let file):
            try requireSnapshot(file.snapshotID)
            statistics.removeAll { $0.snapshotID == file.snapshotID }
            statistics.append(file)
        case .removeStatistics(let id):
            try Self.removeAll(from: &statistics, of: id, \.snapshotID, "statistics file")
        case .setPartitionStatistics(let file):
            try requireSnapshot(file.snapshotID)
            partitionStatistics.removeAll { $0.snapshotID == file.snapshotID }
            partitionStatistics.append(file)
        case .removePartitionStatistics(let id):
            try Self.removeAll(
                from: &partitionStatistics, of: id, \.snapshotID, "partition statistics file")
        case .removeSchemas(let ids): try removeSchemas(ids)
        case .removePartitionSpecs(let ids): try removePartitionSpecs(ids)
        }
    }
}
