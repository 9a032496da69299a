// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec
public import IcebergTable
public import WireFormat

/// Everything one pass over a table's manifests tells: its status and what each planner finds.
public struct TableAssessment: LiveFileCollector {
    private let metadata: TableMetadata
    private var facts: TableFacts
    private var dataPlanner: RewriteDataFilesPlanner?
    private let dataRefusal: String?
    private var deletes: DeleteFileIndex?
    private var warnings: [String]

    /// Nothing yet.
    public init(_ metadata: TableMetadata) {
        self.metadata = metadata
        do throws(RewriteRefusal) {
            let (settings, ignored) = try RewriteDataFilesSettings.resolve(
                metadata, options: .none)
            dataPlanner = RewriteDataFilesPlanner(settings, metadata: metadata)
            dataRefusal = nil
            facts = TableFacts(sizes: settings.groups.sizes)
            warnings = ignored
        } catch {
            dataPlanner = nil
            dataRefusal = "\(error)"
            facts = TableFacts(sizes: .standard)
            warnings = ["file sizes are judged by the default target: \(error)"]
        }
    }

    /// Keeps the manifests.
    public mutating func add(manifests: [ManifestFile]) { facts.add(manifests: manifests) }

    /// Keeps the delete files.
    public mutating func add(deleteFiles index: DeleteFileIndex) {
        facts.add(deleteFiles: index)
        deletes = index
    }

    /// Counts a data file and passes it to the planner.
    public mutating func add(_ file: LiveFile, _ deletes: AppliedDeletes) {
        facts.add(file, deletes)
        dataPlanner?.add(file, deletes)
    }

    /// The status of the table at a time.
    public func status(metadataFileBytes: Int64, now: Timestamp) -> TableStatus {
        TableStatus(
            metadata: metadata, facts: facts, metadataFileBytes: metadataFileBytes, now: now,
            warnings: warnings)
    }

    /// What each action's planner finds, in the order in which a job would run them.
    ///
    /// - Parameters:
    ///   - lastOrphanRemoval: when orphan files were last removed; nil if unknown.
    ///   - obstacle: why what a verdict recommends cannot be done for now; nil if it can.
    public func verdicts(
        order: ActionOrder, policy: MaintenancePolicy, lastOrphanRemoval: Timestamp?,
        now: Timestamp, obstacle: (Recommendation.Verdict) -> String? = { _ in nil }
    ) -> [Recommendation.Verdict] {
        let judge = ActionJudge(
            metadata: metadata, facts: facts, policy: policy, now: now,
            dataPlan: dataPlanner?.plan(), dataRefusal: dataRefusal, deletes: deletes)
        func possible(_ verdict: Recommendation.Verdict) -> Recommendation.Verdict {
            guard verdict.isRecommended, let obstacle = obstacle(verdict) else { return verdict }
            return verdict.refused("\(verdict.reason), but \(obstacle)")
        }
        let dataRewrite = possible(judge.dataRewrite)
        return order.sorted(MaintenanceAction.allCases).map { action in
            switch action {
            case .expireSnapshots: possible(judge.expiry)
            case .removeOrphanFiles: possible(judge.orphans(lastRemoval: lastOrphanRemoval))
            case .rewriteDataFiles: dataRewrite
            case .rewritePositionDeleteFiles:
                possible(judge.deleteRewrite(followsData: !dataRewrite.isObstructed))
            case .rewriteManifests: possible(judge.manifestRewrite)
            }
        }
    }
}
