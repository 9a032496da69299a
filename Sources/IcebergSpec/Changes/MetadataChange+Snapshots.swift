// SPDX-License-Identifier: Apache-2.0

// Adding and removing snapshots and references.
extension MetadataChange {
    mutating func add(_ snapshot: Snapshot) throws(TableUpdateError) {
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
        if base.formatVersion >= .v3 { nextRowID = try rowID(after: snapshot, what) }
        // Java dates the change by the snapshot it adds; a clock ahead of ours must not make the
        // table older than its own history.
        lastUpdatedMilliseconds = max(lastUpdatedMilliseconds, snapshot.timestampMilliseconds)
        addedSnapshots.append(snapshot)
    }

    /// Row lineage: every snapshot of a version 3 table takes the ids it may need.
    private func rowID(
        after snapshot: Snapshot, _ what: String
    ) throws(TableUpdateError) -> Int64 {
        guard let next = nextRowID else {
            throw .invalid(what: what, reason: "needs row ids, and the table has no next-row-id")
        }
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

    mutating func removeSnapshots(_ ids: [Int64]) throws(TableUpdateError) {
        for id in ids {
            guard snapshotIDs.remove(id) != nil, base.snapshot(id) != nil else {
                throw .notFound(what: "snapshot \(id)")
            }
            removedSnapshotIDs.insert(id)
        }
    }

    mutating func set(
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

    mutating func removeReference(_ name: String) throws(TableUpdateError) {
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
