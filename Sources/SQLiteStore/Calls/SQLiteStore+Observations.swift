// SPDX-License-Identifier: Apache-2.0

import GRDB
public import Jobs
public import WireFormat

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension SQLiteStore {
    public func record(_ observation: TableObservation) async throws(JobStoreError) {
        try await write { transaction in
            for look in Statement.Look.allCases {
                let payload = look == .status ? observation.status : observation.health
                let changed: StatementArguments = [
                    "database": observation.table.database, "table": observation.table.table,
                    "metadata": observation.metadataLocation,
                    "time": observation.collectedAt.microseconds, "payload": payload.text(),
                ]
                guard try transaction.first(Statement.replaceLook(look), changed) == nil else {
                    continue
                }
                try transaction.execute(Statement.insertLook(look), changed)
            }
        }
    }

    public func confirmObservation(
        of table: TableName, metadataLocation: String, at time: Timestamp
    ) async throws(JobStoreError) -> Bool {
        try await write { transaction in
            var isSame = true
            for look in Statement.Look.allCases {
                let row = try transaction.first(
                    Statement.confirmLook(look),
                    [
                        "database": table.database, "table": table.table,
                        "metadata": metadataLocation, "time": time.microseconds,
                    ])
                isSame = isSame && row != nil
            }
            return isSame
        }
    }

    public func recordFailure(
        of table: TableName, reason: String, without known: TableObservation?
    ) async throws(JobStoreError) {
        try await write { transaction in
            for look in Statement.Look.allCases {
                let isBeside = try transaction.execute(
                    Statement.failLook(look),
                    ["database": table.database, "table": table.table, "reason": reason])
                guard isBeside == 0, let known else { continue }
                let payload = look == .status ? known.status : known.health
                try transaction.execute(
                    Statement.insertFailedLook(look),
                    [
                        "database": table.database, "table": table.table, "reason": reason,
                        "time": known.collectedAt.microseconds, "payload": payload.text(),
                    ])
            }
        }
    }

    public func firstSeen(
        _ table: TableName, uuid: String
    ) async throws(JobStoreError) -> Timestamp? {
        try await write { transaction in
            let place: StatementArguments = ["database": table.database, "table": table.table]
            let known = try transaction.first(Statement.selectIdentity, place)
            if let known, try known.value("table_uuid") == uuid {
                return try known.optional("since", as: Int64.self)
                    .map(Timestamp.init(microseconds:))
            }
            let since = known == nil ? nil : transaction.now
            try transaction.execute(
                Statement.replaceIdentity, place + ["uuid": uuid, "since": since])
            return since.map(Timestamp.init(microseconds:))
        }
    }

    public func observation(
        of table: TableName
    ) async throws(JobStoreError) -> RecordedObservation? {
        try await read { transaction in
            let place: StatementArguments = ["database": table.database, "table": table.table]
            guard let status = try transaction.first(Statement.selectLook(.status), place),
                let health = try transaction.first(Statement.selectLook(.health), place)
            else { return nil }
            let collectedAt = Timestamp(microseconds: try status.value("collected_at"))
            return RecordedObservation(
                observation: TableObservation(
                    table: table,
                    metadataLocation: try status.optional("metadata_location") ?? "",
                    collectedAt: collectedAt, status: try status.json("payload"),
                    health: try health.json("payload")),
                age: Timestamp(microseconds: transaction.now).since(collectedAt),
                lastError: try status.optional("error") ?? health.optional("error"))
        }
    }

    public func observationTimes() async throws(JobStoreError) -> [TableName: Timestamp] {
        try await read { transaction in
            var times: [TableName: Timestamp] = [:]
            for row in try transaction.all(Statement.selectLookTimes) {
                let name = TableName(
                    database: try row.value("database_name"), table: try row.value("table_name"))
                times[name] = Timestamp(microseconds: try row.value("collected_at"))
            }
            return times
        }
    }

    public func healthHistory(
        of table: TableName?, limit: Int
    ) async throws(JobStoreError) -> [RecordedHealth] {
        let bounded = min(max(limit, 0), RecordedHealth.maximumPage)
        return try await read { transaction in
            let rows =
                if let table {
                    try transaction.all(
                        Statement.selectHealthHistoryOfTable,
                        [
                            "database": table.database, "table": table.table, "limit": bounded,
                        ])
                } else {
                    try transaction.all(Statement.selectHealthHistory, ["limit": bounded])
                }
            return try rows.map { row in
                RecordedHealth(
                    table: TableName(
                        database: try row.value("database_name"),
                        table: try row.value("table_name")),
                    collectedAt: Timestamp(microseconds: try row.value("collected_at")),
                    health: try row.json("payload"), lastError: try row.optional("error"))
            }
        }
    }
}
