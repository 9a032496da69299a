// SPDX-License-Identifier: Apache-2.0

/// What tables looked like.
extension Statement {
    /// The two tables of looks, which have the same columns.
    enum Look: String, CaseIterable {
        case status = "table_status_snapshots"
        case health = "table_health_snapshots"
    }

    /// SEARCH by the index of the newest of a table.
    private static func newest(_ look: Look) -> String {
        """
        (SELECT id FROM \(look.rawValue)
            WHERE database_name = :database AND table_name = :table
            ORDER BY collected_at DESC, id DESC LIMIT 1)
        """
    }

    static func replaceLook(_ look: Look) -> String {
        """
        UPDATE \(look.rawValue)
        SET collected_at = max(collected_at, :time), payload = :payload, error = NULL
        WHERE id = \(newest(look)) AND metadata_location = :metadata
        RETURNING id
        """
    }

    static func insertLook(_ look: Look) -> String {
        """
        INSERT INTO \(look.rawValue)
            (database_name, table_name, metadata_location, collected_at, payload)
        VALUES (:database, :table, :metadata, :time, :payload)
        """
    }

    static func confirmLook(_ look: Look) -> String {
        """
        UPDATE \(look.rawValue) SET collected_at = max(collected_at, :time)
        WHERE id = \(newest(look)) AND metadata_location = :metadata AND error IS NULL
        RETURNING id
        """
    }

    static func failLook(_ look: Look) -> String {
        "UPDATE \(look.rawValue) SET error = :reason WHERE id = \(newest(look))"
    }

    static func insertFailedLook(_ look: Look) -> String {
        """
        INSERT INTO \(look.rawValue) (database_name, table_name, collected_at, payload, error)
        VALUES (:database, :table, :time, :payload, :reason)
        """
    }

    /// SEARCH by the primary key.
    static let selectIdentity = """
        SELECT table_uuid, since FROM table_identities
        WHERE database_name = :database AND table_name = :table
        """

    static let replaceIdentity = """
        INSERT INTO table_identities (database_name, table_name, table_uuid, since)
        VALUES (:database, :table, :uuid, :since)
        ON CONFLICT (database_name, table_name) DO UPDATE
        SET table_uuid = excluded.table_uuid, since = excluded.since
        """

    static func selectLook(_ look: Look) -> String {
        """
        SELECT metadata_location, collected_at, payload, error FROM \(look.rawValue)
        WHERE id = \(newest(look))
        """
    }

    /// SCAN the index of the newest of each table.
    static let selectLookTimes = """
        SELECT database_name, table_name, max(collected_at) AS collected_at
        FROM table_status_snapshots GROUP BY database_name, table_name
        """

    /// SCAN the index by time, backwards.
    static let selectHealthHistory = """
        SELECT database_name, table_name, collected_at, payload, error
        FROM table_health_snapshots ORDER BY collected_at DESC, id DESC LIMIT :limit
        """

    /// SEARCH by the index of the newest of a table.
    static let selectHealthHistoryOfTable = """
        SELECT database_name, table_name, collected_at, payload, error
        FROM table_health_snapshots WHERE database_name = :database AND table_name = :table
        ORDER BY collected_at DESC, id DESC LIMIT :limit
        """
}
