// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// The arguments of `remove_orphan_files`, typed.
public struct RemoveOrphanFilesOptions: Hashable, Sendable {
    /// What becomes of a file whose path is a live file's but for scheme or authority.
    public enum PrefixMismatch: String, Hashable, Sendable {
        /// The whole action is refused.
        case error = "ERROR"
        /// The file stays.
        case ignore = "IGNORE"
        /// The file counts as an orphan; needs a second confirmation (P-04).
        case delete = "DELETE"
    }

    /// What becomes of an orphan.
    public enum Mode: String, Hashable, Sendable {
        /// It moves below `.icepack-quarantine` and can be brought back.
        case quarantine
        /// It is removed for good.
        case delete
    }

    /// Files written before this may be orphans; nil for the table's policy.
    public var olderThan: Timestamp?
    /// The folder to look through; nil for all of the table's.
    public var location: String?
    /// Whether orphans are only counted.
    public var isDryRun: Bool
    /// How many removals may be under way at once; nil for the engine's choice.
    public var maxConcurrentDeletes: Int?
    /// Schemes that mean another: one or several, separated by commas, to the one they mean.
    public var equalSchemes: [String: String]
    /// Authorities that mean another, written alike.
    public var equalAuthorities: [String: String]
    /// What becomes of a file whose prefix differs from a live file's.
    public var prefixMismatch: PrefixMismatch
    /// The second confirmation that ``PrefixMismatch/delete`` needs.
    public var confirmsPrefixMismatch: Bool
    /// What becomes of orphans.
    public var mode: Mode
    /// A file that lists the objects, instead of listing the store.
    public var inventory: String?
    /// Whether a view of Spark's was named, which this engine cannot read.
    public var hasFileListView: Bool
    /// Tables that are no more, whose metadata lies below the roots and may go (P-02).
    public var adoptedTableUUIDs: [String]
    /// Tables of the catalog that cannot be read and are known not to share a folder.
    public var ignoredTables: [String]
    /// Whether names that begin with `_` or `.` stay, as Spark's procedure has it (P-09).
    public var skipsHidden: Bool

    /// Reads validated options.
    ///
    /// `prefix_listing` and `stream_results` change nothing here: stores are always listed by
    /// prefix, and results never held.
    public init(_ options: ActionOptions) {
        olderThan = options.timestamp("older_than")
        location = options.text("location")
        isDryRun = options.boolean("dry_run") ?? false
        maxConcurrentDeletes = options.integer("max_concurrent_deletes")
        equalSchemes = options.texts("equal_schemes")
        equalAuthorities = options.texts("equal_authorities")
        prefixMismatch =
            options.text("prefix_mismatch_mode").flatMap(PrefixMismatch.init) ?? .error
        confirmsPrefixMismatch = options.boolean("confirm_prefix_mismatch_delete") ?? false
        mode = options.text("mode").flatMap(Mode.init) ?? .quarantine
        inventory = options.text("inventory")
        hasFileListView = options.text("file_list_view") != nil
        adoptedTableUUIDs = options.textList("adopt_table_uuids")
        ignoredTables = options.textList("ignore_tables")
        skipsHidden = options.boolean("skip_hidden") ?? false
    }
}

extension RemoveOrphanFilesOptions {
    /// Refuses what no engine of ours takes, and what needs another word.
    ///
    /// - Parameter isListed: whether another engine has listed the files; then a view of its own
    ///   is its business.
    package func check(isListed: Bool = false) throws(OrphanRefusal) {
        if hasFileListView, !isListed {
            throw .unsupported(
                argument: "file_list_view",
                instead: "name a file with a list of paths as inventory instead")
        }
        if prefixMismatch == .delete, !confirmsPrefixMismatch { throw .unconfirmedDelete }
    }
}

extension ActionOptions {
    /// The texts of an option that is an object.
    func texts(_ name: String) -> [String: String] {
        let members = values[name]?.objectValue?.members ?? []
        return members.reduce(into: [:]) { $0[$1.key] = $1.value.stringValue }
    }

    /// The texts of an option that is a list.
    func textList(_ name: String) -> [String] {
        values[name]?.arrayValue?.compactMap(\.stringValue) ?? []
    }
}
