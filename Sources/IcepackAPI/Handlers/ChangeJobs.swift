// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Jobs
import WireFormat

/// How long history is kept when the client does not say, in days.
let defaultRetentionDays = 90

/// The longest retention that can be asked for: a century.
let maximumRetentionDays = 36_500

extension APIHandlers {
    /// `POST /jobs/{job_id}/cancel`.
    func cancelJob(_ request: APIRequest) async throws(APIFailure) -> Response {
        let id = try request.jobID()
        _ = try QueryParameters(request, allowing: [])
        let outcome = try await repeating(logger: request.logger) {
            isRepeat throws(JobStoreError) in
            let outcome = try await store.cancel(id)
            // The call whose reply was lost may have been the one that cancelled it.
            if isRepeat, case .alreadyTerminal(let job) = outcome, job.status == .cancelled {
                return CancelOutcome.cancelled(job)
            }
            return outcome
        }
        switch outcome {
        case .cancelled(let job):
            await audit(
                AuditEvent(actor: apiActor, event: "job.cancelled", jobID: id),
                logger: request.logger)
            return Response(job.json)
        case .notFound: throw .problem(.jobNotFound)
        case .alreadyTerminal(let job):
            throw .problem(
                Problem(
                    .jobTerminal,
                    "The job is \(job.status.rawValue) already, so there is nothing to cancel."
                ).with("job_status", .string(job.status.rawValue)))
        }
    }

    /// `DELETE /jobs/{job_id}`: hides a job from normal reads.
    func deleteJob(_ request: APIRequest) async throws(APIFailure) -> Response {
        let id = try request.jobID()
        _ = try QueryParameters(request, allowing: [])
        let outcome = try await repeating(logger: request.logger) {
            isRepeat throws(JobStoreError) in
            let outcome = try await store.softDelete(id)
            // A lost reply may have been that of the delete which hid it.
            if isRepeat, outcome == .notFound,
                try await store.job(id, visibility: .includingDeleted)?.deletedAt != nil
            {
                return DeleteOutcome.deleted
            }
            return outcome
        }
        switch outcome {
        case .deleted:
            await audit(
                AuditEvent(actor: apiActor, event: "job.deleted", jobID: id),
                logger: request.logger)
            return Response(status: .noContent)
        case .notFound: throw .problem(.jobNotFound)
        case .active(let job):
            throw .problem(
                Problem(
                    .jobActive, "The job is \(job.status.rawValue); cancel it before deleting it."
                ).with("job_status", .string(job.status.rawValue)))
        }
    }

    /// `DELETE /jobs/history`: removes what is older than the retention for good.
    func purgeHistory(_ request: APIRequest) async throws(APIFailure) -> Response {
        let parameters = try QueryParameters(request, allowing: ["retention_days"])
        let days = try parameters.integer(
            "retention_days", in: 1...maximumRetentionDays, default: defaultRetentionDays)
        // Not repeated after a lost reply: the count of the second call would be wrong.
        let removed = try await once(logger: request.logger) { () throws(JobStoreError) in
            try await store.purgeHistory(olderThan: .seconds(86_400 * days))
        }
        await audit(
            AuditEvent(
                actor: apiActor, event: "history.purged", jobID: nil,
                details: .object(
                    JSONObject([
                        .init(key: "retention_days", value: .integer(days)),
                        .init(key: "deleted", value: .integer(removed)),
                    ]))),
            logger: request.logger)
        return Response(.object(JSONObject([.init(key: "deleted", value: .integer(removed))])))
    }
}
