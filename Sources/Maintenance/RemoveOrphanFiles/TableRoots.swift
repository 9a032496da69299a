// SPDX-License-Identifier: Apache-2.0

package import IcebergSpec
package import IcebergTable
package import ObjectStorage

/// The folders that a table keeps its files in, as its metadata says (P-11).
package struct TableRoots: Sendable {
    /// One folder: its location without slashes at the end, and its key.
    package struct Root: Hashable, Sendable {
        /// The folder, as it is spelled.
        package let location: Location
        /// The bytes that all spellings of it share.
        package let key: [UInt8]

        /// Takes a folder.
        package init(_ text: String, _ matching: PathMatching) {
            var bytes = text.utf8[...]
            while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
            location = Location(String(Substring(bytes)))
            var key = matching.key(of: location.rawValue)
            while key.count > 2, key.last == UInt8(ascii: "/") { key.removeLast() }
            self.key = key
        }

        /// Whether a key is of something below this folder: whole segments count (P-03).
        package func contains(_ other: some Collection<UInt8>) -> Bool {
            other.count > key.count && other.starts(with: key)
                && other.dropFirst(key.count).first == UInt8(ascii: "/")
        }

        /// Whether either folder holds the other, or both are one.
        package func overlaps(_ other: Root) -> Bool {
            key == other.key || contains(other.key) || other.contains(key)
        }
    }

    /// The folders, none inside another.
    package let roots: [Root]
    /// The folders that hold metadata files.
    package let metadataFolders: [Root]
    /// Folders that the table names but that are not looked through, with the reason.
    package let skipped: [String]

    private static let pathProperties = [
        "write.data.path", "write.folder-storage.path", "write.object-storage.path",
        "write.metadata.path",
    ]

    /// Reads them from a table's metadata.
    package init(_ metadata: TableMetadata, _ matching: PathMatching) {
        let base = Root(metadata.location, matching)
        let properties = metadata.properties
        var all = [base]
        var skipped: [String] = []
        let isHashed = properties["write.object-storage.enabled"]?.lowercased() == "true"
        for name in Self.pathProperties {
            guard let path = properties[name], !path.isEmpty else { continue }
            let root = Root(path, matching)
            // Hashed names of many tables lie side by side under such a folder (P-11).
            if isHashed, name != "write.metadata.path", root.key != base.key,
                !base.contains(root.key)
            {
                skipped.append(
                    "\(root.location) was not looked through: with write.object-storage.enabled "
                        + "other tables may write there too")
                continue
            }
            all.append(root)
        }
        self.skipped = skipped
        roots = Self.outermost(all)
        var folders = [Root(base.location.appending("metadata").rawValue, matching)]
        if let path = properties["write.metadata.path"], !path.isEmpty {
            folders.append(Root(path, matching))
        }
        metadataFolders = folders
    }

    /// Every folder that the table may have files in, also those that are not looked through.
    package static func claimed(by metadata: TableMetadata, _ matching: PathMatching) -> [Root] {
        let paths = pathProperties.compactMap { metadata.properties[$0] }.filter { !$0.isEmpty }
        return outermost(([metadata.location] + paths).map { Root($0, matching) })
    }

    private static func outermost(_ roots: [Root]) -> [Root] {
        var kept: [Root] = []
        for root in roots where !kept.contains(where: { $0.key == root.key }) {
            if !roots.contains(where: { $0.contains(root.key) }) { kept.append(root) }
        }
        return kept
    }
}

extension TableRoots {
    /// The folders to look through, where a request names one: it must be one of the table's, or
    /// inside one.
    package func narrowed(
        to location: String?, _ matching: PathMatching
    ) throws(OrphanRefusal) -> [Root] {
        guard let location else { return roots }
        let wanted = Root(location, matching)
        guard roots.contains(where: { $0.key == wanted.key || $0.contains(wanted.key) }) else {
            throw .notOfTable(location, roots: roots.map(\.location.rawValue))
        }
        return [wanted]
    }

    /// The table's folder that a folder is or lies in.
    package func home(of root: Root) -> Root? {
        roots.first { $0.key == root.key || $0.contains(root.key) }
    }

    /// Refuses a bucket's or file system's root (P-14), and what the operator does not allow
    /// (P-19).
    package static func check(
        _ root: Root, allowed: AllowedPrefixes
    ) throws(OrphanRefusal) {
        var text = root.location.rawValue
        let depth = text.withUTF8 { bytes -> Int in
            let parts = PathParts(UnsafeRawBufferPointer(bytes))
            return parts.path.split(separator: UInt8(ascii: "/")).count
        }
        guard depth > 0 else { throw .rootTooShallow(root.location.rawValue) }
        // What is below a root is below the prefixes that the root is, or is below.
        guard allowed.allows(root.location.appending("file").rawValue) else {
            throw .rootNotAllowed(root.location.rawValue)
        }
    }
}
