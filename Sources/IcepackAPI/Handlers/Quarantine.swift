// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Jobs
import Logging
import Maintenance
import WireFormat

extension APIHandlers {
    /// `GET /tables/{database}/{table}/quarantine`: what is held, by job.
    func listQuarantine(_ request: APIRequest) async throws(APIFailure) -> Response {
        let table = try request.table()
        _ = try QueryParameters(request, allowing: [])
        try await requireCached(table, request)
        let holds = try await holds(of: table, request)
        let days = configuration.quarantine.days
        return Response(
            .object(
                JSONObject([
                    .init(key: "database", value: .string(table.database)),
                    .init(key: "table_name", value: .string(table.table)),
                    .init(key: "jobs", value: .array(holds.map { $0.json(afterDays: days) })),
                ])))
    }

    /// `POST /tables/{database}/{table}/quarantine/restore`.
    func restoreQuarantine(_ request: APIRequest) async throws(APIFailure) -> Response {
        try await change(request, allowing: ["job_id"]) { body throws(APIFailure) in
            .restore(job: try Self.jobID(in: body))
        }
    }

    /// `POST /tables/{database}/{table}/quarantine/purge`.
    func purgeQuarantine(_ request: APIRequest) async throws(APIFailure) -> Response {
        try await change(request, allowing: ["job_id", "all"]) { body throws(APIFailure) in
            guard let all = body["all"] else { return .purge(.job(try Self.jobID(in: body))) }
            guard all == true, body["job_id"] == nil else {
                throw .problem(
                    Problem(.invalidField, "all is true, or job_id is given instead.")
                        .about(field: "all"))
            }
            return .purge(.all)
        }
    }

    private func change(
        _ request: APIRequest, allowing fields: [String],
        _ read: (JSONObject) throws(APIFailure) -> QuarantineAccess.Change
    ) async throws(APIFailure) -> Response {
        guard !configuration.isDraining else {
            throw .problem(Problem(.drainMode, "The service is draining and changes nothing."))
        }
        let table = try request.table()
        _ = try QueryParameters(request, allowing: [])
        let change = try read(try await body(of: request, allowing: fields))
        try await requireCached(table, request)
        let holds = try await holds(of: table, request)
        guard holds.contains(where: { change.concerns($0) }) else {
            throw .problem(
                Problem(
                    .quarantineNotFound,
                    "Nothing like that of \(table) is in quarantine; GET its quarantine to see it."
                ))
        }
        let outcome = try await once(logger: request.logger) { () throws(JobStoreError) in
            try await configuration.quarantine.change(table, change)
        }
        switch outcome {
        case .done(let numbers): return Response(.object(numbers))
        case .locked(let holder):
            throw .problem(
                Problem(
                    .tableLocked, "The job \(holder) holds \(table); wait for it or cancel it."
                ).with("blocking_job_id", .string(holder.rawValue)))
        case .failed(let reason):
            request.logger.warning("quarantine change failed", metadata: ["reason": "\(reason)"])
            throw .problem(
                Problem(
                    .quarantineFailed,
                    "The change was not completed; its job in GET /jobs has the reason."))
        }
    }

    private func body(
        of request: APIRequest, allowing fields: [String]
    ) async throws(APIFailure) -> JSONObject {
        let object = try await request.object(
            limit: limits.maximumBodyBytes, "with \(fields.joined(separator: ", "))")
        for key in object.keys where !fields.contains(key) {
            throw .problem(
                Problem(
                    .unknownField,
                    "There is no field \(key.prefix(64)); there is "
                        + "\(fields.joined(separator: ", "))."
                ).about(field: key))
        }
        return object
    }

    private static func jobID(in body: JSONObject) throws(APIFailure) -> String {
        guard let id = body["job_id"]?.stringValue, JobID(id) != nil else {
            throw .problem(
                Problem(.invalidField, "job_id must be the id of a job, 32 hexadecimal digits.")
                    .about(field: "job_id"))
        }
        return id
    }

    private func holds(
        of table: TableName, _ request: APIRequest
    ) async throws(APIFailure) -> [QuarantineHold] {
        do throws(MaintenanceError) {
            return try await configuration.quarantine.holds(table)
        } catch {
            request.logger.warning("quarantine unreadable", metadata: ["reason": "\(error)"])
            switch error {
            case .unreadable, .refused:
                throw .problem(
                    Problem(.tableUnreadable, "The table or its quarantine cannot be understood."))
            case .unavailable, .conflict, .commitUnknown, .stillRunning, .fenceLost, .cancelled:
                throw .problem(
                    Problem(.tableUnavailable, "The catalog or the storage failed; try again."))
            }
        }
    }
}

extension QuarantineAccess.Change {
    /// Whether something held is meant.
    fileprivate func concerns(_ hold: QuarantineHold) -> Bool {
        switch self {
        case .restore(let job), .purge(.job(let job)): hold.jobID == job
        case .purge(.all): true
        case .purge(.movedBefore(let time)): hold.movedAt < time
        }
    }
}
