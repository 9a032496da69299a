// SPDX-License-Identifier: Apache-2.0

public import Jobs
import Postgres
import WireFormat

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension PostgresStore: TableCache {
    /// Tables of one statement.
    static let cacheBatch = 5_000
    /// Tables of one listing: what one transaction's statements hold.
    static let maximumCachedTables = cacheBatch * (PostgresConnection.maximumBatch - 2)

    public func cachedTable(_ name: TableName) async throws(JobStoreError) -> CachedTable? {
        let result = try await run(
            Statement.cachedTable, [.text(name.database), .text(name.table)], effect: .reads)
        return try result.first?.cachedTable()
    }

    public func cachedTables(database: String?) async throws(JobStoreError) -> [CachedTable] {
        var tables: [CachedTable] = []
        for row in try await run(
            Statement.cachedTables, [.optional(database)], effect: .reads)
        {
            tables.append(try row.cachedTable())
        }
        return tables
    }

    public func unreadableTables() async throws(JobStoreError) -> [TableName] {
        var names: [TableName] = []
        for row in try await run(Statement.unreadableTables, effect: .reads) {
            do throws(PostgresError) {
                names.append(TableName(database: try row.decode(0), table: try row.decode(1)))
            } catch {
                throw JobStoreError(error)
            }
        }
        return names
    }

    public func tableCacheState() async throws(JobStoreError) -> TableCacheState {
        let result = try await run(Statement.cacheState, effect: .reads)
        guard let row = result.first else {
            return TableCacheState(lastSynced: nil, tableCount: 0, age: nil)
        }
        do throws(PostgresError) {
            return TableCacheState(
                lastSynced: try row.timestamp(0), tableCount: try row.decode(1),
                age: .microseconds(try row.decode(2, as: Int64.self)))
        } catch {
            throw JobStoreError(error)
        }
    }

    public func replaceCachedTables(_ tables: [CachedTable]) async throws(JobStoreError) {
        guard tables.count <= Self.maximumCachedTables else {
            throw .corrupt(
                reason: "\(tables.count) tables; the store caches \(Self.maximumCachedTables)")
        }
        var statements = [
            PostgresStatement(Statement.beginCacheGeneration, [.int(tables.count)])
        ]
        var rest = tables[...]
        while !rest.isEmpty {
            statements.append(
                PostgresStatement(Statement.cacheTables, rest.prefix(Self.cacheBatch).columns))
            rest = rest.dropFirst(Self.cacheBatch)
        }
        statements.append(PostgresStatement(Statement.endCacheGeneration))
        _ = try await run(statements)
    }

    public func withLock<Value: Sendable>(
        _ task: ExclusiveTask, _ body: @Sendable (ExclusiveLease) async throws -> Value
    ) async throws -> Value? {
        let session = LockSession(AdvisoryLock(task), pool.configuration)
        guard try await session.take() else { return nil }
        let outcome: Result<Value, any Error>
        do {
            outcome = .success(
                try await body(
                    ExclusiveLease { () throws(JobStoreError) in try await session.isHeld() }))
        } catch {
            outcome = .failure(error)
        }
        await session.release()
        return try outcome.get()
    }
}

extension ArraySlice<CachedTable> {
    /// The tables as the arrays that `cache_tables.sql` takes.
    fileprivate var columns: [PostgresValue] {
        [
            .texts(map(\.name.database)), .texts(map(\.name.table)), .texts(map(\.location)),
            .texts(map(\.metadataLocation)), .texts(map(\.tableUUID)),
            .texts(map { $0.formatVersion.map { String($0) } }),
            .texts(map { JSONValue.object($0.storedProperties).text() }),
            .texts(map { $0.error?.storable }),
        ]
    }
}

extension CachedTable {
    fileprivate var storedProperties: JSONObject {
        JSONObject(
            properties.map {
                JSONObject.Member(key: $0.key.storable, value: .string($0.value.storable))
            })
    }
}

extension PostgresRow {
    fileprivate func cachedTable() throws(JobStoreError) -> CachedTable {
        do throws(PostgresError) {
            var table = CachedTable(
                name: TableName(database: try decode(0), table: try decode(1)),
                location: try decodeIfPresent(2), metadataLocation: try decodeIfPresent(3),
                tableUUID: try decodeIfPresent(4), formatVersion: try decodeIfPresent(5),
                error: try decodeIfPresent(7))
            let text: String = try decode(6)
            guard let properties = (try? JSONValue(parsing: text))?.objectValue else {
                throw .decoding(reason: "table_cache_entries.properties is no object")
            }
            for member in properties.members {
                guard let value = member.value.stringValue else {
                    throw .decoding(reason: "a property in table_cache_entries is no text")
                }
                table.properties[member.key] = value
            }
            return table
        } catch {
            throw JobStoreError(error)
        }
    }
}
