// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import ObjectStorage

/// Why a store that expires snapshots by itself leaves a table's alone (P-28).
///
/// Amazon S3 Tables keeps each table in a bucket of its own and expires snapshots there, but no
/// longer once the table has branches or tags, or says itself how long its snapshots are kept.
/// Nobody is told, so the snapshots pile up.
struct ManagedRetention {
    /// The end of the names of the buckets in which S3 Tables keeps tables.
    static let bucketSuffix = "--table-s3"

    /// The branches but main, and the tags, by name.
    let references: [String]
    /// The table's own retention properties, by name.
    let properties: [String]

    /// Nil for a table that nobody else maintains, and for one whose store still does.
    init?(of metadata: TableMetadata) {
        // The scheme, nothing between two slashes, the bucket, and what is in it.
        let parts = metadata.location.split(separator: "/", omittingEmptySubsequences: false)
        guard Location(metadata.location).scheme != nil, parts.count > 2, parts[1].isEmpty,
            parts[2].hasSuffix(Self.bucketSuffix)
        else { return nil }
        references = metadata.refs.map(\.name).filter { $0 != SnapshotReference.mainName }.sorted()
        properties = [
            RetentionPolicy.maxSnapshotAgeProperty, RetentionPolicy.minSnapshotsProperty,
            RetentionPolicy.maxRefAgeProperty,
        ].filter { metadata.properties[$0] != nil }
        if references.isEmpty, properties.isEmpty { return nil }
    }
}
