// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergCatalog
public import Jobs
public import Logging
public import Maintenance
public import WireFormat

/// How a change of a table's quarantine ended.
public enum QuarantineOutcome: Sendable {
    /// It was carried out; the numbers by name.
    case done(JSONObject)
    /// Another job has the table.
    case locked(by: JobID)
    /// It was stopped or failed, for a reason that the job has too.
    case failed(reason: String)
}

/// Lists, restores and purges what orphan removal moved away; changes are jobs of their own.
public struct QuarantineService<Store: JobStore>: Sendable {
    private let store: Store
    private let bridge: EngineBridge
    private let jobs: Configuration.JobSettings
    private let logger: Logger

    /// Works on a store's locks with a bridge's engine.
    public init(
        store: Store, bridge: EngineBridge, jobs: Configuration.JobSettings, logger: Logger
    ) {
        self.store = store
        self.bridge = bridge
        self.jobs = jobs
        self.logger = logger
    }

    /// What is held of a table.
    public func holds(of table: TableName) async throws(MaintenanceError) -> [QuarantineHold] {
        try await bridge.quarantine(of: table)
    }

    /// Carries out a change under the table's lock, and waits for its end.
    public func change(
        _ table: TableName, _ request: QuarantineRequest, actor: String
    ) async throws(JobStoreError) -> QuarantineOutcome {
        // One attempt: what is reported as failed must not happen later by itself.
        let configuration: WorkerConfiguration
        do throws(InvalidWorkerConfiguration) {
            configuration = try jobs.workerConfiguration(maxAttempts: 1)
        } catch {
            throw .corrupt(reason: "workers cannot be configured so: \(error)")
        }
        let sent = ContinuousClock.now
        let attempt = AttemptID.random()
        let submission = JobSubmission(
            jobID: .random(), table: table, actions: [request.action], isDryRun: false,
            options: .object(JSONObject([.init(key: request.action, value: request.options)])),
            idempotency: nil, actor: actor, lockLease: jobs.lease)
        let outcome = try await store.submitClaimed(
            submission, by: WorkerID("quarantine"), attempt: attempt, lease: jobs.lease)
        let claimed: ClaimedJob
        switch outcome {
        case .accepted(let job), .repeated(let job):
            await audit(job, actor)
            claimed = ClaimedJob(claim: Claim(jobID: job.id, attemptID: attempt), job: job)
        case .locked(let holder): return .locked(by: holder)
        case .idempotencyMismatch(let first):
            throw JobStoreError.corrupt(reason: "job \(first) has this submission's key")
        }
        let pid = ProcessInfo.processInfo.processIdentifier
        let worker = Worker(
            store: store, id: WorkerID("quarantine:\(pid)"), configuration: configuration,
            clock: ContinuousClock(), logger: logger, engine: bridge.actionEngine)
        _ = await worker.run(claimed, claimSentAt: sent)
        guard let job = try await store.job(claimed.job.id, visibility: .includingDeleted) else {
            throw JobStoreError.corrupt(reason: "the job \(claimed.job.id) is gone")
        }
        guard job.status == .completed, let result = job.results.first else {
            return .failed(reason: job.error ?? "the job \(job.id) is \(job.status)")
        }
        return .done(result.metrics)
    }

    /// Adds a line to the audit log; the job exists by then, so a failure is only logged.
    private func audit(_ job: Job, _ actor: String) async {
        let details: JSONValue = [
            "table": .string(job.table.description),
            "actions": .array(job.actions.map(JSONValue.string)), "options": job.options,
        ]
        do throws(JobStoreError) {
            try await store.audit(
                AuditEvent(
                    actor: actor, event: "job.submitted", jobID: job.id, details: details))
        } catch {
            logger.warning(
                "audit log not written",
                metadata: ["event": "job.submitted", "reason": "\(error)"])
        }
    }

    /// Purges what was moved away more than these days ago, of every table that is free, and
    /// finishes jobs that were broken off: what a table needs of theirs comes back.
    ///
    /// A table that cannot be looked at, or that a job holds, is left for the next time.
    ///
    /// - Returns: how many files were purged.
    public func purgeDue(
        _ tables: [TableName], afterDays days: Int, now: Timestamp
    ) async throws -> Int {
        let time = now.advanced(by: .seconds(-days * 86_400))
        var count = 0
        for table in tables {
            try Task.checkCancellation()
            let holds: [QuarantineHold]
            do throws(MaintenanceError) { holds = try await self.holds(of: table) } catch {
                logger.info(
                    "quarantine.unreadable",
                    metadata: ["table.name": "\(table)", "reason": "\(error)"])
                continue
            }
            guard holds.contains(where: { $0.movedAt < time || $0.isUnfinished }) else { continue }
            switch try await change(table, .purge(.movedBefore(time)), actor: "sweep") {
            case .done(let numbers): count += numbers["purged_files"]?.intValue ?? 0
            case .locked(let holder):
                logger.info(
                    "quarantine.locked",
                    metadata: ["table.name": "\(table)", "job.id": "\(holder)"])
            case .failed(let reason):
                logger.warning(
                    "quarantine.purge-failed",
                    metadata: ["table.name": "\(table)", "reason": "\(reason)"])
            }
        }
        return count
    }
}
