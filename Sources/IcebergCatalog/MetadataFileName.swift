// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import IcebergSpec
package import ObjectStorage

/// How metadata files are compressed: `write.metadata.compression-codec`.
package enum MetadataCompression: Hashable, Sendable {
    /// `none`, which is also what no setting means.
    case none
    /// `gzip`.
    case gzip

    /// The table property that chooses.
    package static let property = "write.metadata.compression-codec"

    /// What a table asks for; nil for a codec that no other reader of metadata knows.
    package init?(of metadata: TableMetadata) {
        switch metadata.properties[Self.property]?.lowercased() {
        case nil, "none", "": self = .none
        case "gzip": self = .gzip
        default: return nil
        }
    }

    /// How names of such files end.
    package var suffix: String {
        switch self {
        case .none: ".metadata.json"
        case .gzip: ".gz.metadata.json"
        }
    }
}

/// The names of metadata files in catalogs that keep a pointer: `00012-<uuid>.metadata.json`.
package enum MetadataFileName {
    /// The folder of metadata files below a table's location.
    package static let folderName = "metadata"
    /// The table property that puts them elsewhere.
    package static let pathProperty = "write.metadata.path"

    /// The name of the file to follow another, as Iceberg's Java code and PyIceberg number them:
    /// a name without a number counts as −1.
    package static func next(after location: Location, _ compression: MetadataCompression) -> String
    {
        let version = version(of: location).map { $0 + 1 } ?? 0
        let digits = String(version)
        let padding = String(repeating: "0", count: max(0, 5 - digits.count))
        return "\(padding)\(digits)-\(UUID().uuidString.lowercased())\(compression.suffix)"
    }

    /// The number before the first dash of a name, if there is one.
    package static func version(of location: Location) -> Int? {
        let name = location.lastComponent
        guard let dash = name.firstIndex(of: "-"), let version = Int32(name[..<dash]), version >= 0
        else { return nil }
        return Int(version)
    }

    /// Whether a name is one that metadata files have.
    package static func isMetadata(_ location: Location) -> Bool {
        let name = location.lastComponent
        return name.hasSuffix(".metadata.json") || name.hasSuffix(".metadata.json.gz")
    }

    /// Where a table's new metadata files belong.
    package static func folder(of metadata: TableMetadata) -> Location {
        guard let path = metadata.properties[pathProperty], !path.isEmpty else {
            return Location(withoutTrailingSlashes(metadata.location)).appending(folderName)
        }
        return Location(withoutTrailingSlashes(path))
    }

    private static func withoutTrailingSlashes(_ path: String) -> String {
        var bytes = path.utf8[...]
        while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        return String(Substring(bytes))
    }
}
