// SPDX-License-Identifier: Apache-2.0

import Maintenance
import SparkEngine
import Testing
import WireFormat

/// Result rows as messages, impacts and metrics.
@Suite struct ReportTests {
    private func report(
        _ action: MaintenanceAction, _ values: [(String, SparkValue)], removed: Int? = nil
    ) -> ActionReport {
        SparkReport(
            action: action,
            result: SparkRows(columns: values.map(\.0), rows: [values.map(\.1)]),
            removedSnapshots: removed
        ).report
    }

    @Test func `a rewrite of data files is told in both numbers`() {
        let report = report(
            .rewriteDataFiles,
            [
                ("rewritten_data_files_count", .integer(847)),
                ("added_data_files_count", .integer(52)),
                ("rewritten_bytes_count", .integer(9_007_199_254_740_993)),
                ("failed_data_files_count", .integer(0)),
                ("removed_delete_files_count", .integer(3)),
            ])

        #expect(report.message == "Compacted 847 files into 52 files")
        #expect(report.impact == "847 -> 52 data files")
        #expect(
            report.metrics.keys == [
                "rewritten_data_files_count", "added_data_files_count", "rewritten_bytes_count",
                "failed_data_files_count", "removed_delete_files_count",
            ])
        #expect(report.metrics["rewritten_bytes_count"]?.int64Value == 9_007_199_254_740_993)
    }

    @Test func `columns that a version does not have are absent and not zero`() {
        let report = report(
            .rewriteDataFiles,
            [
                ("rewritten_data_files_count", .integer(2)),
                ("added_data_files_count", .integer(1)),
                ("removed_delete_files_count", .null), ("of_the_future", .integer(5)),
                ("a_text", .text("x")),
            ])

        #expect(report.metrics["removed_delete_files_count"] == nil)
        #expect(report.metrics["failed_data_files_count"] == nil)
        #expect(report.metrics["of_the_future"] == 5)
        #expect(report.metrics["a_text"] == nil)
        #expect(report.impact == "2 -> 1 data file")
    }

    @Test func `files that failed are told`() {
        let report = report(
            .rewriteDataFiles,
            [
                ("rewritten_data_files_count", .integer(4)),
                ("added_data_files_count", .integer(1)),
                ("failed_data_files_count", .integer(2)),
            ])

        #expect(report.message == "Compacted 4 files into 1 file; 2 files could not be rewritten")
    }

    @Test func `a rewrite of which nothing was committed is none`() {
        func failure(
            _ action: MaintenanceAction = .rewriteDataFiles, rewritten: Int64 = 0,
            failed: Int64 = 0, hasWorked: Bool
        ) -> SparkFailure? {
            let noun =
                switch action {
                case .rewriteDataFiles: "data_files"
                case .rewritePositionDeleteFiles: "delete_files"
                default: "manifests"
                }
            let values: [(String, SparkValue)] = [
                ("rewritten_\(noun)_count", .integer(rewritten)),
                ("added_\(noun)_count", .integer(0)),
                ("failed_data_files_count", .integer(failed)),
            ]
            return SparkReport(
                action: action,
                result: SparkRows(columns: values.map(\.0), rows: [values.map(\.1)]),
                removedSnapshots: nil
            ).failure(hasWorked: hasWorked)
        }

        #expect(failure(failed: 2, hasWorked: false)?.kind == .conflict)
        #expect(failure(failed: 2, hasWorked: false)?.summary.contains("2 files") == true)
        #expect(failure(hasWorked: true)?.kind == .conflict)
        #expect(failure(.rewritePositionDeleteFiles, hasWorked: true)?.kind == .conflict)
        #expect(failure(hasWorked: false) == nil)
        #expect(failure(rewritten: 1, failed: 2, hasWorked: true) == nil)
        #expect(failure(.rewriteManifests, hasWorked: true) == nil)
        #expect(
            SparkReport(action: .rewriteDataFiles, result: nil, removedSnapshots: nil)
                .failure(hasWorked: true) == nil)
    }

    @Test func `a rewrite without work says so`() {
        let nothing = report(
            .rewriteManifests,
            [("rewritten_manifests_count", .integer(0)), ("added_manifests_count", .integer(0))])
        #expect(nothing.message == "No manifest is due to be rewritten")
        #expect(nothing.impact == "0 -> 0 manifests")
    }

    @Test func `the other rewrites have their own words`() {
        let deletes = report(
            .rewritePositionDeleteFiles,
            [
                ("rewritten_delete_files_count", .integer(9)),
                ("added_delete_files_count", .integer(1)),
            ])
        #expect(deletes.impact == "9 -> 1 position delete file")
        let manifests = report(
            .rewriteManifests,
            [("rewritten_manifests_count", .integer(9)), ("added_manifests_count", .integer(2))])
        #expect(manifests.message == "Rewrote 9 manifests into 2 manifests")
    }

    @Test func `an expiry is counted from metadata and from all its columns`() {
        let report = report(
            .expireSnapshots,
            [
                ("deleted_data_files_count", .integer(2)),
                ("deleted_manifest_files_count", .integer(3)),
                ("deleted_manifest_lists_count", .integer(1)),
            ], removed: 138)

        #expect(report.message == "Expired 138 snapshots and deleted 6 files")
        #expect(report.impact == "138 snapshots expired")
        #expect(report.metrics["expired_snapshots_count"] == 138)
        #expect(report.metrics["deleted_statistics_files_count"] == nil)
    }

    @Test func `an expiry without work says so`() {
        let report = report(
            .expireSnapshots, [("deleted_data_files_count", .integer(0))], removed: 0)
        #expect(report.message == "No snapshot is due to expire")
        #expect(report.impact == "0 snapshots expired")
    }

    @Test(arguments: MaintenanceAction.allCases)
    func `a lost result is not made up`(action: MaintenanceAction) {
        let report = SparkReport(action: action, result: nil, removedSnapshots: nil).report

        #expect(report.impact == nil)
        #expect(report.metrics.isEmpty)
        #expect(report.message == "Done; Spark's counts were lost")
    }

    @Test func `orphan files are counted by rows`() {
        let report = SparkReport(
            action: .removeOrphanFiles,
            result: SparkRows(
                columns: ["orphan_file_location"], rows: [[.text("a")], [.text("b")]]),
            removedSnapshots: nil
        ).report

        #expect(report.message == "Found 2 orphan files; nothing was removed")
        #expect(report.metrics["orphan_files_count"] == 2)
    }

    @Test func `results of several widths and shapes are read by name`() {
        let rows = SparkRows(columns: ["a", "b"], rows: [[.integer(1)], []])

        #expect(rows.value("a") == .integer(1))
        #expect(rows.value("b") == nil)
        #expect(rows.value("a", inRow: 1) == nil)
        #expect(rows.value("a", inRow: 2) == nil)
        #expect(rows.value("c") == nil)
    }
}
