// SPDX-License-Identifier: Apache-2.0

package import IcebergCatalog
import IcebergSpec
import WireFormat

/// A table of the demonstration, and what is wrong with it.
package struct DemoTable: Hashable, Sendable {
    /// The namespace of all of them.
    package static let database = "demo"

    /// Its name in that namespace.
    package let name: String
    /// What is wrong with it, in a few words.
    package let fault: String
    let formatVersion: FormatVersion
    /// Days that rows are of; 0 for a table without partitions.
    var days = 0
    let commits: Int
    /// Files that each commit adds, to each partition.
    let filesOfCommit: Int
    let rowsOfFile: Int64
    var deletes = Deletes.none
    /// Files that no snapshot names.
    var orphans = 0
    /// How large data files shall be, in bytes; nil for Iceberg's usual size.
    var targetFileSize: Int?

    /// How rows are deleted.
    enum Deletes: Hashable {
        case none
        /// After so many commits, a tenth: with a file for each partition.
        case tenth(every: Int)
        /// After each commit, a twentieth: with a file for each data file.
        case twentiethByFile

        /// After how many commits; nil for never.
        var interval: Int? {
            switch self {
            case .none: nil
            case .tenth(let commits): commits
            case .twentiethByFile: 1
            }
        }
    }

    /// How its catalog knows it.
    package var identifier: TableIdentifier {
        TableIdentifier(namespace: [Self.database], name: name)
    }

    /// All tables, in the order in which they are shown.
    package static let all = [
        DemoTable(
            name: "events", fault: "200 files of 100 rows", formatVersion: .v2, commits: 20,
            filesOfCommit: 10, rowsOfFile: 100),
        DemoTable(
            name: "orders", fault: "40 data files of a good size, each with a delete file",
            formatVersion: .v2, commits: 20, filesOfCommit: 2, rowsOfFile: 400,
            deletes: .twentiethByFile, targetFileSize: 4096),
        DemoTable(
            name: "visits", fault: "12 small files for each of 10 days, and position deletes",
            formatVersion: .v2, days: 10, commits: 6, filesOfCommit: 2, rowsOfFile: 75,
            deletes: .tenth(every: 3)),
        DemoTable(
            name: "accounts", fault: "format version 3, with deletion vectors and row ids",
            formatVersion: .v3, commits: 15, filesOfCommit: 2, rowsOfFile: 400,
            deletes: .tenth(every: 1)),
        DemoTable(
            name: "sensors", fault: "80 snapshots, and two files that none of them names",
            formatVersion: .v2, commits: 80, filesOfCommit: 1, rowsOfFile: 50, orphans: 2),
    ]

    /// The metadata of the table while it is empty.
    ///
    /// - Parameter uuid: Its identity.
    func metadata(location: String, uuid: String, at time: Timestamp) -> JSONValue {
        let isPartitioned = days > 0
        var members: [JSONObject.Member] = [
            .init(key: "format-version", value: .integer(formatVersion.rawValue)),
            .init(key: "table-uuid", value: .string(uuid)),
            .init(key: "location", value: .string(location)),
            .init(key: "last-sequence-number", value: 0),
            .init(key: "last-updated-ms", value: .integer(time.milliseconds)),
            .init(key: "last-column-id", value: .integer(DemoRow.columns.count)),
            .init(key: "current-schema-id", value: 0),
            .init(key: "schemas", value: [Self.schema]),
            .init(key: "default-spec-id", value: 0),
            .init(key: "partition-specs", value: [isPartitioned ? Self.byDay : Self.unpartitioned]),
            .init(key: "last-partition-id", value: isPartitioned ? 1000 : 999),
            .init(key: "default-sort-order-id", value: 0),
            .init(key: "sort-orders", value: [["order-id": 0, "fields": []]]),
            .init(key: "properties", value: properties),
            .init(key: "current-snapshot-id", value: .null),
            .init(key: "refs", value: .object(JSONObject())),
            .init(key: "snapshots", value: []), .init(key: "snapshot-log", value: []),
            .init(key: "metadata-log", value: []), .init(key: "statistics", value: []),
        ]
        if formatVersion >= .v3 { members.append(.init(key: "next-row-id", value: 0)) }
        return .object(JSONObject(members))
    }

    private var properties: JSONValue {
        var properties = JSONObject()
        properties["write.parquet.compression-codec"] = "zstd"
        // Old metadata files would outweigh what is to be seen.
        properties["write.metadata.previous-versions-max"] = "5"
        properties["write.metadata.delete-after-commit.enabled"] = "true"
        if let targetFileSize {
            properties["write.target-file-size-bytes"] = .string(String(targetFileSize))
        }
        return .object(properties)
    }

    private static let unpartitioned: JSONValue = ["spec-id": 0, "fields": []]

    private static let byDay: JSONValue = [
        "spec-id": 0,
        "fields": [
            [
                "name": "at_day", "transform": "day", "source-id": .integer(DemoRow.timeID),
                "field-id": 1000,
            ]
        ],
    ]

    private static let schema: JSONValue = [
        "type": "struct", "schema-id": 0,
        "fields": .array(
            DemoRow.columns.map { column in
                [
                    "id": .integer(column.id), "name": .string(column.name),
                    "required": .bool(column.isRequired), "type": .string(column.type),
                ]
            }),
    ]
}
