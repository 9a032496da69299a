// SPDX-License-Identifier: Apache-2.0

import Fleet
import Jobs
import WireFormat

/// The service as the orchestrator sees it, over its REST API.
struct RemoteMaintenanceService: MaintenanceService {
    let client: APIClient

    func enrolledTables() async throws(MaintenanceServiceError) -> [TableName] {
        let answer = try await send(.get, "/tables?maintenance_enabled=true")
        guard let rows = answer.arrayValue else { throw Self.odd("the list of tables") }
        var tables: [TableName] = []
        for row in rows {
            guard let object = row.objectValue, let database = object["database"]?.stringValue,
                let table = object["table_name"]?.stringValue
            else { throw Self.odd("the list of tables") }
            tables.append(TableName(database: database, table: table))
        }
        return tables
    }

    func recommendation(
        for table: TableName
    ) async throws(MaintenanceServiceError) -> RecommendedWork {
        let answer = try await send(.get, Self.path(table) + "/maintenance/recommendation")
        guard let object = answer.objectValue,
            let actions = object["recommended_actions"]?.strings,
            let reasons = object["skip_reasons"]?.strings
        else { throw Self.odd("a recommendation") }
        var urgency = RecommendedWork.Urgency()
        for verdict in object["actions"]?.arrayValue ?? [] {
            guard let evidence = verdict.objectValue?["evidence"]?.objectValue else { continue }
            urgency.smallFileBytes += evidence["small_files_bytes"]?.intValue.map { Int64($0) } ?? 0
            urgency.deleteFiles +=
                evidence["position_delete_files"]?.intValue.map { Int64($0) } ?? 0
        }
        return RecommendedWork(actions: actions, skipReasons: reasons, urgency: urgency)
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

    func record(_ run: OrchestratorRun) async throws(MaintenanceServiceError) {
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
        case .problem(let status, _, let detail, _) where status >= 500:
            self = .unavailable(reason: detail)
        case .problem(_, _, let detail, _): self = .refused(reason: detail)
        case .unreachable: self = .unavailable(reason: failure.description)
        case .unexpected(let reason): self = .refused(reason: reason)
        }
    }
}

extension JSONValue {
    /// An array of texts; nil for anything else.
    fileprivate var strings: [String]? {
        guard let elements = arrayValue else { return nil }
        let texts = elements.compactMap(\.stringValue)
        return texts.count == elements.count ? texts : nil
    }
}
