// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
public import WireFormat

/// Whether a table's state is concerning, without any policy in it.
public struct TableHealth: Hashable, Sendable {
    /// The verdict.
    public enum Verdict: String, CaseIterable, Hashable, Sendable {
        /// No issue.
        case healthy = "Healthy"
        /// A warning, and nothing critical.
        case warning = "Warning"
        /// Something critical.
        case critical = "Critical"
        /// Nobody could look.
        case unknown = "Unknown"
    }

    /// How bad an issue is.
    public enum Severity: String, CaseIterable, Hashable, Sendable {
        /// Worth a look.
        case warning
        /// It costs every reader.
        case critical
    }

    /// What is concerning.
    public enum Code: String, CaseIterable, Hashable, Sendable {
        /// Data files below three quarters of the target size.
        case smallFiles = "small_files"
        /// Snapshots that every commit and every reader carries.
        case tooManySnapshots = "too_many_snapshots"
        /// Manifests that every plan reads.
        case tooManyManifests = "too_many_manifests"
        /// Position deletes that every reader applies.
        case positionDeletes = "position_deletes"
        /// Equality deletes, which cost most of all.
        case equalityDeletes = "equality_deletes"
        /// A metadata file that every commit writes anew.
        case metadataSize = "metadata_size"
        /// Snapshots that should have been expired long ago.
        case staleMaintenance = "stale_maintenance"
        /// A store that would expire snapshots by itself, and has stopped.
        case managedRetentionOff = "managed_retention_off"
    }

    /// One concern, with the numbers behind it.
    public struct Issue: Hashable, Sendable {
        /// What.
        public let code: Code
        /// How bad.
        public let severity: Severity
        /// A sentence for a person.
        public let message: String
        /// The numbers.
        public let evidence: JSONObject
    }

    /// The issues, in the order of ``Code``.
    public let issues: [Issue]

    /// The verdict over all issues.
    public var verdict: Verdict {
        if issues.contains(where: { $0.severity == .critical }) { return .critical }
        return issues.isEmpty ? .healthy : .warning
    }

    /// Judges a status at a time.
    public init(of status: TableStatus, thresholds: HealthThresholds, now: Timestamp) {
        let judge = HealthJudge(status: status, thresholds: thresholds, now: now)
        issues = Code.allCases.compactMap(judge.issue)
    }

    /// The REST contract's members but `collection`.
    public var members: [JSONObject.Member] {
        [
            .init(key: "health_status", value: .string(verdict.rawValue)),
            .init(key: "issues", value: .array(issues.map(\.json))),
        ]
    }
}

extension TableHealth.Issue {
    var json: JSONValue {
        [
            "code": .string(code.rawValue), "severity": .string(severity.rawValue),
            "message": .string(message), "evidence": .object(evidence),
        ]
    }
}

/// Compares a status with thresholds, one code at a time.
private struct HealthJudge {
    let status: TableStatus
    let thresholds: HealthThresholds
    let now: Timestamp

    private var facts: TableFacts { status.facts }

    func issue(_ code: TableHealth.Code) -> TableHealth.Issue? {
        switch code {
        case .smallFiles: smallFiles
        case .tooManySnapshots: snapshots
        case .tooManyManifests: manifests
        case .positionDeletes: positionDeletes
        case .equalityDeletes: equalityDeletes
        case .metadataSize: metadataSize
        case .staleMaintenance: staleMaintenance
        case .managedRetentionOff: managedRetentionOff
        }
    }

    private func issue(
        _ code: TableHealth.Code, _ severity: TableHealth.Severity?, _ message: String,
        _ evidence: [JSONObject.Member]
    ) -> TableHealth.Issue? {
        severity.map {
            TableHealth.Issue(
                code: code, severity: $0, message: message, evidence: JSONObject(evidence))
        }
    }

    private static func severity(_ isCritical: Bool, _ isWarning: Bool) -> TableHealth.Severity? {
        isCritical ? .critical : isWarning ? .warning : nil
    }

    private func evidence(_ pairs: KeyValuePairs<String, JSONValue>) -> [JSONObject.Member] {
        pairs.map { .init(key: $0.key, value: $0.value) }
    }

    private var smallFiles: TableHealth.Issue? {
        let count = Int64(facts.smallFiles)
        // Not the rounded percentage, which may reach a threshold that the files do not.
        let part = facts.dataFiles == 0 ? 0 : Double(count) * 100 / Double(facts.dataFiles)
        let (counts, parts) = (thresholds.smallFiles, thresholds.smallFilesPercentage)
        let severity = Self.severity(
            count >= counts.critical && part >= Double(parts.critical),
            count >= counts.warning && part >= Double(parts.warning))
        return issue(
            .smallFiles, severity,
            "\(count) of \(facts.dataFiles) data files are smaller than "
                + "\(facts.sizes.minimum.value) bytes",
            evidence([
                "count": .integer(count), "pct": .double(facts.smallFilesPercentage),
                "avg_bytes": .integer(facts.averageFileBytes),
            ]))
    }

