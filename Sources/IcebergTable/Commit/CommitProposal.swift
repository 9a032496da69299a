// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
public import IcebergSpec

/// What somebody wants to commit to a table as it was loaded.
public struct CommitProposal: Sendable {
    /// The changes, in their order.
    public let updates: [TableUpdate]
    /// What must still hold.
    public let requirements: [TableRequirement]
    /// Whether a table shows that these changes were applied to it, whatever came after.
    ///
    /// Asked only when the catalog's reply got lost and its metadata log does not tell. It must
    /// never say yes of a table to which they were not applied: "our snapshot is in it" will do
    /// (P-30), "the snapshots we removed are not" will not if others remove snapshots too.
    public let isApplied: @Sendable (LoadedTable) -> Bool

    /// Takes every field.
    public init(
        updates: [TableUpdate], requirements: [TableRequirement],
        isApplied: @escaping @Sendable (LoadedTable) -> Bool
    ) {
        self.updates = updates
        self.requirements = requirements
        self.isApplied = isApplied
    }
}

/// How committing to a table ended.
public enum CommitResult: Sendable {
    /// It is in the table. The table is one that holds it: the next version, or a later one when
    /// the reply got lost and the table was read back.
    case committed(LoadedTable, attempts: Int)
    /// The table as it is needs no change.
    case unneeded(LoadedTable)
    /// It is not in the table and never will be: files that only it would have used may go (P-32).
    case refused(CommitRefusal, attempts: Int)
    /// It may be in the table: nothing may be cleaned up (P-30).
    case unknown(reason: String)
}
