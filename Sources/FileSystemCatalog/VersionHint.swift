// SPDX-License-Identifier: Apache-2.0

/// What `version-hint.text` says: where a reader begins to look for the current metadata file.
///
/// Only a hint. It is written after the metadata file that makes a commit, so it may be behind.
enum VersionHint: Hashable, Sendable {
    /// `12`, as Iceberg's Hadoop catalog writes it.
    case version(Int)
    /// The middle of another name, such as `00001-<uuid>`: other tools leave these beside tables
    /// whose catalog is elsewhere.
    case name(String)

    /// The file's name.
    static let fileName = "version-hint.text"
    /// Where Hadoop's local file system keeps the check sum of that file.
    static let checksumFileName = ".version-hint.text.crc"
    /// The most bytes of it that are read; more is no hint.
    static let maximumByteCount = 1024

    /// Nil if it says nothing that could be part of a name.
    init?(_ bytes: [UInt8]) {
        let line = bytes.prefix { $0 != 0x0A && $0 != 0x0D }
        guard let text = String(validating: line, as: UTF8.self) else { return nil }
        let trimmed = text.filter { $0 != " " && $0 != "\t" }
        guard !trimmed.isEmpty,
            trimmed.utf8.allSatisfy({ $0 > 0x20 && $0 != UInt8(ascii: "/") && $0 != 0x7F })
        else { return nil }
        if let version = Int32(trimmed) {
            guard version > 0 else { return nil }
            self = .version(Int(version))
        } else {
            self = .name(trimmed)
        }
    }
}