    private var snapshots: TableHealth.Issue? {
        let count = Int64(status.metadata.snapshots.count)
        let limits = thresholds.snapshots
        return issue(
            .tooManySnapshots,
            Self.severity(count > limits.critical, count > limits.warning),
            "the table keeps \(count) snapshots",
            evidence(["count": .integer(count), "oldest": oldestText]))
    }

    private var manifests: TableHealth.Issue? {
        let count = Int64(facts.manifests.count)
        let average = facts.averageManifestBytes
        let limits = thresholds.manifests
        let areSmall =
            count > thresholds.smallManifests && average < thresholds.smallManifestBytes
        return issue(
            .tooManyManifests,
            Self.severity(count > limits.critical, count > limits.warning || areSmall),
            "the current snapshot has \(count) manifests of \(average) bytes on average",
            evidence(["count": .integer(count), "avg_bytes": .integer(average)]))
    }

    private var positionDeletes: TableHealth.Issue? {
        let count = Int64(facts.positionDeleteFiles + facts.deletionVectors)
        let deleted = min(
            facts.records, saturatingSum(facts.knownDeletedRecords, facts.sharedDeletedRecords))
        let part = facts.records == 0 ? 0 : Double(deleted) * 100 / Double(facts.records)
        let limits = thresholds.positionDeletes
        let isCritical =
            count >= limits.critical || count > 0 && part > thresholds.deletedRecordsPercentage
        return issue(
            .positionDeletes, Self.severity(isCritical, count >= limits.warning),
            "\(facts.positionDeleteFiles) position delete files and \(facts.deletionVectors) "
                + "deletion vectors delete \(TableFacts.percentage(deleted, of: facts.records)) % "
                + "of the rows",
            evidence([
                "position_delete_files": .integer(facts.positionDeleteFiles),
                "deletion_vectors": .integer(facts.deletionVectors),
                "deleted_records_estimate": .integer(deleted),
                "deleted_records_pct": .double(
                    TableFacts.percentage(deleted, of: facts.records)),
            ]))
    }

    private var equalityDeletes: TableHealth.Issue? {
        let count = Int64(facts.equalityDeleteFiles)
        let limits = thresholds.equalityDeletes
        return issue(
            .equalityDeletes,
            Self.severity(count >= limits.critical, count >= limits.warning),
            "\(ReportWording.count(count, "equality delete file")) must be matched with every "
                + "older row",
            evidence(["count": .integer(count)]))
    }

    private var metadataSize: TableHealth.Issue? {
        let bytes = status.metadataFileBytes
        let limits = thresholds.metadataBytes
        return issue(
            .metadataSize, Self.severity(bytes > limits.critical, bytes > limits.warning),
            "the metadata file has \(bytes) bytes, which every commit writes anew",
            evidence(["bytes": .integer(bytes)]))
    }

    private var staleMaintenance: TableHealth.Issue? {
        // Where the retention cannot be read, the status has a warning that says so.
        guard let limit = ageLimit, let oldest else { return nil }
        let (doubled, overflow) = limit.multipliedReportingOverflow(
            by: thresholds.staleAgeFactor)
        let isStale =
            !overflow && oldest < RetentionPolicy.before(now, by: doubled)
            && (status.expirableSnapshots ?? 0) > 0
        return issue(
            .staleMaintenance, Self.severity(false, isStale),
            "snapshots are older than \(thresholds.staleAgeFactor) times the age limit",
            evidence(["oldest": oldestText, "max_snapshot_age_ms": .integer(limit)]))
    }

    private var managedRetentionOff: TableHealth.Issue? {
        guard let managed = ManagedRetention(of: status.metadata) else { return nil }
        let reasons = [
            (managed.references, "branches or tags"),
            (managed.properties, "retention properties of its own"),
        ].filter { !$0.0.isEmpty }.map(\.1)
        return issue(
            .managedRetentionOff, .warning,
            "the store may have stopped expiring snapshots, because the table has "
                + reasons.joined(separator: " and "),
            evidence([
                "refs": .array(managed.references.map { .string($0) }),
                "properties": .array(managed.properties.map { .string($0) }),
            ]))
    }

    private var oldest: Int64? {
        status.metadata.snapshots.map(\.timestampMilliseconds).min()
    }

    private var oldestText: JSONValue {
        oldest.map { .string(Timestamp(milliseconds: $0).description) } ?? .null
    }

    private var ageLimit: Int64? {
        let policy = try? RetentionPolicy.resolve(
            properties: status.metadata.properties, options: ExpireSnapshotsOptions(), now: now)
        return policy.map { now.milliseconds &- $0.policy.expireOlderThan.value }
    }
}
