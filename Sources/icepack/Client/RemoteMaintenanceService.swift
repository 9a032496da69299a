// SPDX-License-Identifier: Apache-2.0

import Fleet
import Jobs
import WireFormat

/// The service as the orchestrator sees it, over its REST API.
struct RemoteMaintenanceService: MaintenanceService {
    let client: APIClient

    func tables() async throws(MaintenanceServiceError) -> [ListedTable] {
        let answer = try await send(.get, "/tables?reasons=true")
        guard let rows = answer.arrayValue else { throw Self.odd("the list of tables") }
        var tables: [ListedTable] = []
        for row in rows {
            guard let object = row.objectValue, let database = object["database"]?.stringValue,
                let table = object["table_name"]?.stringValue
            else { throw Self.odd("the list of tables") }
            tables.append(
                ListedTable(
                    TableName(database: database, table: table),
                    leftOut: object["skip_reason"]?.stringValue.map {
                        .init(code: $0, reason: object["skip_detail"]?.stringValue ?? $0)
                    }))
        }
        return tables
    }

    func recommendation(
        for table: TableName
    ) async throws(MaintenanceServiceError) -> RecommendedWork {
        let answer = try await send(.get, Self.path(table) + "/maintenance/recommendation")
        guard let work = RecommendedWork(answer) else { throw Self.odd("a recommendation") }
        return work
    }

    func submit(
        _ actions: [String], on table: TableName, key: String
    ) async throws(MaintenanceServiceError) -> SubmissionReply {
        do throws(ClientFailure) {
            let answer = try await client.send(
                .post, Self.path(table) + "/maintenance",
                body: ["actions": .array(actions.map { .string($0) })],
                headers: [("Idempotency-Key", key)])
            guard let id = answer.objectValue?["job_id"]?.stringValue else {
                throw ClientFailure.unexpected(reason: "a job came back without its id")
            }
            return .accepted(id: id)
        } catch {
            if case .problem(_, let code, _, _) = error {
                if code == "table_locked" { return .locked }
                if code == "drain_mode" { return .draining }
            }
            throw MaintenanceServiceError(error)
        }
    }

    func job(_ id: String) async throws(MaintenanceServiceError) -> JobState {
        do throws(ClientFailure) {
            let (answer, retryAfter) = try await client.exchange(.get, "/jobs/\(id)")
            guard let object = answer.objectValue,
                let status = object["status"]?.stringValue.flatMap({ JobStatus(rawValue: $0) })
            else { throw ClientFailure.unexpected(reason: "a job came back without its status") }
            return JobState(
                status: status, error: object["error"]?.stringValue, retryAfter: retryAfter)
        } catch {
            throw MaintenanceServiceError(error)
        }
    }

    func record(
        _ run: OrchestratorRun, isRepeat: Bool
    ) async throws(MaintenanceServiceError) {
        if isRepeat {
            let known = try await send(.get, "/orchestrator/runs?limit=20").arrayValue ?? []
            let isKept = known.contains { record in
                run.json.members.allSatisfy { record.objectValue?[$0.key] == $0.value }
            }
            if isKept { return }
        }
        _ = try await send(.post, "/orchestrator/runs", body: .object(run.json))
    }

    private func send(
        _ method: APIClient.Method, _ path: String, body: JSONValue? = nil
    ) async throws(MaintenanceServiceError) -> JSONValue {
        do throws(ClientFailure) { return try await client.send(method, path, body: body) } catch {
            throw MaintenanceServiceError(error)
        }
    }

    private static func path(_ table: TableName) -> String {
        "/tables/\(PercentEncoding.encode(table.database))/\(PercentEncoding.encode(table.table))"
    }

    private static func odd(_ what: String) -> MaintenanceServiceError {
        .refused(reason: "\(what) came back in a form that this version does not know")
    }
}

extension MaintenanceServiceError {
    /// What a failed request means for the orchestrator.
    fileprivate init(_ failure: ClientFailure) {
        switch failure {
        case .problem(404, _, let detail, _): self = .notFound(reason: detail)
        // Whoever looks again soon sees the same.
        case .problem(_, "table_unreadable", let detail, _),
            .problem(_, "inspection_timeout", let detail, _):
            self = .refused(reason: detail)
        case .problem(let status, _, let detail, _) where status >= 500:
            self = .unavailable(reason: detail)
        case .problem(_, _, let detail, _): self = .refused(reason: detail)
        case .unreachable: self = .unavailable(reason: failure.description)
        case .unexpected(let reason): self = .refused(reason: reason)
        }
    }
}
