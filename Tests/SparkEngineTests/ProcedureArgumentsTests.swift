// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import Maintenance
import ObjectStorage
import SparkEngine
import Testing
import WireFormat

/// Which arguments a procedure gets: defaults, policy over them, the request over both.
@Suite struct ProcedureArgumentsTests {
    private func arguments(
        _ action: MaintenanceAction, _ options: JSONValue = .null,
        properties: [(String, String)] = []
    ) throws -> ProcedureArguments {
        try ProcedureArguments(
            action, options: try ActionOptions.validating(options, for: action),
            properties: TableProperties(properties.map { (key: $0.0, value: $0.1) }),
            now: TestTable.now, locations: .standard)
    }

    private func statement(
        _ action: MaintenanceAction, _ options: JSONValue = .null,
        properties: [(String, String)] = []
    ) throws -> String {
        let mark = StatementMark(
            jobID: "0a1b", attemptID: "2c3d", table: "db.t", action: action.rawValue)
        return try ProcedureCall(
            catalog: "lab", table: TestTable.identifier, procedure: action.rawValue,
            arguments: try arguments(action, options, properties: properties).arguments, mark: mark
        ).statement()
    }

    private func option(_ name: String, in arguments: ProcedureArguments) -> String? {
        for argument in arguments.arguments where argument.name == "options" {
            if case .map(let entries) = argument.value {
                return entries.first { $0.key == name }?.value
            }
        }
        return nil
    }

    private static func comment(_ action: String) -> String {
        "/* {\"app\":\"icepack\",\"job\":\"0a1b\",\"attempt\":\"2c3d\",\"table\":\"db.t\","
            + "\"action\":\"\(action)\"} */ CALL `lab`.system."
    }

