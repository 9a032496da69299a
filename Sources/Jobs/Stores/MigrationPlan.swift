// SPDX-License-Identifier: Apache-2.0

/// One numbered change of a store's schema.
public struct Migration: Hashable, Sendable {
    /// Its number; migrations are applied in this order, without gaps, from 1.
    public let version: Int
    /// The SQL, one or more statements.
    public let sql: String

    /// Pairs a number with its SQL.
    public init(version: Int, sql: String) {
        self.version = version
        self.sql = sql
    }

    /// FNV-1a, 64 bits, of the SQL: tells an edited file from the one that was applied.
    ///
    /// It guards against mistakes, not against malice.
    public var checksum: String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in sql.utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// A row of `schema_migrations`.
public struct AppliedMigration: Hashable, Sendable {
    /// The migration's number.
    public let version: Int
    /// The checksum of the SQL that was applied.
    public let checksum: String

    /// Pairs a number with a checksum.
    public init(version: Int, checksum: String) {
        self.version = version
        self.checksum = checksum
    }
}

/// Decides which migrations a schema still needs, or that this program must not touch it.
///
/// The stores read `schema_migrations` and apply what this returns under a lock that excludes
/// every other process; the decision itself needs no database.
public struct MigrationPlan: Sendable {
    /// Every migration this program knows, by version from 1.
    public let migrations: [Migration]

    /// Takes the migrations in order; their versions must be 1, 2, 3 and so on.
    public init(_ migrations: [Migration]) {
        precondition(
            migrations.enumerated().allSatisfy { $0.element.version == $0.offset + 1 },
            "migrations are numbered from 1 without gaps")
        self.migrations = migrations
    }

    /// What is still to be applied, in order.
    ///
    /// - Throws: ``JobStoreError/corrupt(reason:)`` for a schema that is newer than this program,
    ///   a migration that has changed since it was applied, or a gap.
    public func pending(
        after applied: [AppliedMigration]
    ) throws(JobStoreError) -> ArraySlice<Migration> {
        let known = migrations.count
        if let newest = applied.map(\.version).max(), newest > known {
            throw .corrupt(
                reason: "the store's schema has version \(newest), this program knows \(known): "
                    + "use a program at least as new as the one that migrated it")
        }
        for (migration, row) in zip(migrations, applied.sorted { $0.version < $1.version }) {
            guard migration.version == row.version else {
                throw .corrupt(
                    reason: "migration \(migration.version) is missing from schema_migrations")
            }
            guard migration.checksum == row.checksum else {
                throw .corrupt(
                    reason: "migration \(migration.version) was applied with checksum "
                        + "\(row.checksum), this program has \(migration.checksum): "
                        + "a released migration must never change")
            }
        }
        return migrations.dropFirst(applied.count)
    }
}
