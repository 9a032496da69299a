// SPDX-License-Identifier: Apache-2.0

import ObjectStorage

/// What an object below a table's folder is, by its path alone.
///
/// Names are raw: `_part=1/` is a folder like any other, and hidden files may be orphans unless the
/// request says otherwise (P-09).
package struct ListedFileRules: Sendable {
    /// What to do with a listed object.
    package enum Verdict: Hashable, Sendable {
        /// An orphan, if it is old and nothing needs it.
        case candidate
        /// Table metadata, which must be this table's; an orphan if it is old and not needed.
        case metadata
        /// Stays, whatever its age.
        case kept
        /// Not looked at: what was moved away, and what belongs to another table.
        case skipped
        /// Belongs to a table of another format.
        case foreignFormat
    }

    /// The folder that orphans move to, below a root.
    package static let quarantineFolder = ".icepack-quarantine"
    /// The folders in which other formats keep their logs.
    static let foreignFolders: Set<String> = ["_delta_log", ".hoodie"]
    /// Where a folder tells whose it is: the logs of other formats, and table metadata.
    package static let tellingFolders = foreignFolders.sorted() + ["metadata"]
    /// How the names of files end that tables keep in their metadata folder (P-07).
    static let metadataSuffixes = [
        ".avro", ".metadata.json", ".metadata.json.gz", ".puffin", ".stats", ".parquet",
        LocalStorage.partialSuffix,
    ]
    /// The file that says which version is current, in Hadoop's layout and nowhere else.
    package static let versionHint = "version-hint.text"

    private let metadataFolders: [TableRoots.Root]
    private let excluded: [TableRoots.Root]
    private let skipsHidden: Bool

    /// Takes the table's metadata folders and the folders of other tables.
    package init(
        metadataFolders: [TableRoots.Root], excluded: [TableRoots.Root], skipsHidden: Bool
    ) {
        self.metadataFolders = metadataFolders
        self.excluded = excluded
        self.skipsHidden = skipsHidden
    }

    /// Judges an object.
    ///
    /// - Parameters:
    ///   - key: its key, see ``PathMatching``.
    ///   - relative: its path below the root that was listed.
    package func verdict(
        key: UnsafeRawBufferPointer, relative: Substring.UTF8View
    ) -> Verdict {
        let segments = relative.split(separator: UInt8(ascii: "/"))
        // A name that ends in a slash is how object stores' tools mark a folder.
        guard let name = segments.last, relative.last != UInt8(ascii: "/") else { return .skipped }
        for segment in segments {
            if segment.elementsEqual(Self.quarantineFolder.utf8) { return .skipped }
        }
        if excluded.contains(where: { $0.contains(key) }) { return .skipped }
        for segment in segments.dropLast() where Self.isForeign(segment) { return .foreignFormat }
        let text = String(Substring(name))
        if text == Self.versionHint { return .kept }
        if text.hasSuffix(".metadata.json") || text.hasSuffix(".metadata.json.gz") {
            return .metadata
        }
        if skipsHidden, segments.contains(where: Self.isHidden) { return .kept }
        let isInMetadata = metadataFolders.contains { $0.contains(key) }
        let isKnown = !isInMetadata || Self.metadataSuffixes.contains { text.hasSuffix($0) }
        return isKnown ? .candidate : .kept
    }

    private static func isForeign(_ segment: Substring.UTF8View) -> Bool {
        foreignFolders.contains { segment.elementsEqual($0.utf8) }
    }

    /// Spark's rule: a name with `_` or `.` in front, but for folders of partition values.
    private static func isHidden(_ segment: Substring.UTF8View) -> Bool {
        guard let first = segment.first else { return false }
        let isMarked = first == UInt8(ascii: "_") || first == UInt8(ascii: ".")
        return isMarked && !segment.contains(UInt8(ascii: "="))
    }
}
