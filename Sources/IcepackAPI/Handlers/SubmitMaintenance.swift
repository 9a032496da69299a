// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Jobs
import Maintenance
import WireFormat

extension APIHandlers {
    /// `POST /tables/{database}/{table}/maintenance`: queues a job, or stores a dry run.
    ///
    /// The checks run in the contract's order: drain mode, names, body, table cache, lock. The
    /// last one is the store's, in the same transaction as the insert.
    func submit(_ request: APIRequest) async throws(APIFailure) -> Response {
        guard !configuration.isDraining else {
            throw .problem(
                Problem(
                    .drainMode,
                    "The service takes no new jobs because ICEPACK_DRAIN_MODE is on; running jobs "
                        + "go on."))
        }
        let table = try request.table()
        let order = try await maintenanceRequest(request)
        let key = try IdempotencyKey.read(request, table: table, body: order.canonicalBody)
        try await requireCached(table, request)
        let submission = JobSubmission(
            jobID: .random(), table: table, actions: order.actions.map(\.rawValue),
            isDryRun: order.isDryRun, options: order.storedOptions, idempotency: key,
            actor: apiActor, lockLease: configuration.lockLease)
        let outcome: SubmissionOutcome
        if order.isDryRun {
            let results = await dryRunResults(of: order, on: table, logger: request.logger)
            outcome = try await repeating(logger: request.logger) { _ throws(JobStoreError) in
                try await store.recordDryRun(submission, results: results)
            }
        } else {
            outcome = try await repeating(logger: request.logger) { _ throws(JobStoreError) in
                try await store.submit(submission)
            }
        }
        return try await answer(outcome, to: submission, request)
    }

    /// The body, checked, with an engine for every action.
    func maintenanceRequest(
        _ request: APIRequest
    ) async throws(APIFailure) -> MaintenanceRequest {
        _ = try QueryParameters(request, allowing: [])
        let body = try await request.object(
            limit: limits.maximumBodyBytes, #"such as {"actions": ["expire_snapshots"]}"#)
        let order = try MaintenanceRequest(body, order: configuration.order)
        for action in order.actions {
            do throws(NoEngineForAction) {
                _ = try configuration.router.choose(order.routed(action))
            } catch {
                throw .problem(
                    Problem(.noEngineForAction, "\(error.reason).")
                        .with("action", .string(action.rawValue)))
            }
        }
        return order
    }

    /// Refuses a table that the last good sync did not list.
    func requireCached(_ table: TableName, _ request: APIRequest) async throws(APIFailure) {
        let cached = try await once(logger: request.logger) { () throws(JobStoreError) in
            try await store.cachedTable(table)
        }
        guard cached != nil else {
            throw .problem(
                Problem(
                    .tableNotFound,
                    "The catalog had no table \(table) at the last sync; GET /tables lists them."))
        }
    }

    private func answer(
        _ outcome: SubmissionOutcome, to submission: JobSubmission, _ request: APIRequest
    ) async throws(APIFailure) -> Response {
        switch outcome {
        case .accepted(let job):
            await audit(
                AuditEvent(
                    actor: apiActor, event: "job.submitted", jobID: job.id,
                    details: .object(
                        JSONObject([
                            .init(key: "table", value: .string(job.table.description)),
                            .init(key: "actions", value: .array(job.actions.map(JSONValue.string))),
                            .init(key: "dry_run", value: .bool(job.isDryRun)),
                        ]))),
                logger: request.logger)
            return Self.accepted(job)
        case .repeated(let job):
            return Self.accepted(job)
        case .locked(let holder):
            throw .problem(
                Problem(
                    .tableLocked,
                    "The job \(holder) holds \(submission.table); wait for it or cancel it."
                ).with("blocking_job_id", .string(holder.rawValue)))
        case .idempotencyMismatch(let first):
            throw .problem(
                Problem(
                    .idempotencyKeyReused,
                    "This Idempotency-Key came with another table or body within 24 hours; take a "
                        + "new key for a new request."
                ).with("job_id", .string(first.rawValue)))
        }
    }

    private static func accepted(_ job: Job) -> Response {
        var headers: HTTPFields = [.location: "/jobs/\(job.id)"]
        if !job.isDryRun { headers[.retryAfter] = jobRetryAfter }
        return Response(job.json, status: .accepted, headers: headers)
    }
}

/// When to look at a job again that is not over, in seconds.
let jobRetryAfter = "30"
