// SPDX-License-Identifier: Apache-2.0

import GRDB
public import Jobs
import WireFormat

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension SQLiteStore {
    public func append(
        _ entries: [FileJournalEntry], tableUUID: String, under claim: Claim
    ) async throws(JobStoreError) {
        try await write { transaction in
            try transaction.requireHeld(claim)
            for entry in entries {
                try transaction.execute(
                    Statement.planFile,
                    [
                        "job": claim.jobID.rawValue, "attempt": claim.attemptID.rawValue,
                        "uuid": tableUUID, "path": entry.path, "kind": entry.kind,
                        "now": transaction.now,
                    ])
            }
        }
    }

    public func close(paths: [String], under claim: Claim) async throws(JobStoreError) {
        let list = JSONValue.array(paths.map(JSONValue.string)).text()
        try await write { transaction in
            try transaction.requireHeld(claim)
            try transaction.execute(
                Statement.closeFiles, ["job": claim.jobID.rawValue, "paths": list])
        }
    }

    public func markUnknown(under claim: Claim) async throws(JobStoreError) {
        try await write { transaction in
            try transaction.execute(Statement.markFilesUnknown, ["job": claim.jobID.rawValue])
        }
    }

    public func openEntries(
        tableUUID: String, for job: JobID, after id: Int64, limit: Int
    ) async throws(JobStoreError) -> [OpenFileJournalEntry] {
        let bounded = min(max(limit, 0), OpenFileJournalEntry.maximumPage)
        return try await read { transaction in
            let rows = try transaction.all(
                Statement.selectOpenFiles,
                ["uuid": tableUUID, "job": job.rawValue, "after": id, "limit": bounded])
            return try rows.map { row in
                OpenFileJournalEntry(
                    id: try row.value("id"), jobID: try row.jobID("job_id"),
                    entry: FileJournalEntry(
                        path: try row.value("path"), kind: try row.value("kind")))
            }
        }
    }

    public func closeReplayed(_ ids: [Int64], under claim: Claim) async throws(JobStoreError) {
        let list = JSONValue.array(ids.map { .integer($0) }).text()
        try await write { transaction in
            try transaction.requireHeld(claim)
            try transaction.execute(Statement.closeReplayedFiles, ["ids": list])
        }
    }

    public func cachedTable(_ name: TableName) async throws(JobStoreError) -> CachedTable? {
        try await read { transaction in
            try transaction.first(
                Statement.selectCachedTable,
                ["database": name.database, "table": name.table])?.cachedTable()
        }
    }

    public func cachedTables(database: String?) async throws(JobStoreError) -> [CachedTable] {
        try await read { transaction in
            let rows =
                if let database {
                    try transaction.all(
                        Statement.selectCachedTablesOfDatabase, ["database": database])
                } else {
                    try transaction.all(Statement.selectCachedTables)
                }
            return try rows.map { try $0.cachedTable() }
        }
    }

    public func unreadableTables() async throws(JobStoreError) -> [TableName] {
        try await read { transaction in
            try transaction.all(Statement.selectUnreadableTables).map {
                try $0.cachedTable().name
            }
        }
    }

    public func tableCacheState() async throws(JobStoreError) -> TableCacheState {
        try await read { transaction in
            guard let row = try transaction.first(Statement.selectCacheState) else {
                return TableCacheState(lastSynced: nil, tableCount: 0, age: nil)
            }
            let synced = Timestamp(microseconds: try row.value("synced_at"))
            return TableCacheState(
                lastSynced: synced, tableCount: try row.value("table_count"),
                age: Timestamp(microseconds: transaction.now).since(synced))
        }
    }

    public func replaceCachedTables(_ tables: [CachedTable]) async throws(JobStoreError) {
        try await write { transaction in
            try transaction.execute(
                Statement.advanceCacheState, ["now": transaction.now, "count": tables.count])
            try transaction.execute(Statement.deleteCachedTables)
            for table in tables {
                try transaction.execute(
                    Statement.insertCachedTable,
                    [
                        "database": table.name.database, "table": table.name.table,
                        "location": table.location, "metadata": table.metadataLocation,
                        "uuid": table.tableUUID, "version": table.formatVersion,
                        "properties": table.propertiesText, "error": table.error,
                        "now": transaction.now,
                    ])
            }
        }
    }

    public func withLock<Value: Sendable>(
        _ task: ExclusiveTask, _ body: @Sendable (ExclusiveLease) async throws -> Value
    ) async throws -> Value? {
        try checkOpen()
        guard let lock = try TaskLock(for: task, besides: path) else { return nil }
        // The kernel keeps it for this process until it is given up.
        let value = try await body(ExclusiveLease { () throws(JobStoreError) in true })
        // Held until here; freed by an error or a crash all the same.
        _ = consume lock
        return value
    }

    public func audit(_ event: AuditEvent) async throws(JobStoreError) {
        try await write { transaction in
            try transaction.audit(event)
        }
    }
}

extension Transaction {
    func audit(_ event: AuditEvent) throws {
        try execute(
            Statement.insertAuditEvent,
            [
                "now": now, "actor": event.actor, "event": event.event,
                "job": event.jobID?.rawValue,
                "details": event.details.isNull ? nil : event.details.text(),
            ])
    }

    /// Fences writes whose own statement may rightly change no row.
    fileprivate func requireHeld(_ claim: Claim) throws {
        guard try first(Statement.selectHeld, claim.arguments) != nil else {
            throw JobStoreError.fenced
        }
    }
}

extension CachedTable {
    /// Sorted, so that equal properties are equal text.
    fileprivate var propertiesText: String {
        let members = properties.sorted { $0.key < $1.key }.map {
            JSONObject.Member(key: $0.key, value: .string($0.value))
        }
        return JSONValue.object(JSONObject(members)).text()
    }
}

extension StoredRow {
    fileprivate func cachedTable() throws -> CachedTable {
        guard let members = try json("properties").objectValue?.members else {
            throw JobStoreError.corrupt(reason: "column properties is no object")
        }
        var properties: [String: String] = [:]
        for member in members { properties[member.key] = member.value.stringValue }
        return CachedTable(
            name: TableName(
                database: try value("database_name"), table: try value("table_name")),
            location: try optional("location"),
            metadataLocation: try optional("metadata_location"),
            tableUUID: try optional("table_uuid"),
            formatVersion: try optional("format_version"), properties: properties,
            error: try optional("error"))
    }
}
