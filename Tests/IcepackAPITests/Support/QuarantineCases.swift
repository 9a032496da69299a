// SPDX-License-Identifier: Apache-2.0

import Jobs
import Maintenance
import TestSupport
import WireFormat

@testable import IcepackAPI

extension EndpointCase {
    private static let operations = Operation.all.filter { $0.id.hasSuffix("Quarantine") }

    private static func make(
        _ operation: Operation, _ status: Int, _ code: String? = nil, path: String? = nil,
        body: String? = nil,
        _ configure: @escaping @Sendable (inout APIConfiguration<InMemoryJobStore>) -> Void = {
            _ in
        }
    ) -> EndpointCase {
        EndpointCase(
            operation: operation.id, status: status, code: code, configure: configure
        ) { api in
            try await operation.send(to: api, path: path, body: body)
        }
    }

    private static let holder: JobID = .random()

    private static let badBodies: [(status: Int, code: String, body: String)] = [
        (400, "malformed_json", ""), (400, "malformed_json", "{"),
        (413, "body_too_large", String(repeating: " ", count: 1_048_577)),
        (422, "invalid_field", "[]"), (422, "invalid_field", "{}"),
        (422, "invalid_field", #"{"job_id": "../data"}"#),
        (422, "invalid_field", #"{"job_id": 1}"#),
        (422, "unknown_field", #"{"jobs": []}"#),
        (422, "duplicate_field", #"{"job_id": "a", "job_id": "b"}"#),
    ]

    /// What the operations on quarantine answer.
    static let quarantine: [EndpointCase] = operations.flatMap { (operation) -> [EndpointCase] in
        operation.body == nil ? looks(operation) : looks(operation) + changes(operation)
    }

    private static func looks(_ operation: Operation) -> [EndpointCase] {
        let badDatabase = operation.path.replacing("analytics", with: "a..b")
        let badTable = operation.path.replacing("page_views", with: "-x")
        let gone = operation.path.replacing("page_views", with: "gone")
        var cases: [EndpointCase] = []
        cases.append(make(operation, 200))
        cases.append(make(operation, 422, "invalid_database_name", path: badDatabase))
        cases.append(make(operation, 422, "invalid_table_name", path: badTable))
        cases.append(make(operation, 404, "table_not_found", path: gone))
        cases.append(
            make(operation, 502, "table_unavailable") {
                $0.quarantine = .failing(.unavailable(reason: "secret"))
            })
        cases.append(
            make(operation, 502, "table_unreadable") {
                $0.quarantine = .failing(.unreadable(reason: "secret"))
            })
        return cases
    }

    private static func changes(_ operation: Operation) -> [EndpointCase] {
        var cases: [EndpointCase] = badBodies.map {
            make(operation, $0.status, $0.code, body: $0.body)
        }
        let unknown = #"{"job_id": "00000000000040008000000000000000"}"#
        cases.append(make(operation, 404, "quarantine_not_found", body: unknown))
        cases.append(make(operation, 404, "quarantine_not_found") { $0.quarantine = .empty })
        cases.append(
            make(operation, 409, "table_locked") {
                $0.quarantine = .answering(.locked(by: holder))
            })
        cases.append(
            make(operation, 502, "quarantine_failed") {
                $0.quarantine = .answering(.failed(reason: "secret"))
            })
        cases.append(make(operation, 503, "drain_mode") { $0.isDraining = true })
        guard operation.id == "purgeQuarantine" else { return cases }
        let both = #"{"all": true, "job_id": "a1b2c3d4e5f678901234567890abcdef"}"#
        cases.append(make(operation, 200, body: #"{"all": true}"#))
        cases.append(make(operation, 422, "invalid_field", body: #"{"all": false}"#))
        cases.append(make(operation, 422, "invalid_field", body: both))
        return cases
    }
}
