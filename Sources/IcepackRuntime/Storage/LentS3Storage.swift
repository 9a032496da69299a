// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import S3Storage

/// The S3 storage of one table whose catalog lends credentials for it, by prefix.
///
/// A location for which it lends none is refused: our own credentials may reach other tables'
/// files, and a table's metadata, which its users write, decides what is asked for (P-19).
struct LentS3Storage: RoutedStorage {
    /// A store for whatever is spelled with a prefix, as ``spelling(of:)`` has it.
    struct Share: Sendable {
        let prefix: String
        let store: S3Storage
    }

    let stores: [any ObjectStorage]
    private let shares: [Share]

    /// Takes the shares; of those that fit a location the one with the longest prefix serves it.
    init(_ shares: [Share]) {
        self.shares = shares.sorted { $0.prefix.utf8.count > $1.prefix.utf8.count }
        stores = self.shares.map(\.store)
    }

    /// A location with its scheme as `s3`, which `s3a` and `s3n` are as well (P-04).
    static func spelling(of location: String) -> String {
        let scheme = location.prefix { $0 != ":" }
        guard S3Storage.schemes.contains(scheme.lowercased()) else { return location }
        return "s3" + location.dropFirst(scheme.count)
    }

    func index(for location: Location) throws(StorageError) -> Int {
        let text = Self.spelling(of: location.rawValue)
        let found = shares.firstIndex { share in
            text.utf8.starts(with: share.prefix.utf8)
                // A listing of the very folder that was lent.
                || share.prefix.utf8.elementsEqual((text + "/").utf8)
        }
        guard let found else {
            throw .unsupported(location, reason: "the catalog lends no credentials for it")
        }
        return found
    }
}