    @Test func `expiry names its cutoff, its count and streams its results`() throws {
        #expect(
            try statement(.expireSnapshots) == Self.comment("EXPIRE_SNAPSHOTS")
                + "expire_snapshots(table => '`lab`.`db`.`t`', "
                + "older_than => TIMESTAMP '2023-11-09T22:13:20.000000+00:00', "
                + "retain_last => 3, stream_results => true)")
    }

    @Test func `expiry follows the request, then the policy, then the table`() throws {
        let properties = [
            ("icepack.max_snapshot_age_days", "1"), ("icepack.min_snapshots_to_keep", "7"),
            ("history.expire.max-snapshot-age-ms", "1000"),
        ]
        #expect(
            try statement(.expireSnapshots, properties: properties).hasSuffix(
                "older_than => TIMESTAMP '2023-11-13T22:13:20.000000+00:00', "
                    + "retain_last => 7, stream_results => true)"))
        #expect(
            try statement(
                .expireSnapshots,
                [
                    "older_than": "2023-01-01T00:00:00Z", "retain_last": 1,
                    "stream_results": false, "snapshot_ids": [5, 6], "max_concurrent_deletes": 4,
                ], properties: properties
            ).hasSuffix(
                "older_than => TIMESTAMP '2023-01-01T00:00:00.000000+00:00', retain_last => 1, "
                    + "max_concurrent_deletes => 4, stream_results => false, "
                    + "snapshot_ids => array(5L, 6L))"))
    }

    @Test func `a rewrite of data files has the defaults that users expect`() throws {
        #expect(
            try statement(.rewriteDataFiles) == Self.comment("REWRITE_DATA_FILES")
                + "rewrite_data_files(table => '`lab`.`db`.`t`', strategy => 'binpack', "
                + "options => map('target-file-size-bytes', '536870912', "
                + "'min-file-size-bytes', '402653184', 'max-file-size-bytes', '966367641', "
                + "'min-input-files', '5', 'delete-file-threshold', '2', "
                + "'delete-ratio-threshold', '0.1', 'partial-progress.enabled', 'true', "
                + "'partial-progress.max-commits', '10', "
                + "'partial-progress.max-failed-commits', '5'))")
    }

    @Test func `a rewrite of data files follows the policy`() throws {
        let arguments = try arguments(
            .rewriteDataFiles,
            properties: [
                ("write.target-file-size-bytes", "1"),
                ("icepack.target_file_size_bytes", "1000"), ("icepack.min_input_files", "9"),
                ("icepack.rewrite_data_delete_file_threshold", "4"),
                ("snowpack.rewrite_data_delete_ratio_threshold", "0.25"),
                ("icepack.partial_progress_max_commits", "3"),
                ("icepack.rewrite_data_rewrite_all", "TRUE"),
            ])

        #expect(option("target-file-size-bytes", in: arguments) == "1000")
        #expect(option("min-file-size-bytes", in: arguments) == "750")
        #expect(option("max-file-size-bytes", in: arguments) == "1800")
        #expect(option("min-input-files", in: arguments) == "9")
        #expect(option("delete-file-threshold", in: arguments) == "4")
        #expect(option("delete-ratio-threshold", in: arguments) == "0.25")
        #expect(option("partial-progress.max-commits", in: arguments) == "3")
        #expect(option("partial-progress.max-failed-commits", in: arguments) == "1")
        #expect(option("rewrite-all", in: arguments) == "true")
        #expect(arguments.warnings.count == 1)
        #expect(arguments.warnings.first?.contains("deprecated") == true)
    }

    @Test func `the request's options win and keep their names`() throws {
        let arguments = try arguments(
            .rewriteDataFiles,
            [
                "target-file-size-bytes": 2000, "max-file-size-bytes": 5000,
                "partial-progress.enabled": false, "delete-ratio-threshold": .double(0.5),
                "where": "a = 'x'", "sort_order": "zorder(a,b)", "rewrite-job-order": "BYTES-ASC",
            ], properties: [("icepack.target_file_size_bytes", "1000")])

        #expect(option("target-file-size-bytes", in: arguments) == "2000")
        #expect(option("min-file-size-bytes", in: arguments) == "1500")
        #expect(option("max-file-size-bytes", in: arguments) == "5000")
        #expect(option("partial-progress.enabled", in: arguments) == "false")
        #expect(option("delete-ratio-threshold", in: arguments) == "0.5")
        #expect(option("rewrite-job-order", in: arguments) == "bytes-asc")
        #expect(
            arguments.arguments.map(\.name) == ["strategy", "sort_order", "where", "options"])
        #expect(arguments.arguments[0].value == .string("sort"))
        #expect(arguments.arguments[2].value.sql == "'a = \\u0027x\\u0027'")
    }

    @Test func `sizes at the edge of the range do not overflow`() throws {
        let arguments = try arguments(
            .rewriteDataFiles, ["target-file-size-bytes": .integer(Int64.max)])

        #expect(option("min-file-size-bytes", in: arguments) == "6917529027641081855")
        #expect(option("max-file-size-bytes", in: arguments) == "\(Int64.max)")
    }

    @Test func `policy that does not parse is ignored with a warning`() throws {
        let arguments = try arguments(
            .rewriteDataFiles,
            properties: [
                ("icepack.rewrite_data_delete_ratio_threshold", "2"),
                ("icepack.rewrite_data_rewrite_all", "yes"), ("icepack.min_input_files", "0"),
            ])

        #expect(option("delete-ratio-threshold", in: arguments) == "0.1")
        #expect(option("rewrite-all", in: arguments) == nil)
        #expect(option("min-input-files", in: arguments) == "5")
        #expect(arguments.warnings.count == 3)
    }

    @Test func `a property of Iceberg that cannot be read refuses the action`() {
        #expect(throws: MaintenanceError.self) {
            try arguments(
                .rewriteDataFiles, properties: [("write.target-file-size-bytes", "big")])
        }
    }

    @Test func `orphan removal is a dry run whatever the request says`() throws {
        let text = try statement(
            .removeOrphanFiles,
            ["dry_run": false, "location": "s3://b/t", "equal_schemes": ["s3a": "s3"]])

        #expect(text.contains("dry_run => true"))
        #expect(!text.contains("false"))
        #expect(text.contains("location => 's3a://b/t'"))
        #expect(text.contains("equal_schemes => map('s3a', 's3')"))
        #expect(text.contains("older_than => TIMESTAMP '2023-11-11T22:13:20.000000+00:00'"))
    }

    @Test func `the age of orphans is never below a day`() throws {
        let half = try statement(
            .removeOrphanFiles, properties: [("icepack.orphan_file_age_days", "0")])
        let one = try statement(
            .removeOrphanFiles, properties: [("icepack.orphan_file_age_days", "1")])

        #expect(half.contains("TIMESTAMP '2023-11-11T22:13:20.000000+00:00'"))
        #expect(one.contains("TIMESTAMP '2023-11-13T22:13:20.000000+00:00'"))
    }

    @Test func `the other rewrites pass on what was asked for and nothing else`() throws {
        #expect(
            try statement(.rewritePositionDeleteFiles)
                .hasSuffix("rewrite_position_delete_files(table => '`lab`.`db`.`t`')"))
        #expect(
            try statement(.rewritePositionDeleteFiles, ["rewrite-all": true]).hasSuffix(
                "options => map('rewrite-all', 'true'))"))
        #expect(
            try statement(.rewriteManifests, ["use_caching": true, "spec_id": 2])
                .hasSuffix("(table => '`lab`.`db`.`t`', use_caching => true, spec_id => 2)"))
    }

    @Test(arguments: [
        ("s3://b/k", "s3a://b/k"), ("s3a://b/k", "s3a://b/k"), ("/a/s3://b", "/a/s3://b"),
        ("s3:/b", "s3:/b"), ("file:///a", "file:///a"), ("", ""),
    ])
    func `locations get the scheme that Spark wants`(given: String, expected: String) {
        #expect(LocationMapping.standard.mapping(given) == expected)
    }

    @Test(arguments: [
        ("s3a://b/k", "s3://b/k"), ("s3://b/k", "s3://b/k"), ("/a/s3a://b", "/a/s3a://b"),
        ("file:/a", "file:/a"), ("", ""),
    ])
    func `what Spark names is read as the catalog writes it`(given: String, expected: String) {
        #expect(LocationMapping.standard.reading(given).rawValue == expected)
    }
}
