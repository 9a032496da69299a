// SPDX-License-Identifier: Apache-2.0

import WireFormat

extension MetadataChange {
    /// Checks what only the whole list of updates can show, and writes the new document.
    mutating func finish(
        previousMetadataLocation: String
    ) throws(TableUpdateError) -> TableMetadata {
        try checkRemovedSnapshots()
        writeSnapshots()
        writeReferences()
        writeSnapshotLog()
        writeStatistics()
        document["last-updated-ms"] = .integer(lastUpdatedMilliseconds)
        try writeMetadataLog(previousMetadataLocation)
        let result: TableMetadata
        do throws(TableMetadataError) {
            result = try TableMetadata(.object(document))
        } catch {
            throw .invalidResult(error)
        }
        try checkSchemas(of: result)
        return result
    }

    private func checkRemovedSnapshots() throws(TableUpdateError) {
        guard !removedSnapshotIDs.isEmpty else { return }
        if let current = currentSnapshotID, removedSnapshotIDs.contains(current) {
            throw .inUse(what: "the snapshot \(current)", by: "the table, as its current one")
        }
        for (name, reference) in refs where removedSnapshotIDs.contains(reference.snapshotID) {
            throw .inUse(what: "the snapshot \(reference.snapshotID)", by: "the reference \(name)")
        }
        let described = statistics.map(\.snapshotID) + partitionStatistics.map(\.snapshotID)
        for id in described where removedSnapshotIDs.contains(id) {
            throw .inUse(
                what: "the snapshot \(id)", by: "a statistics file that is not removed with it")
        }
    }

    private mutating func writeSnapshots() {
        guard !addedSnapshots.isEmpty || !removedSnapshotIDs.isEmpty else { return }
        let kept = base.snapshots.filter { !removedSnapshotIDs.contains($0.id) } + addedSnapshots
        document["snapshots"] = .array(kept.map { .object($0.json) })
        guard !addedSnapshots.isEmpty else { return }
        if base.formatVersion > .v1 {
            document["last-sequence-number"] = .integer(lastSequenceNumber)
        }
        if let nextRowID { document["next-row-id"] = .integer(nextRowID) }
    }

    private mutating func writeReferences() {
        guard !changedRefs.isEmpty else { return }
        if let currentSnapshotID, currentSnapshotID != base.currentSnapshotID {
            document["current-snapshot-id"] = .integer(currentSnapshotID)
        }
        // Tables from before references say all there is to say about main by their current
        // snapshot; such a table keeps its shape until a reference says more.
        let main = refs.first { $0.name == SnapshotReference.mainName }?.reference
        if base.document["refs"]?.objectValue == nil, changedRefs == [SnapshotReference.mainName],
            main?.hasRetention == false
        {
            return
        }
        document["refs"] = .object(
            JSONObject(refs.map { .init(key: $0.name, value: .object($0.reference.json)) }))
    }

    /// A missing snapshot ends the history before it: with [s1, s2, s3] and s2 gone, [s1, s3] would
    /// claim that s1 was still current until s3.
    private mutating func writeSnapshotLog() {
        if !removedSnapshotIDs.isEmpty,
            let last = snapshotLog.lastIndex(where: { !snapshotIDs.contains($0.snapshotID) })
        {
            snapshotLog.removeSubrange(...last)
        }
        guard snapshotLog != base.snapshotLog else { return }
        document["snapshot-log"] = .array(snapshotLog.map { .object($0.json) })
    }

    private mutating func writeStatistics() {
        if statistics != base.statistics {
            document["statistics"] = .array(statistics.map { .object($0.json) })
        }
        if partitionStatistics != base.partitionStatistics {
            document["partition-statistics"] = .array(
                partitionStatistics.map { .object($0.json) })
        }
    }

    private mutating func writeMetadataLog(_ location: String) throws(TableUpdateError) {
        let properties = TableProperties(
            checked: document["properties"]?.objectValue ?? JSONObject())
        let limit: Int64
        do throws(UnreadableProperty) {
            // Guessing would drop entries that are the only trace of files in storage.
            limit =
                try properties.int64(TableMetadata.previousVersionsMaxProperty)
                ?? TableMetadata.defaultPreviousVersionsMax
        } catch {
            throw .property(error)
        }
        let entry = MetadataLogEntry(
            metadataFile: location, timestampMilliseconds: base.lastUpdatedMilliseconds)
        let log = (base.metadataLog + [entry]).suffix(Int(clamping: max(1, limit)))
        document["metadata-log"] = .array(log.map { .object($0.json) })
    }

    private func checkSchemas(of result: TableMetadata) throws(TableUpdateError) {
        let lost = Set(base.schemas.map(\.id)).subtracting(result.schemas.map(\.id))
        guard !lost.isEmpty else { return }
        for snapshot in result.snapshots {
            if let id = snapshot.schemaID, lost.contains(id) {
                throw .inUse(what: "the schema \(id)", by: "the snapshot \(snapshot.id)")
            }
        }
    }
}
