// SPDX-License-Identifier: Apache-2.0

package import WireFormat

/// Why orphans of a table are not looked for, or not removed; nothing was changed.
package enum OrphanRefusal: Error, Hashable, Sendable {
    /// `gc.enabled` is off: the table does not own its files (P-15).
    case garbageCollectionOff
    /// The table is encrypted (P-16).
    case encrypted(property: String)
    /// The age asked for is below the floor (P-05).
    case tooYoung(Timestamp)
    /// A root is a whole bucket or file system (P-14).
    case rootTooShallow(String)
    /// A root lies outside what the operator allows (P-19).
    case rootNotAllowed(String)
    /// The location asked for is in none of the table's folders.
    case notOfTable(String, roots: [String])
    /// Another table of the catalog has the same folder (P-01).
    case sharedRoot(String, with: String)
    /// A table of the catalog cannot be read, so nobody knows where its files are (P-01).
    case unreadableNeighbour(String, reason: String)
    /// Metadata of another table lies below a root (P-01).
    case foreignMetadata(String, uuid: String?)
    /// A uuid that was to be adopted belongs to a table that lives (P-02).
    case adoptedAlive(uuid: String, table: String)
    /// Another format keeps its log below a root, and may share the data files.
    case foreignFormat(String)
    /// Nothing, or not even the current metadata file, was listed (P-13).
    case incompleteListing(String)
    /// A file's path is a live file's but for scheme or authority (P-04).
    case prefixMismatch(listed: String, live: String, count: Int)
    /// A file is called as a live file that was not listed where the metadata has it (P-10).
    case nearMiss(listed: String, live: String, count: Int)
    /// `DELETE` needs a second confirmation (P-04).
    case unconfirmedDelete
    /// An argument that this engine does not take, with what to do instead.
    case unsupported(argument: String, instead: String)
    /// The inventory cannot be used.
    case inventory(String)
    /// The store's clock and ours are too far apart.
    case clocks(milliseconds: Int64)

    /// The machine's name for it.
    package var code: String {
        switch self {
        case .garbageCollectionOff: "gc_disabled"
        case .encrypted: "encrypted_table"
        case .tooYoung: "older_than_too_recent"
        case .rootTooShallow: "root_too_shallow"
        case .rootNotAllowed: "root_not_allowed"
        case .notOfTable: "location_not_of_table"
        case .sharedRoot: "shared_location"
        case .unreadableNeighbour: "unreadable_table"
        case .foreignMetadata, .adoptedAlive: "foreign_table_metadata"
        case .foreignFormat: "foreign_format"
        case .incompleteListing: "incomplete_listing"
        case .prefixMismatch, .unconfirmedDelete: "prefix_mismatch"
        case .nearMiss: "near_miss"
        case .unsupported: "unsupported_option"
        case .inventory: "unusable_inventory"
        case .clocks: "clock_skew"
        }
    }
}

extension OrphanRefusal: CustomStringConvertible {
    /// A sentence that says what to change.
    package var description: String {
        switch self {
        case .garbageCollectionOff:
            "\(ExpireSnapshotsPlanner.gcProperty) is off: the table's files may belong to other "
                + "tables, so orphans are not looked for"
        case .encrypted(let property):
            "the table is encrypted (\(property) is set), and its files cannot be told apart "
                + "without its keys"
        case .tooYoung(let time):
            "older_than is \(time): files younger than 24 hours may belong to a writer that has "
                + "not committed yet; name an earlier time"
        case .rootTooShallow(let root):
            "\(root) is a whole bucket or file system; orphans are looked for in folders only"
        case .rootNotAllowed(let root):
            "\(root) is not below any of the prefixes where files may be removed "
                + "(ICEPACK_REMOVAL_PREFIXES)"
        case .notOfTable(let location, let roots):
            "location \(location) is in none of the table's folders: "
                + roots.joined(separator: ", ")
        case .unsupported(let argument, let instead): "\(argument) is not taken here; \(instead)"
        case .inventory(let reason): "the inventory cannot be used: \(reason)"
        case .clocks(let lag):
            "the store's clock differs from this machine's by \(lag) ms, so the ages of files "
                + "cannot be told; set the clocks"
        case .incompleteListing(let reason): "the listing cannot be whole: \(reason)"
        case .sharedRoot(let root, let table):
            "\(table) has the folder \(root) too: which of the two a file belongs to cannot be told"
        case .unreadableNeighbour(let table, let reason): Self.unreadable(table, reason)
        case .foreignMetadata(let path, let uuid): Self.foreign(path, uuid)
        case .adoptedAlive(let uuid, let table):
            "adopt_table_uuids names \(uuid), which is the table \(table)"
        case .foreignFormat(let path):
            "\(path) belongs to a table of another format, which may share the data files"
        case .prefixMismatch(let listed, let live, let count):
            Self.prefixMismatch(listed, live, count)
        case .nearMiss(let listed, let live, let count): Self.nearMiss(listed, live, count)
        case .unconfirmedDelete:
            "prefix_mismatch_mode DELETE needs confirm_prefix_mismatch_delete as well: files that "
                + "are only spelled otherwise would be lost"
        }
    }

    private static func unreadable(_ table: String, _ reason: String) -> String {
        "\(table) is in the catalog but cannot be read, so it may have files in this table's "
            + "folders (\(reason)); repair or drop it, or name it in ignore_tables"
    }

    private static func foreign(_ path: String, _ uuid: String?) -> String {
        guard let uuid else {
            return "\(path) looks like table metadata but does not say of which table; remove it "
                + "by hand if nobody needs it"
        }
        return "\(path) is metadata of another table, \(uuid); if that table is no more, name its "
            + "uuid in adopt_table_uuids"
    }

    private static func prefixMismatch(_ listed: String, _ live: String, _ count: Int) -> String {
        "\(count) listed files, such as \(listed), have the path of a live file under another "
            + "scheme or authority (\(live)); name those that mean the same in equal_schemes "
            + "or equal_authorities, or set prefix_mismatch_mode"
    }

    private static func nearMiss(_ listed: String, _ live: String, _ count: Int) -> String {
        "\(count) listed files, such as \(listed), are called as live files that were not "
            + "found where the metadata has them (\(live)); if they are others, set "
            + "prefix_mismatch_mode to IGNORE, which keeps them"
    }
}
