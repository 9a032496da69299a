// SPDX-License-Identifier: Apache-2.0

public import AvroFormat
public import ObjectStorage

/// Why a manifest list or a manifest cannot be read.
///
/// Whoever decides what to delete stops at any of these: an unreadable manifest is not an empty
/// one (P-08).
public enum ManifestError: Error, Hashable, Sendable {
    /// The bytes did not come; the storage error says whether to try again.
    case storage(StorageError)
    /// The file is encrypted, and this program has no keys (P-16, P-66).
    case encrypted(Location)
    /// The file is not the Avro that it should be.
    case malformed(Location, AvroError)
    /// The file is for a format version that this program does not know.
    case unknownFormatVersion(Location, String)
    /// The file is readable but contradicts the manifest list that names it.
    case inconsistent(Location, ManifestInconsistency)
}

/// What a manifest and its manifest list disagree about.
public enum ManifestInconsistency: Hashable, Sendable {
    /// The list says one content, the manifest another.
    case content(listed: String, found: String)
    /// The file is shorter than the list says, and its counts do not show that it is whole.
    case truncated(listedBytes: Int64, foundBytes: Int64)
    /// The list names no manifest, though its snapshot has files.
    case empty
    /// The list names a manifest twice.
    case duplicate
    /// Record counts that are too large to be true.
    case rowIDs(reason: String)
}

extension ManifestError: CustomStringConvertible {
    /// The text form, for logs and messages.
    public var description: String {
        switch self {
        case .storage(let error): error.description
        case .encrypted(let location):
            "\(location) is encrypted, and encrypted tables are not supported"
        case .malformed(let location, let error): "\(location) cannot be read: \(error)"
        case .unknownFormatVersion(let location, let version):
            "\(location) has format version \(version); versions 1 to 3 are supported"
        case .inconsistent(let location, let inconsistency): "\(location) \(inconsistency)"
        }
    }
}

extension ManifestInconsistency: CustomStringConvertible {
    /// The text form, for logs and messages: what follows the manifest's location.
    public var description: String {
        switch self {
        case .content(let listed, let found):
            "is listed as a manifest of \(listed) but holds \(found)"
        case .truncated(let listedBytes, let foundBytes):
            "has \(foundBytes) bytes where its manifest list says \(listedBytes)"
        case .empty: "names no manifest, though its snapshot says that it has files"
        case .duplicate: "names a manifest twice"
        case .rowIDs(let reason): "cannot be given row ids: \(reason)"
        }
    }
}
