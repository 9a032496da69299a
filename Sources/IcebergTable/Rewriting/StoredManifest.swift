// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec

/// A manifest that was written and that no snapshot lists yet.
public struct StoredManifest: Hashable, Sendable {
    /// Its row in a manifest list, but for what the commit decides.
    public var row: ManifestFile
    /// How many rows inherit their ids from it (v3).
    public let unassignedRowCount: Int64

    /// Pairs a row with a count.
    public init(row: ManifestFile, unassignedRowCount: Int64) {
        self.row = row
        self.unassignedRowCount = unassignedRowCount
    }
}
