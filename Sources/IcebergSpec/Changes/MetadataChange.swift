// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// Collects updates on a table's metadata and makes the new document.
///
/// Invariants: a list that no update touched is not written again, so its members stay as they
/// were; ``finish(previousMetadataLocation:)`` reads the new document from scratch.
struct MetadataChange {
    private let base: TableMetadata
    private var document: JSONObject
    private var lastUpdatedMilliseconds: Int64

    private var addedSnapshots: [Snapshot] = []
    private var snapshotIDs: Set<Int64>
    private var removedSnapshotIDs: Set<Int64> = []
    private var lastSequenceNumber: Int64
    private var nextRowID: Int64?

    private var currentSnapshotID: Int64?
    private var refs: [(name: String, reference: SnapshotReference)]
    private var changedRefs: Set<String> = []
    private var snapshotLog: [SnapshotLogEntry]
    private var statistics: [StatisticsFile]
    private var partitionStatistics: [PartitionStatisticsFile]

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
            statistics.removeAll { $0.snapshotID == file.snapshotID }
            statistics.append(file)
        case .removeStatistics(let id):
            try removeAll(from: &statistics, of: id, \.snapshotID, "statistics file")
        case .setPartitionStatistics(let file):
            partitionStatistics.removeAll { $0.snapshotID == file.snapshotID }
            partitionStatistics.append(file)
        case .removePartitionStatistics(let id):
            try removeAll(
                from: &partitionStatistics, of: id, \.snapshotID, "partition statistics file")
        case .removeSchemas(let ids): try removeSchemas(ids)
        case .removePartitionSpecs(let ids): try removePartitionSpecs(ids)
        }
    }
}

// MARK: Snapshots and references

extension MetadataChange {
    private mutating func add(_ snapshot: Snapshot) throws(TableUpdateError) {
        let what = "the new snapshot \(snapshot.id)"
        guard snapshotIDs.insert(snapshot.id).inserted, !removedSnapshotIDs.contains(snapshot.id)
        else { throw .alreadyExists(what: "a snapshot \(snapshot.id)") }
        if let schemaID = snapshot.schemaID, base.schema(schemaID) == nil {
            throw .invalid(what: what, reason: "has the schema \(schemaID), which the table lacks")
        }
        if base.formatVersion > .v1 {
            guard snapshot.sequenceNumber > lastSequenceNumber else {
                throw .invalid(
                    what: what,
                    reason: "has the sequence number \(snapshot.sequenceNumber); it must be above "
                        + "\(lastSequenceNumber)")
            }
            lastSequenceNumber = snapshot.sequenceNumber
        }
        if let nextRowID { self.nextRowID = try rowIDs(after: snapshot, from: nextRowID, what) }
        // Java dates the change by the snapshot it adds; a clock ahead of ours must not make the
        // table older than its own history.
        lastUpdatedMilliseconds = max(lastUpdatedMilliseconds, snapshot.timestampMilliseconds)
        addedSnapshots.append(snapshot)
    }

    /// Row lineage: every snapshot of a version 3 table takes the ids it may need.
    private func rowIDs(
        after snapshot: Snapshot, from next: Int64, _ what: String
    ) throws(TableUpdateError) -> Int64 {
        guard let first = snapshot.firstRowID, let added = snapshot.addedRows else {
            throw .invalid(what: what, reason: "must have first-row-id and added-rows")
        }
        guard first >= next else {
            throw .invalid(
                what: what, reason: "starts at the row id \(first); the table's next one is \(next)"
            )
        }
        // Java counts on from the table's number and not from the snapshot's; skipped ids are lost
        // either way, but a reused one would be two rows in one.
        let (sum, overflow) = first.addingReportingOverflow(added)
        guard !overflow, added >= 0 else {
            throw .invalid(what: what, reason: "adds \(added) rows, more than row ids can count")
        }
        return sum
    }

    private mutating func removeSnapshots(_ ids: [Int64]) throws(TableUpdateError) {
        for id in ids {
            guard snapshotIDs.remove(id) != nil, base.snapshot(id) != nil else {
                throw .notFound(what: "snapshot \(id)")
            }
            removedSnapshotIDs.insert(id)
        }
    }

