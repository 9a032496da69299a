// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// A branch or a tag: a name for a snapshot, and how long to keep what it names.
public struct SnapshotReference: Hashable, Sendable {
    /// What a reference is.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        /// Moves with commits, and keeps a history.
        case branch
        /// Stays.
        case tag
    }

    /// The name of the branch that is the table's current state.
    public static let mainName = "main"

    /// The snapshot it names.
    public let snapshotID: Int64
    /// Branch or tag.
    public let kind: Kind
    /// How many snapshots of the branch to keep at least; nil for the table's default.
    public let minSnapshotsToKeep: Int?
    /// Up to which age to keep the branch's snapshots; nil for the table's default.
    public let maxSnapshotAgeMilliseconds: Int64?
    /// After which age to drop the reference; nil for the table's default.
    ///
    /// `main` is never dropped.
    public let maxRefAgeMilliseconds: Int64?
    /// The reference as it is written, with members that are not understood here.
    public let json: JSONObject

    /// A new reference; members that are nil are not written.
    public init(
        snapshotID: Int64, kind: Kind, minSnapshotsToKeep: Int? = nil,
        maxSnapshotAgeMilliseconds: Int64? = nil, maxRefAgeMilliseconds: Int64? = nil
    ) {
        self.snapshotID = snapshotID
        self.kind = kind
        self.minSnapshotsToKeep = minSnapshotsToKeep
        self.maxSnapshotAgeMilliseconds = maxSnapshotAgeMilliseconds
        self.maxRefAgeMilliseconds = maxRefAgeMilliseconds
        var object = JSONObject()
        object["snapshot-id"] = .integer(snapshotID)
        object["type"] = .string(kind.rawValue)
        object["min-snapshots-to-keep"] = minSnapshotsToKeep.map { .integer($0) }
        object["max-snapshot-age-ms"] = maxSnapshotAgeMilliseconds.map { .integer($0) }
        object["max-ref-age-ms"] = maxRefAgeMilliseconds.map { .integer($0) }
        json = object
    }

    /// Reads a reference.
    ///
    /// Retention that is zero, negative or out of place is refused: whoever guessed what it means
    /// would guess about removing data.
    public init(_ value: JSONValue, at path: String = "") throws(TableMetadataError) {
        let reader = try MemberReader(value, at: path)
        snapshotID = try reader.count("snapshot-id")
        let name = try reader.string("type")
        guard let kind = Kind(rawValue: name.lowercased()) else {
            throw reader.failure("type", "must be \"branch\" or \"tag\", not \"\(name)\"")
        }
        self.kind = kind
        minSnapshotsToKeep = try reader.optionalInt32("min-snapshots-to-keep")
        maxSnapshotAgeMilliseconds = try reader.optionalInt64("max-snapshot-age-ms")
        maxRefAgeMilliseconds = try reader.optionalInt64("max-ref-age-ms")
        json = reader.object
        if let fault { throw reader.failure(fault.member, fault.reason) }
    }

    /// What makes the retention settings unusable, if anything does.
    var fault: (member: String, reason: String)? {
        let branchOnly: [(String, Int64?)] = [
            ("min-snapshots-to-keep", minSnapshotsToKeep.map { Int64($0) }),
            ("max-snapshot-age-ms", maxSnapshotAgeMilliseconds),
        ]
        if kind == .tag, let (member, _) = branchOnly.first(where: { $0.1 != nil }) {
            return (member, "is only for branches")
        }
        for (member, value) in branchOnly + [("max-ref-age-ms", maxRefAgeMilliseconds)] {
            if let value, value <= 0 { return (member, "must be above zero, but is \(value)") }
        }
        return nil
    }

    /// Whether it says more than which snapshot it names.
    var hasRetention: Bool {
        minSnapshotsToKeep != nil || maxSnapshotAgeMilliseconds != nil
            || maxRefAgeMilliseconds != nil
    }
}
