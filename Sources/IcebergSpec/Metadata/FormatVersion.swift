// SPDX-License-Identifier: Apache-2.0

/// The versions of the table specification that are understood.
///
/// A table of another version is refused: a later one may give a member another meaning (P-65).
public enum FormatVersion: Int, Hashable, Comparable, CaseIterable, Sendable {
    /// Analytic tables.
    case v1 = 1
    /// Row-level deletes and sequence numbers.
    case v2 = 2
    /// Deletion vectors, row lineage, more types.
    case v3 = 3

    /// Whether the left one is older.
    public static func < (left: FormatVersion, right: FormatVersion) -> Bool {
        left.rawValue < right.rawValue
    }
}
