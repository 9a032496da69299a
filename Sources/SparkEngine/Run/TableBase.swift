// SPDX-License-Identifier: Apache-2.0

package import IcebergCatalog
package import IcebergSpec
import ObjectStorage
package import WireFormat

/// As much of a table's earlier version as tells what came after it.
package struct TableBase: Hashable, Sendable {
    /// The metadata file that was current.
    package let metadataLocation: String
    /// The current snapshot.
    package let snapshotID: Int64?
    /// How many snapshots there were.
    package let snapshotCount: Int
    /// How many branches and tags there were.
    package let referenceCount: Int
    /// The highest sequence number; 0 in format version 1.
    package let lastSequenceNumber: Int64
    /// When the table had last changed.
    package let lastUpdatedMilliseconds: Int64

    /// From the table as it is.
    package init(_ table: LoadedTable) {
        metadataLocation = table.metadataLocation.rawValue
        snapshotID = table.metadata.currentSnapshotID
        snapshotCount = table.metadata.snapshots.count
        referenceCount = table.metadata.refs.count
        lastSequenceNumber = table.metadata.lastSequenceNumber
        lastUpdatedMilliseconds = table.metadata.lastUpdatedMilliseconds
    }

    /// Whether a snapshot of a table was made since.
    package func isNew(_ snapshot: Snapshot) -> Bool {
        // Sequence numbers only grow; format version 1 has none, and clocks have to do.
        snapshot.sequenceNumber > 0 || lastSequenceNumber > 0
            ? snapshot.sequenceNumber > lastSequenceNumber
            : snapshot.timestampMilliseconds > lastUpdatedMilliseconds
    }

    /// As it is kept.
    package var json: JSONValue {
        var object = JSONObject()
        object["metadata_location"] = .string(metadataLocation)
        object["snapshot_id"] = snapshotID.map { .integer($0) }
        object["snapshots"] = .integer(snapshotCount)
        object["references"] = .integer(referenceCount)
        object["last_sequence_number"] = .integer(lastSequenceNumber)
        object["last_updated_ms"] = .integer(lastUpdatedMilliseconds)
        return .object(object)
    }

    /// Reads what was kept; nil for anything else.
    package init?(_ value: JSONValue) {
        guard let object = value.objectValue,
            let location = object["metadata_location"]?.stringValue,
            let snapshots = object["snapshots"]?.intValue,
            let references = object["references"]?.intValue,
            let sequenceNumber = object["last_sequence_number"]?.int64Value,
            let updated = object["last_updated_ms"]?.int64Value
        else { return nil }
        metadataLocation = location
        snapshotID = object["snapshot_id"]?.int64Value
        snapshotCount = snapshots
        referenceCount = references
        lastSequenceNumber = sequenceNumber
        lastUpdatedMilliseconds = updated
    }
}
