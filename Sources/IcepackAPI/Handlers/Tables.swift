// SPDX-License-Identifier: Apache-2.0

import Fleet
import Hummingbird
import Jobs
import WireFormat

extension APIHandlers {
    /// `GET /tables`: the tables of the last good sync.
    func listTables(_ request: APIRequest) async throws(APIFailure) -> Response {
        let parameters = try QueryParameters(
            request, allowing: ["database", "maintenance_enabled", "reasons"])
        let database = parameters.text("database")
        if let database, !TableName.isValid(database: database) {
            throw .problem(QueryParameters.invalid("database", "is not a valid database name"))
        }
        let isEnrolled = try parameters.boolean("maintenance_enabled")
        let withReasons = try parameters.boolean("reasons") ?? false
        let tables = try await once(logger: request.logger) { () throws(JobStoreError) in
            try await store.cachedTables(database: database)
        }
        let enrolment = configuration.enrolment
        let shown = tables.filter { table in
            isEnrolled.map { $0 == (enrolment.skipReason(for: table) == nil) } ?? true
        }
        return Response(
            .array(shown.map { Self.json($0, enrolment, withReasons: withReasons) }))
    }

    private static func json(
        _ table: CachedTable, _ enrolment: Enrolment, withReasons: Bool
    ) -> JSONValue {
        let name = table.name
        var object = JSONObject([
            .init(key: "database", value: .string(name.database)),
            .init(key: "table_name", value: .string(name.table)),
            .init(
                key: "in_maintenance_allowlist",
                value: .bool(enrolment.allows(database: name.database))),
        ])
        if withReasons {
            let reason = enrolment.skipReason(for: table)
            object["skip_reason"] = .optional(reason?.rawValue)
            object["skip_detail"] = .optional(reason.map { enrolment.words(for: $0, on: name) })
        }
        return .object(object)
    }

    /// `GET /tables/cache-status`.
    func cacheStatus(_ request: APIRequest) async throws(APIFailure) -> Response {
        _ = try QueryParameters(request, allowing: [])
        let state = try await once(logger: request.logger) { () throws(JobStoreError) in
            try await store.tableCacheState()
        }
        let allowlist = configuration.enrolment.allowlist ?? []
        return Response(
            .object(
                JSONObject([
                    .init(key: "last_synced", value: .optional(state.lastSynced?.description)),
                    .init(key: "table_count", value: .integer(state.tableCount)),
                    .init(
                        key: "maintenance_allowlist",
                        value: .array(allowlist.map(JSONValue.string))),
                ])))
    }
}
