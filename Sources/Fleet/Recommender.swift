// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
public import Jobs
public import Maintenance
public import WireFormat

/// Joins what a table looks like with its policy, its history and the configuration.
public struct Recommender<Store: JobStore>: Sendable {
    private let store: Store
    private let enrolment: Enrolment
    private let order: ActionOrder
    private let router: EngineRouter
    private let defaults: PolicyDefaults
    private let unreadable: UnreadableTables<Store>

    /// How many of a table's jobs are searched for the last of a kind.
    static var searchedJobs: Int { 100 }
    /// How many of a table's jobs a recommendation shows.
    static var shownJobs: Int { 5 }

    /// Takes what the service was configured with.
    public init(
        store: Store, enrolment: Enrolment, order: ActionOrder, router: EngineRouter,
        defaults: PolicyDefaults = PolicyDefaults()
    ) {
        self.store = store
        self.enrolment = enrolment
        self.order = order
        self.router = router
        self.defaults = defaults
        unreadable = UnreadableTables(store)
    }

    /// The policy of a table that was looked at.
    public func policy(of inspection: TableInspection) -> MaintenancePolicy {
        MaintenancePolicy(inspection.status.metadata.properties, defaults: defaults)
    }

    /// What should be run on a table, as the REST contract shows it.
    public func recommend(
        _ inspection: TableInspection, now: Timestamp
    ) async throws(JobStoreError) -> JSONValue {
        let table = inspection.table
        let named = try await store.jobs(
            matching: JobQuery(
                table: table, visibility: .includingDeleted, limit: Self.searchedJobs))
        let jobs = try await own(named, of: inspection)
        // What was done about the quarantine is no maintenance.
        let done = jobs.filter { job in
            job.status == .completed && !job.isDryRun
                && job.actions.contains { MaintenanceAction(rawValue: $0) != nil }
        }
        let policy = policy(of: inspection)
        let lastRemoval = done.first { job in
            job.results.contains {
                $0.action == MaintenanceAction.removeOrphanFiles.rawValue && $0.isSuccess
            }
        }
        let obstacles = Obstacles(
            unreadable: try await unreadable.tables(), jobs: jobs,
            cadenceHours: policy.cadenceHours.value, now: now, router: router,
            preference: policy.engine.value)
        let recommendation = Recommendation(
            verdicts: obstacles.amongNeighbours(
                inspection.assessment.verdicts(
                    order: order, policy: policy, lastOrphanRemoval: lastRemoval?.completedAt,
                    now: now, obstacle: obstacles.first)),
            skips: skips(inspection, jobs: named),
            cadence: Recommendation.Cadence(
                hours: policy.cadenceHours.value,
                lastCompletedAt: done.compactMap(\.completedAt).max(), now: now),
            policy: policy, router: router)
        var document = JSONObject([.init(key: "table", value: inspection.tableJSON)])
        for member in recommendation.members { document[member.key] = member.value }
        document["history"] = .array(jobs.prefix(Self.shownJobs).map(Self.json))
        return .object(document)
    }

    /// The jobs of this very table, and not of one that had its name before.
    private func own(
        _ jobs: [Job], of inspection: TableInspection
    ) async throws(JobStoreError) -> [Job] {
        guard let uuid = inspection.status.metadata.tableUUID,
            let since = try await store.firstSeen(inspection.table, uuid: uuid)
        else { return jobs }
        return jobs.filter { $0.submittedAt >= since }
    }

    private func skips(_ inspection: TableInspection, jobs: [Job]) -> [Recommendation.Skip] {
        var skips: [Recommendation.Skip] = []
        let properties = Dictionary(
            inspection.status.metadata.properties.json.members.compactMap { member in
                member.value.stringValue.map { (member.key, $0) }
            }, uniquingKeysWith: { $1 })
        let cached = CachedTable(name: inspection.table, properties: properties)
        if let reason = enrolment.skipReason(for: cached) {
            let words = enrolment.words(for: reason, on: cached.name)
            switch reason {
            case .skipProperty: skips.append(.init(.skipProperty, words))
            case .notAllowlisted: skips.append(.init(.notAllowlisted, words))
            case .notEnrolled: skips.append(.init(.notEnrolled, words))
            }
        }
        if let active = jobs.first(where: { !$0.status.isTerminal && !$0.isDryRun }) {
            skips.append(
                .init(
                    .activeJob,
                    "the job \(active.id.rawValue) on this table is \(active.status.rawValue)"))
        }
        return skips
    }

    private static func json(_ job: Job) -> JSONValue {
        [
            "job_id": .string(job.id.rawValue),
            "actions": .array(job.actions.map { .string($0) }),
            "dry_run": .bool(job.isDryRun), "status": .string(job.status.rawValue),
            "submitted_at": .string(job.submittedAt.description),
            "completed_at": .optional(job.completedAt?.description),
            "error": .optional(job.error),
        ]
    }
}
