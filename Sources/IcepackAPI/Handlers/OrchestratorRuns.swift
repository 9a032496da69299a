// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Jobs
import WireFormat

extension APIHandlers {
    /// `POST /orchestrator/runs`: keeps what a run did.
    func recordRun(_ request: APIRequest) async throws(APIFailure) -> Response {
        _ = try QueryParameters(request, allowing: [])
        let object = try await request.object(
            limit: limits.maximumBodyBytes, "with what the run did")
        let run: OrchestratorRun
        do throws(InvalidOrchestratorRun) {
            run = try OrchestratorRun(json: object)
            try run.check(now: configuration.now())
        } catch {
            throw .problem(
                Problem(
                    error.isUnknown ? .unknownField : .invalidField,
                    "The field \(error.field.prefix(64)) \(error.reason).".replacing(
                        "?.", with: "?")
                ).about(field: error.field))
        }
        // Not repeated after a lost reply: that would be a second record.
        let record = try await once(logger: request.logger) { () throws(JobStoreError) in
            try await store.record(run)
        }
        return Response(
            record.json, status: .created, headers: [.location: "/orchestrator/runs/\(record.id)"])
    }

    /// `GET /orchestrator/runs`: what runs did, the newest first.
    func listRuns(_ request: APIRequest) async throws(APIFailure) -> Response {
        let parameters = try QueryParameters(request, allowing: ["limit"])
        let limit = try parameters.integer(
            "limit", in: 1...maximumPageSize, default: defaultPageSize)
        let runs = try await once(logger: request.logger) { () throws(JobStoreError) in
            try await store.orchestratorRuns(limit: limit)
        }
        return Response(.array(runs.map(\.json)))
    }

    /// `GET /orchestrator/runs/{run_id}`.
    func readRun(_ request: APIRequest) async throws(APIFailure) -> Response {
        _ = try QueryParameters(request, allowing: [])
        let text = request.parameters["run_id"] ?? ""
        // Spelled as the service spells it, so that one record has one address.
        guard let id = Int64(text), id > 0, text == String(id) else {
            throw .problem(.runNotFound)
        }
        let run = try await once(logger: request.logger) { () throws(JobStoreError) in
            try await store.orchestratorRun(id)
        }
        guard let run else { throw .problem(.runNotFound) }
        return Response(run.json)
    }
}

extension Problem {
    static let runNotFound = Problem(.runNotFound, "There is no run with this id.")
}
