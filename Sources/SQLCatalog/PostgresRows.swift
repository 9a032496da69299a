// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import ObjectStorage
import Postgres

/// `iceberg_tables` in a PostgreSQL database, wherever its search path leads.
struct PostgresRows: Sendable {
    let pool: PostgresPool

    /// The most connections to the catalog's database: its calls are few and short.
    static let maximumConnections = 4

    init(_ configuration: PostgresConfiguration) {
        pool = PostgresPool(
            configuration,
            limits: PostgresPool.Limits(
                minimumConnections: 0, maximumConnections: Self.maximumConnections))
    }

    func list(catalog: String) async throws(CatalogError) -> [(namespace: String, name: String)] {
        try await translating { () throws(PostgresError) in
            let schema = try await schema()
            guard let schema else { return nil }
            var names: [(namespace: String, name: String)] = []
            for row in try await pool.query(schema.list, [.text(catalog)], effect: .reads) {
                names.append((try row.decode(0), try row.decode(1)))
            }
            return names
        }
    }

    func find(_ key: CatalogKey) async throws(CatalogError) -> CatalogPointer {
        try await translating { () throws(PostgresError) in
            guard let schema = try await schema() else { return nil }
            let rows = try await pool.query(schema.find, key.parameters, effect: .reads)
            guard let row = rows.first else { return .missing }
            return CatalogPointer(try row.decodeIfPresent(0, as: String.self))
        }
    }

    func swap(
        _ key: CatalogKey, from: Location, to: Location, under commitGuard: CommitGuard
    ) async -> SwapOutcome {
        do throws(PostgresError) {
            guard let schema = try await schema() else {
                return .refused(CommitRefusal(reading: .noCatalogTables))
            }
            let parameters = key.parameters + [.text(to.rawValue), .text(from.rawValue)]
            let changedRows: Int? = try await pool.withTransaction {
                (transaction) throws(PostgresError) in
                let result = try await transaction.query(schema.swap, parameters)
                // Asked here, because getting the row's lock may have taken its time.
                if commitGuard.isOpen() { return result.affectedRows }
                transaction.rollBackAtEnd()
                return nil
            }
            guard let changedRows else { return .refused(CommitGuard.refusal) }
            return SwapOutcome(changedRows: changedRows)
        } catch {
            switch error {
            case .outcomeUnknown, .decoding: return .unknown(reason: error.description)
            case .unavailable, .server, .cancelled, .closed, .misuse:
                return .refused(CommitRefusal(reading: Self.catalogError(error)))
            }
        }
    }

    /// Nil if there is no such table.
    private func schema() async throws(PostgresError) -> CatalogSchema? {
        let result = try await pool.query(
            """
            SELECT to_regclass('iceberg_tables') IS NOT NULL, EXISTS (
                SELECT FROM pg_attribute WHERE attrelid = to_regclass('iceberg_tables')
                AND attname = 'iceberg_type' AND NOT attisdropped)
            """, effect: .reads)
        guard let row = result.first, try row.decode(0, as: Bool.self) else { return nil }
        return try row.decode(1, as: Bool.self) ? .v1 : .v0
    }

    private func translating<Value>(
        _ body: () async throws(PostgresError) -> Value?
    ) async throws(CatalogError) -> Value {
        let value: Value?
        do throws(PostgresError) { value = try await body() } catch {
            throw Self.catalogError(error)
        }
        guard let value else { throw .noCatalogTables }
        return value
    }

    private static func catalogError(_ error: PostgresError) -> CatalogError {
        switch error {
        case .unavailable, .outcomeUnknown, .cancelled, .closed:
            .unavailable(reason: error.description)
        case .server(let failure):
            failure.isTransient || failure.sqlState == SQLState.queryCanceled
                ? .unavailable(reason: error.description) : .denied(reason: error.description)
        case .misuse, .decoding: .denied(reason: error.description)
        }
    }
}

extension CatalogKey {
    fileprivate var parameters: [PostgresValue] { [.text(catalog), .text(namespace), .text(name)] }
}
