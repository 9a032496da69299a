// SPDX-License-Identifier: Apache-2.0

/// Tables that Spark makes for the tests of the engine.
enum SparkTables {
    /// Fragmented, with position deletes, a branch with commits of its own, and a tag.
    static func fragmented(_ table: String) -> [String] {
        let rows = """
            id, CASE WHEN id % 3 = 0 THEN 'a' WHEN id % 3 = 1 THEN 'b' ELSE 'c' END AS category, \
            id * 7 AS amount, TIMESTAMP '2026-01-01 00:00:00' AS at
            """
        let inserts = (0..<5).map {
            "INSERT INTO \(table) SELECT \(rows) FROM RANGE(\($0 * 60), \($0 * 60 + 60))"
        }
        return [
            "CREATE NAMESPACE IF NOT EXISTS \(namespace(of: table))",
            create(table, columns: "id BIGINT, category STRING, amount BIGINT, at TIMESTAMP")
                + " PARTITIONED BY (category)" + mergeOnRead,
        ] + inserts.prefix(2) + [
            "ALTER TABLE \(table) CREATE TAG release RETAIN 365 DAYS",
            "DELETE FROM \(table) WHERE id % 7 = 1",
            "ALTER TABLE \(table) CREATE BRANCH audit",
            """
            INSERT INTO \(table).branch_audit
            VALUES (9000000, 'a', 1, TIMESTAMP '2026-02-01 00:00:00')
            """,
        ] + inserts.dropFirst(2) + [
            "DELETE FROM \(table) WHERE id % 5 = 2", "DELETE FROM \(table) WHERE id % 11 = 3",
        ]
    }

    /// Some small partitions that are soon rewritten, and one that takes long to sort.
    static func slow(_ table: String, rows: Int) -> [String] {
        let columns = """
            id, CAST(SHIFTRIGHT(id * 7919, 3) % 100003 AS BIGINT) AS x, \
            SHA2(CAST(id AS STRING), 256) AS text
            """
        let insert = "INSERT INTO \(table) SELECT \(columns)"
        let small = "(PMOD(id, 6) + 1) AS part FROM RANGE(60)"
        return [
            "CREATE NAMESPACE IF NOT EXISTS \(namespace(of: table))",
            create(table, columns: "id BIGINT, x BIGINT, text STRING, part BIGINT")
                + " PARTITIONED BY (part)" + mergeOnRead,
            "ALTER TABLE \(table) SET TBLPROPERTIES ('commit.retry.max-wait-ms' = "
                + "'\(longestCommitWait.components.seconds * 1000)')",
            "\(insert), \(small)", "\(insert), \(small)",
            "\(insert), 0 AS part FROM RANGE(\(rows))", "\(insert), 0 AS part FROM RANGE(10)",
        ]
    }

    /// How long a commit of the slow table waits at most before it is tried again: short, so that
    /// a test can wait for longer.
    static let longestCommitWait = Duration.seconds(4)

    private static let mergeOnRead = """
         TBLPROPERTIES ('format-version' = '2', 'write.delete.mode' = 'merge-on-read', \
        'write.update.mode' = 'merge-on-read', 'write.merge.mode' = 'merge-on-read')
        """

    private static func create(_ table: String, columns: String) -> String {
        "CREATE TABLE \(table) (\(columns)) USING iceberg"
    }

    private static func namespace(of table: String) -> String {
        table.split(separator: ".").dropLast().joined(separator: ".")
    }
}
