// SPDX-License-Identifier: Apache-2.0

/// The path in the local file system that a location means.
///
/// - `/a/b`, `file:/a/b` and `file:///a/b` are the absolute path `/a/b`.
/// - `a/b` and `file://a/b` lie under the base folder that the storage was given, if it was given
///   one.
/// - Everything after the scheme is literal: `%20` is three characters. Iceberg's Java code,
///   PyIceberg and DuckDB write and read `file:` locations that way, RFC 8089 notwithstanding.
/// - A `..` segment, a NUL, every other scheme and, without a base folder, a host name
///   (`file://host/a`) are refused.
struct LocalPath: Hashable, Sendable {
    /// What is passed to system calls.
    let text: String

    private init(text: String) { self.text = text }

    init(_ location: Location, base: LocalPath?) throws(StorageError) {
        let path = try Self.path(of: location, hasBase: base != nil)
        guard !path.utf8.isEmpty else {
            throw .unsupported(location, reason: "the path is empty")
        }
        guard !path.utf8.contains(0) else {
            throw .unsupported(location, reason: "the path contains a NUL character")
        }
        let segments = path.utf8.split(separator: UInt8(ascii: "/"))
        guard !segments.contains(where: { $0.elementsEqual("..".utf8) }) else {
            throw .unsupported(location, reason: "the path contains a \"..\" segment")
        }
        if path.utf8.first == UInt8(ascii: "/") {
            text = path
        } else if let base {
            text = base.text + "/" + path
        } else {
            throw .unsupported(
                location,
                reason: "the path is relative and no base folder is configured for relative paths")
        }
    }

    private static func path(
        of location: Location, hasBase: Bool
    ) throws(StorageError) -> String {
        guard let scheme = location.scheme else { return location.rawValue }
        guard scheme == "file" else {
            throw .unsupported(location, reason: "\(scheme) is not a scheme of local files")
        }
        let rest = location.rawValue.utf8.dropFirst("file:".utf8.count)
        if rest.starts(with: "///".utf8) { return String(Substring(rest.dropFirst(2))) }
        if rest.starts(with: "//".utf8) {
            // PyIceberg, given a relative warehouse, writes these and reads them as relative paths.
            guard hasBase else {
                throw .unsupported(location, reason: "a file: location names a host")
            }
            return String(Substring(rest.dropFirst(2)))
        }
        guard rest.first == UInt8(ascii: "/") else {
            throw .unsupported(location, reason: "a file: location must be an absolute path")
        }
        return String(Substring(rest))
    }

    /// The folder it lies in; the root lies in itself.
    var parent: LocalPath {
        guard let slash = text.utf8.lastIndex(of: UInt8(ascii: "/")) else {
            return LocalPath(text: ".")
        }
        return LocalPath(text: slash == text.startIndex ? "/" : String(text[..<slash]))
    }

    /// A name in this folder.
    func appending(_ name: String) -> LocalPath {
        LocalPath(text: text.utf8.last == UInt8(ascii: "/") ? text + name : text + "/" + name)
    }

    /// Whether it ends in a slash, so that it can only be a folder.
    var isFolder: Bool { text.utf8.last == UInt8(ascii: "/") }
}
