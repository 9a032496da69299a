// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// The state of a table at some time.
public struct Snapshot: Hashable, Sendable {
    /// Its id, unique in the table and not negative.
    public let id: Int64
    /// The snapshot it was made from; that one may have been removed from the table since.
    public let parentID: Int64?
    /// Orders it among the table's changes; 0 in format version 1.
    public let sequenceNumber: Int64
    /// When it was made, in milliseconds since the epoch.
    public let timestampMilliseconds: Int64
    /// The location of its manifest list.
    ///
    /// Nil only in format version 1, which may name the manifests themselves in ``manifests``.
    public let manifestList: String?
    /// The locations of its manifests, where there is no manifest list (format version 1).
    public let manifests: [String]?
    /// What the change was.
    public let summary: SnapshotSummary
    /// The schema that was current when it was made.
    public let schemaID: Int?
    /// The row id of the first row it added (format version 3).
    public let firstRowID: Int64?
    /// An upper bound of the rows that got ids with it (format version 3).
    public let addedRows: Int64?
    /// The key that encrypts the manifest list (format version 3).
    public let keyID: String?
    /// The snapshot as it is written, with members that are not understood here.
    public let json: JSONObject

    /// Reads a snapshot of a table with this format version.
    public init(
        _ value: JSONValue, formatVersion: FormatVersion, at path: String = ""
    ) throws(TableMetadataError) {
        let reader = try MemberReader(value, at: path)
        id = try reader.count("snapshot-id")
        // Some writers say "no parent" with -1, which can be no snapshot's id.
        parentID = try reader.optionalInt64("parent-snapshot-id").flatMap { $0 == -1 ? nil : $0 }
        // Tables upgraded from version 1 keep snapshots without it; they count as 0.
        sequenceNumber = try reader.optionalCount("sequence-number") ?? 0
        timestampMilliseconds = try reader.int64("timestamp-ms")
        manifestList = try reader.optionalString("manifest-list")
        manifests = try reader.optionalElements("manifests") {
            value, path throws(TableMetadataError) in
            guard let location = value.stringValue else {
                throw .invalid(path: path, reason: "must be a string, not \(value.kindName)")
            }
            return location
        }
        summary = SnapshotSummary(checked: try reader.optionalStringMap("summary") ?? JSONObject())
        schemaID = try reader.optionalInt32("schema-id")
        firstRowID = try reader.optionalCount("first-row-id")
        addedRows = try reader.optionalCount("added-rows")
        keyID = try reader.optionalString("key-id")
        json = reader.object
        if manifestList == nil, formatVersion > .v1 || manifests == nil {
            throw reader.failure("manifest-list", "is missing")
        }
        if manifestList?.isEmpty == true {
            throw reader.failure("manifest-list", "must not be empty")
        }
    }

    /// A new snapshot; members that are nil are not written, and `sequenceNumber` not when it is 0.
    public init(
        id: Int64, parentID: Int64?, sequenceNumber: Int64, timestampMilliseconds: Int64,
        manifestList: String, summary: SnapshotSummary, schemaID: Int?, firstRowID: Int64? = nil,
        addedRows: Int64? = nil, keyID: String? = nil
    ) {
        self.id = id
        self.parentID = parentID
        self.sequenceNumber = sequenceNumber
        self.timestampMilliseconds = timestampMilliseconds
        self.manifestList = manifestList
        manifests = nil
        self.summary = summary
        self.schemaID = schemaID
        self.firstRowID = firstRowID
        self.addedRows = addedRows
        self.keyID = keyID
        var object = JSONObject()
        if sequenceNumber != 0 { object["sequence-number"] = .integer(sequenceNumber) }
        object["snapshot-id"] = .integer(id)
        object["parent-snapshot-id"] = parentID.map { .integer($0) }
        object["timestamp-ms"] = .integer(timestampMilliseconds)
        object["summary"] = .object(summary.json)
        object["manifest-list"] = .string(manifestList)
        object["schema-id"] = schemaID.map { .integer($0) }
        object["first-row-id"] = firstRowID.map { .integer($0) }
        object["added-rows"] = addedRows.map { .integer($0) }
        object["key-id"] = keyID.map { .string($0) }
        json = object
    }
}

/// What a snapshot changed: the operation and counts, string to string, in their order.
public struct SnapshotSummary: Hashable, Sendable {
    /// The summary as it is written; every value is a string.
    public let json: JSONObject

    /// Takes an object whose values are all strings.
    init(checked json: JSONObject) { self.json = json }

    /// An operation (`append`, `replace`, `overwrite` or `delete`) and what else is to be said.
    public init(operation: String, _ entries: [(key: String, value: String)] = []) {
        var object = JSONObject([.init(key: "operation", value: .string(operation))])
        for (key, value) in entries { object[key] = .string(value) }
        json = object
    }

    /// The operation; nil where an old writer left it out.
    public var operation: String? { self["operation"] }

    /// The text of an entry, or nil.
    public subscript(key: String) -> String? { json[key]?.stringValue }
}
