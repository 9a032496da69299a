// SPDX-License-Identifier: Apache-2.0

import Fleet
import Jobs
import NIOHTTP1
import TestSupport
import Testing
import WireFormat

@testable import IcepackAPI

@Suite(.timeLimit(.minutes(15))) struct TableTests {
    private static func names(_ reply: Reply) -> [String] {
        (reply.value.arrayValue ?? []).compactMap { $0.objectValue?["table_name"]?.stringValue }
    }

    private static let tables = [
        CachedTable(name: TableName(database: "a", table: "plain")),
        CachedTable(
            name: TableName(database: "a", table: "off"),
            properties: ["icepack.maintenance_enabled": "false"]),
        CachedTable(
            name: TableName(database: "b", table: "on"),
            properties: ["icepack.maintenance_enabled": "true"]),
    ]

    @Test func `tables are listed, by database and by effective enrolment`() async throws {
        try await withAPI {
            $0.enrolment = Enrolment(allowlist: ["a"])
        } _: { api in
            try await api.store.replaceCachedTables(Self.tables)

            let all = try await api.send(.GET, "/tables")
            #expect(Self.names(all) == ["off", "plain", "on"])
            #expect(
                all.value.arrayValue?.last == [
                    "database": "b", "table_name": "on", "in_maintenance_allowlist": false,
                ])
            #expect(
                Self.names(try await api.send(.GET, "/tables?database=a")) == ["off", "plain"])
            let enrolled = try await api.send(.GET, "/tables?maintenance_enabled=true")
            #expect(Self.names(enrolled) == ["plain"])
            let out = try await api.send(.GET, "/tables?maintenance_enabled=false&database=b")
            #expect(Self.names(out) == ["on"])
        }
    }

    @Test func `who asks is told why tables are left out`() async throws {
        try await withAPI {
            $0.enrolment = Enrolment(allowlist: ["a"])
        } _: { api in
            try await api.store.replaceCachedTables(Self.tables)

            let rows = try await api.send(.GET, "/tables?reasons=true").value.arrayValue ?? []
            let reasons = rows.map { $0.objectValue?["skip_reason"] ?? "missing" }
            let details = rows.compactMap { $0.objectValue?["skip_detail"]?.stringValue }

            #expect(reasons == ["not_enrolled", .null, "not_allowlisted"])
            #expect(details.count == 2)
            #expect(details[0] == "the table's property icepack.maintenance_enabled is false")
            #expect(details[1].contains("ICEPACK_MAINTENANCE_ALLOWLIST"))
        }
    }

    @Test func `the cache's state says when, how many and which databases`() async throws {
        try await withAPI {
            $0.enrolment = Enrolment(allowlist: ["b", "a"])
        } _: { api in
            try await api.store.replaceCachedTables(Self.tables)

            let reply = try await api.send(.GET, "/tables/cache-status")

            #expect(
                reply.value == [
                    "last_synced": .string(api.store.now.description), "table_count": 3,
                    "maintenance_allowlist": ["b", "a"],
                ])
        }
    }
}
