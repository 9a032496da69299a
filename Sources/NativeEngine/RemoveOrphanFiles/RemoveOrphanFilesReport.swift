// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergTable
import Maintenance
import ObjectStorage
import WireFormat

/// What became of orphans.
struct RemovalOutcomeOfOrphans {
    let mode: RemoveOrphanFilesOptions.Mode
    /// What was done first for jobs that had been broken off.
    let recovered: RecoveryCounts
    var quarantined = 0
    var quarantinedBytes: Int64 = 0
    var removed = 0
    var removedBytes: Int64 = 0
    var restored = 0
    /// Files that a commit during the run may have taken up.
    var takenUp = 0
    var tooYoung = 0
    private var ownFailed = 0
    private var movesFailed = 0
    private var movesGone = 0
    private var ownGone = 0
    private(set) var firstFailure: String?

    init(mode: RemoveOrphanFilesOptions.Mode, recovered: RecoveryCounts) {
        self.mode = mode
        self.recovered = recovered
    }

    var failed: Int { ownFailed + movesFailed }
    var alreadyGone: Int {
        get { ownGone + movesGone }
        set { ownGone = newValue - movesGone }
    }

    /// How many files are no longer where they were.
    var goneCount: Int { quarantined + removed }

    mutating func fail(_ reason: String) {
        ownFailed += 1
        if firstFailure == nil { firstFailure = reason }
    }

    /// Takes over what moves have come to so far.
    mutating func take<Counts: Sequence>(_ counts: Counts)
    where Counts.Element == MoveCounts {
        (quarantined, quarantinedBytes, movesFailed, movesGone) = (0, 0, 0, 0)
        for count in counts {
            quarantined += count.moved
            quarantinedBytes += count.movedBytes
            movesFailed += count.failed
            movesGone += count.alreadyGone
            if firstFailure == nil { firstFailure = count.firstFailure }
        }
    }

    var sentence: String {
        switch mode {
        case .quarantine: "Moved \(ReportWording.count(quarantined, "orphan file")) to quarantine"
        case .delete: "Deleted \(ReportWording.count(removed, "orphan file"))"
        }
    }
}

/// Puts what an orphan removal did into words and numbers.
struct RemoveOrphanFilesReport<Tables: Catalog, Storage: ObjectStorage> {
    let findings: OrphanFindings<Tables, Storage>
    let outcome: RemovalOutcomeOfOrphans
    let isDryRun: Bool

    var report: ActionReport {
        ActionReport(
            message: ([mainSentence] + asides + findings.warnings).joined(separator: "; "),
            impact: impact, metrics: metrics)
    }

    private var mainSentence: String {
        guard findings.orphanCount > 0 else { return "No orphan file was found" }
        guard !isDryRun else {
            return "Found \(ReportWording.count(findings.orphanCount, "orphan file")) and left them"
        }
        return outcome.sentence
    }

    private var impact: String? {
        guard !isDryRun else { return nil }
        let verb = outcome.mode == .quarantine ? "quarantined" : "deleted"
        return "\(ReportWording.count(outcome.goneCount, "orphan file")) \(verb)"
    }

    private var asides: [String] {
        var asides: [String] = []
        if outcome.failed > 0 {
            asides.append(
                "\(ReportWording.count(outcome.failed, "file")) could not be, which the next "
                    + "orphan removal tries again (\(outcome.firstFailure ?? ""))")
        }
        if outcome.alreadyGone > 0 {
            asides.append("\(ReportWording.count(outcome.alreadyGone, "file")) had gone before")
        }
        if outcome.takenUp + outcome.restored > 0 {
            asides.append(
                "\(ReportWording.count(outcome.takenUp + outcome.restored, "file")) stayed, "
                    + "because a commit meanwhile may need them")
        }
        if !outcome.recovered.jobs.isEmpty {
            let jobs = ReportWording.count(outcome.recovered.jobs.count, "job")
            asides.append("finished \(jobs) that had been broken off")
        }
        let returned = outcome.recovered.returned
        if returned.restored > 0 {
            asides.append(
                "brought back \(ReportWording.count(returned.restored, "file")) of these that the "
                    + "table needs")
        }
        if returned.failed > 0 {
            asides.append(
                "\(ReportWording.count(returned.failed, "file")) that the table needs could not "
                    + "come back (\(returned.firstFailure ?? ""))")
        }
        return asides
    }

    private var metrics: JSONObject {
        var metrics = JSONObject()
        metrics["orphan_files_count"] = .integer(findings.orphanCount)
        metrics["quarantined_files_count"] = .integer(outcome.quarantined)
        metrics["quarantined_bytes"] = .integer(outcome.quarantinedBytes)
        metrics["deleted_files_count"] = .integer(outcome.removed)
        metrics["deleted_bytes"] = .integer(outcome.removedBytes)
        metrics["failed_files_count"] = .integer(outcome.failed)
        metrics["already_gone_files_count"] = .integer(outcome.alreadyGone)
        metrics["restored_files_count"] = .integer(
            outcome.restored + outcome.recovered.returned.restored)
        metrics["kept_for_commits_count"] = .integer(outcome.takenUp)
        metrics["listed_files_count"] = .integer(findings.listedCount)
        metrics["live_files_count"] = .integer(findings.liveCount)
        metrics["young_files_count"] = .integer(findings.youngCount + outcome.tooYoung)
        metrics["kept_files_count"] = .integer(findings.keptCount + findings.likeLiveCount)
        metrics["missing_files_count"] = .integer(findings.missingCount)
        return metrics
    }
}
