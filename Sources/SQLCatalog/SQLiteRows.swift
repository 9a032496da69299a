// SPDX-License-Identifier: Apache-2.0

import GRDB
import Glibc
import IcebergCatalog
import ObjectStorage

/// `iceberg_tables` in an SQLite file.
///
/// The file is opened for each call, so that one that was restored from a backup, or moved away, is
/// noticed instead of being written to unseen. It belongs to others too: it must be there already,
/// and its journal mode is left as it is.
struct SQLiteRows: Sendable {
    let path: String

    /// How long a call waits for other users of the file.
    static let busyTimeoutSeconds = 10.0

    func list(catalog: String) async throws(CatalogError) -> [(namespace: String, name: String)] {
        let rows = try await reading { database in
            try Row.fetchAll(
                database, sql: Self.dialect(try schema(database).list), arguments: [catalog]
            ).compactMap { row -> [String]? in
                // SQLite lets keys be null, or numbers; nothing can be found under such a key.
                guard let namespace = Self.text(row[0]), let name = Self.text(row[1]) else {
                    return nil
                }
                return [namespace, name]
            }
        }
        return rows.map { ($0[0], $0[1]) }
    }

    func find(_ key: CatalogKey) async throws(CatalogError) -> CatalogPointer {
        try await reading { database in
            let row = try Row.fetchOne(
                database, sql: Self.dialect(try schema(database).find),
                arguments: [key.catalog, key.namespace, key.name])
            return row.map { CatalogPointer(Self.text($0[0])) } ?? .missing
        }
    }

    /// SQLite numbers parameters with `?1`; `$1` would be a name, counted by first appearance.
    private static func dialect(_ sql: String) -> String {
        String(sql.map { $0 == "$" ? "?" : $0 })
    }

    /// Nil for anything but text: the database is not ours, and its columns take every type.
    private static func text(_ value: DatabaseValue) -> String? {
        String.fromDatabaseValue(value)
    }

    func swap(
        _ key: CatalogKey, from: Location, to: Location, under commitGuard: CommitGuard
    ) async -> SwapOutcome {
        await BlockingPool.shared.run {
            var isCommitting = false
            var isForbidden = false
            do {
                var changedRows = 0
                try open().writeWithoutTransaction { database in
                    try database.inTransaction(.immediate) {
                        try database.execute(
                            sql: Self.dialect(try schema(database).swap),
                            arguments: [
                                key.catalog, key.namespace, key.name, to.rawValue, from.rawValue,
                            ])
                        changedRows = database.changesCount
                        // Asked here, because getting the lock may have taken its time.
                        isForbidden = !commitGuard.isOpen()
                        isCommitting = !isForbidden
                        return isForbidden ? .rollback : .commit
                    }
                }
                if isForbidden { return .refused(CommitGuard.refusal) }
                return SwapOutcome(changedRows: changedRows)
            } catch {
                return Self.outcome(of: error, isCommitting: isCommitting)
            }
        }
    }

    /// What a failed swap did.
    ///
    /// A failure before COMMIT rolls back. One of COMMIT itself does so for certain only where
    /// SQLite says that somebody else was in the way.
    private static func outcome(of error: any Error, isCommitting: Bool) -> SwapOutcome {
        let failure = catalogError(error)
        if isCommitting, (error as? DatabaseError)?.resultCode != .SQLITE_BUSY {
            return .unknown(reason: failure.description)
        }
        return .refused(CommitRefusal(reading: failure))
    }

    private func reading<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(CatalogError) -> Value {
        try await BlockingPool.shared.run { () -> Result<Value, CatalogError> in
            do {
                return .success(try open().read(body))
            } catch {
                return .failure(Self.catalogError(error))
            }
        }.get()
    }

    private func open() throws -> DatabaseQueue {
        var status = stat()
        guard stat(path, &status) == 0 else {
            // SQLite would make an empty database here.
            throw CatalogError.denied(reason: "there is no SQLite database at \(path)")
        }
        var configuration = Configuration()
        configuration.label = "catalog"
        configuration.busyMode = .timeout(Self.busyTimeoutSeconds)
        configuration.foreignKeysEnabled = false
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    private func schema(_ database: Database) throws -> CatalogSchema {
        guard try database.tableExists("iceberg_tables") else { throw CatalogError.noCatalogTables }
        let columns = try database.columns(in: "iceberg_tables")
        return columns.contains { $0.name.lowercased() == "iceberg_type" } ? .v1 : .v0
    }

    private static func catalogError(_ error: any Error) -> CatalogError {
        if let error = error as? CatalogError { return error }
        guard let error = error as? DatabaseError else {
            return .unavailable(reason: "SQLite: \(error)")
        }
        let reason = "SQLite: \(error.message ?? error.resultCode.description)"
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_IOERR, .SQLITE_NOMEM, .SQLITE_FULL,
            .SQLITE_INTERRUPT, .SQLITE_SCHEMA:
            return .unavailable(reason: reason)
        default: return .denied(reason: reason)
        }
    }
}
