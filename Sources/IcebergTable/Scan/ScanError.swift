// SPDX-License-Identifier: Apache-2.0

import ObjectStorage

/// Why the files of a snapshot cannot be told; whatever was seen is not the whole.
public enum ScanError: Error, Hashable, Sendable {
    /// A manifest list or a manifest cannot be read.
    case manifest(ManifestError)
    /// The snapshot is encrypted, and there are no keys (P-16).
    case encrypted(snapshotID: Int64)
    /// The table contradicts itself.
    case corrupt(reason: String)
    /// More than is held in memory.
    case tooLarge(reason: String)
    /// The task was cancelled.
    case cancelled
}

extension ScanError {
    /// Whether trying again may help.
    public var isPassing: Bool {
        switch self {
        case .manifest(.storage(.unavailable(_, reason: _))): true
        case .manifest, .encrypted, .corrupt, .tooLarge, .cancelled: false
        }
    }
}

extension ScanError: CustomStringConvertible {
    /// A sentence for a person.
    public var description: String {
        switch self {
        case .manifest(let error): error.description
        case .encrypted(let id):
            "snapshot \(id) is encrypted, and encrypted tables are not supported"
        case .corrupt(let reason), .tooLarge(let reason): reason
        case .cancelled: "the action was cancelled"
        }
    }
}
