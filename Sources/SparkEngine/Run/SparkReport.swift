// SPDX-License-Identifier: Apache-2.0

package import Maintenance
package import WireFormat

/// Puts a procedure's result into the words and numbers of every engine.
///
/// Columns are taken by name, and one that is not there is unknown, not zero: the set differs
/// between versions of Iceberg.
package struct SparkReport: Sendable {
    private let action: MaintenanceAction
    private let result: SparkRows?
    private let removedSnapshots: Int?

    /// How many file names of a listing are kept.
    package static let listedFiles = 20

    /// Takes what the procedure returned, nil if that was lost, and how many snapshots the table's
    /// metadata lost.
    package init(action: MaintenanceAction, result: SparkRows?, removedSnapshots: Int?) {
        self.action = action
        self.result = result
        self.removedSnapshots = removedSnapshots
    }

    /// The report.
    package var report: ActionReport {
        ActionReport(message: message, impact: impact, metrics: metrics)
    }

    /// Exact integers under the names of the columns, in their order; then our own.
    package var metrics: JSONObject {
        var metrics = JSONObject()
        if action == .removeOrphanFiles {
            if let result { metrics["orphan_files_count"] = .integer(result.rows.count) }
            return metrics
        }
        for column in result?.columns ?? [] {
            if let number = number(column) { metrics[column] = .integer(number) }
        }
        if action == .expireSnapshots, let removedSnapshots {
            metrics["expired_snapshots_count"] = .integer(removedSnapshots)
        }
        return metrics
    }

    /// What was done, in a sentence.
    private var message: String {
        switch action {
        case .expireSnapshots:
            expiryMessage
        case .removeOrphanFiles:
            result.map {
                "Found \(ReportWording.count($0.rows.count, "orphan file")); nothing was removed"
            } ?? Self.lostResult
        case .rewriteDataFiles, .rewritePositionDeleteFiles, .rewriteManifests:
            rewriteMessage
        }
    }

    private static let lostResult = "Done; Spark's counts were lost"

    /// The count-style line; nil when nothing reliable can be said.
    private var impact: String? {
        switch action {
        case .expireSnapshots:
            return removedSnapshots.map { ReportWording.expiredImpact(snapshots: $0) }
        case .removeOrphanFiles:
            return result.map { ReportWording.count($0.rows.count, "orphan file") + " found" }
        case .rewriteDataFiles, .rewritePositionDeleteFiles, .rewriteManifests:
            guard let (before, after) = rewritten else { return nil }
            return ReportWording.rewrittenImpact(action, from: before, into: after)
        }
    }

    /// Why a rewrite that Spark calls a success is none; nil if it is one.
    ///
    /// With partial progress Iceberg goes on when groups and commits fail, and answers with zeros,
    /// as where nothing was to be done.
    ///
    /// - Parameter hasWorked: whether jobs of the rewrite were seen.
    package func failure(hasWorked: Bool) -> SparkFailure? {
        guard let (before, after) = rewritten, before == 0, after == 0,
            action != .rewriteManifests
        else { return nil }
        if let failed = number("failed_data_files_count"), failed > 0 {
            return SparkFailure(
                conflict: "nothing was committed: \(ReportWording.count(failed, "file")) could not "
                    + "be rewritten")
        }
        guard hasWorked else { return nil }
        return SparkFailure(
            conflict: "files were rewritten and nothing was committed; other writers may have been "
                + "first")
    }

    // MARK: Expiry

    private var expiryMessage: String {
        let files = deletedFiles
        guard let snapshots = removedSnapshots else {
            return files.map { "Deleted \(ReportWording.count($0, "file"))" } ?? Self.lostResult
        }
        if snapshots == 0, files ?? 0 == 0 { return ReportWording.nothingExpired }
        guard let files else {
            return "Expired \(ReportWording.count(snapshots, "snapshot")); "
                + "how many files were deleted was lost"
        }
        return ReportWording.expired(snapshots: snapshots, files: Optional(files))
    }

    /// All files that were deleted; nil if no column says so.
    private var deletedFiles: Int64? {
        let counts = (result?.columns ?? []).filter { $0.hasPrefix("deleted_") }.compactMap(number)
        guard !counts.isEmpty else { return nil }
        return counts.reduce(0) { sum, count in
            let (total, overflow) = sum.addingReportingOverflow(count)
            return overflow ? .max : total
        }
    }

    // MARK: Rewrites

    private var rewriteMessage: String {
        guard let (before, after) = rewritten else { return Self.lostResult }
        let sentence = ReportWording.rewritten(action, from: before, into: after)
        guard let failed = number("failed_data_files_count"), failed > 0 else { return sentence }
        return sentence + "; \(ReportWording.count(failed, "file")) could not be rewritten"
    }

    private var rewritten: (before: Int64, after: Int64)? {
        let noun: String
        switch action {
        case .rewriteDataFiles: noun = "data_files"
        case .rewritePositionDeleteFiles: noun = "delete_files"
        case .rewriteManifests: noun = "manifests"
        case .expireSnapshots, .removeOrphanFiles: return nil
        }
        guard let before = number("rewritten_\(noun)_count"),
            let after = number("added_\(noun)_count")
        else { return nil }
        return (before, after)
    }

    private func number(_ column: String) -> Int64? { result?.value(column)?.integerValue }
}