    private mutating func set(
        _ name: String, _ reference: SnapshotReference
    ) throws(TableUpdateError) {
        let what = "the reference \(name)"
        guard !name.isEmpty else { throw .invalid(what: "a reference", reason: "must have a name") }
        if let fault = reference.fault {
            throw .invalid(what: what, reason: "is invalid: \(fault.member) \(fault.reason)")
        }
        guard snapshotIDs.contains(reference.snapshotID) else {
            throw .notFound(what: "snapshot \(reference.snapshotID) for \(what)")
        }
        if name == SnapshotReference.mainName {
            guard reference.kind == .branch else {
                throw .invalid(what: what, reason: "must be a branch")
            }
            if reference.snapshotID != currentSnapshotID { moveMain(to: reference.snapshotID) }
        }
        changedRefs.insert(name)
        if let index = refs.firstIndex(where: { $0.name == name }) {
            guard refs[index].reference.kind == reference.kind else {
                throw .invalid(what: what, reason: "is a \(refs[index].reference.kind.rawValue)")
            }
            refs[index].reference = reference
        } else {
            refs.append((name, reference))
        }
    }

    private mutating func moveMain(to id: Int64) {
        // The log names what was current when readers could see it. A snapshot that was current
        // only between two updates of this list never was.
        if let last = snapshotLog.last, last.snapshotID == currentSnapshotID,
            addedSnapshots.contains(where: { $0.id == last.snapshotID })
        {
            snapshotLog.removeLast()
        }
        currentSnapshotID = id
        let added = addedSnapshots.first { $0.id == id }
        let previous = snapshotLog.last?.timestampMilliseconds ?? .min
        let time = max(added?.timestampMilliseconds ?? lastUpdatedMilliseconds, previous)
        snapshotLog.append(SnapshotLogEntry(snapshotID: id, timestampMilliseconds: time))
    }

    private mutating func removeReference(_ name: String) throws(TableUpdateError) {
        guard name != SnapshotReference.mainName else {
            throw .inUse(what: "the branch main", by: "the table")
        }
        guard let index = refs.firstIndex(where: { $0.name == name }) else {
            throw .notFound(what: "reference \(name)")
        }
        refs.remove(at: index)
        changedRefs.insert(name)
    }
}

// MARK: Everything else

extension MetadataChange {
    private mutating func setProperties(_ properties: TableProperties) {
        var object = document["properties"]?.objectValue ?? JSONObject()
        for member in properties.json.members { object[member.key] = member.value }
        document["properties"] = .object(object)
    }

    private mutating func removeProperties(_ keys: [String]) {
        guard var object = document["properties"]?.objectValue else { return }
        for key in keys { object[key] = nil }
        document["properties"] = .object(object)
    }

    private func removeAll<Element>(
        from list: inout [Element], of snapshotID: Int64, _ key: KeyPath<Element, Int64>,
        _ what: String
    ) throws(TableUpdateError) {
        let count = list.count
        list.removeAll { $0[keyPath: key] == snapshotID }
        guard list.count < count else { throw .notFound(what: "\(what) of snapshot \(snapshotID)") }
    }

    private mutating func removeSchemas(_ ids: [Int]) throws(TableUpdateError) {
        if ids.contains(base.currentSchemaID) {
            throw .inUse(what: "the schema \(base.currentSchemaID)", by: "the table")
        }
        try removeEntries(ids, from: "schemas", id: "schema-id", missingID: 0, "schema")
    }

    private mutating func removePartitionSpecs(_ ids: [Int]) throws(TableUpdateError) {
        if ids.contains(base.defaultSpecID) {
            throw .inUse(what: "the partition spec \(base.defaultSpecID)", by: "the table")
        }
        try removeEntries(
            ids, from: "partition-specs", id: "spec-id", missingID: nil, "partition spec")
    }

    private mutating func removeEntries(
        _ ids: [Int], from list: String, id member: String, missingID: Int?, _ what: String
    ) throws(TableUpdateError) {
        var entries = document[list]?.arrayValue ?? []
        for id in ids {
            let index = entries.firstIndex {
                ($0.objectValue?[member]?.intValue ?? missingID) == id
            }
            guard let index else { throw .notFound(what: "\(what) \(id)") }
            entries.remove(at: index)
        }
        document[list] = .array(entries)
    }
}

// MARK: The result

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
        if base.document["refs"] == nil, changedRefs == [SnapshotReference.mainName],
            main?.hasRetention == false
        {
            return
        }
        document["refs"] = .object(
            JSONObject(refs.map { .init(key: $0.name, value: .object($0.reference.json)) }))
    }

    /// A removed snapshot ends the history before it: with [s1, s2, s3] and s2 gone, [s1, s3] would
    /// claim that s1 was still current until s3. What was missing all along stays as it is.
    private mutating func writeSnapshotLog() {
        if let last = snapshotLog.lastIndex(where: { removedSnapshotIDs.contains($0.snapshotID) }) {
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
