// SPDX-License-Identifier: Apache-2.0

import Jobs
import NIOHTTP1
import TestSupport
import Testing
import WireFormat

@testable import IcepackAPI

@Suite(.timeLimit(.minutes(15))) struct IdempotencyTests {
    private static let key: HTTPHeaders = ["Idempotency-Key": "key-1"]

    @Test(arguments: [
        (
            #"{"actions": ["expire_snapshots"], "dry_run": false}"#,
            #"{ "dry_run":false, "actions":["expire_snapshots"] }"#
        ),
        (
            #"{"actions": ["expire_snapshots"], "dry_run": true}"#,
            #"{"dry_run": true, "actions": ["expire_snapshots"]}"#
        ),
    ])
    func `the same key with the same body answers with the first job`(
        first: String, second: String
    ) async throws {
        try await withAPI { api in
            let path = TestAPI.submitPath
            let one = try await api.send(.POST, path, body: first, headers: Self.key)
            let two = try await api.send(.POST, path, body: second, headers: Self.key)

            #expect(one.status == 202)
            #expect(two.status == 202)
            #expect(two.value == one.value)
            #expect(two.headers["Location"] == one.headers["Location"])
            #expect(api.store.auditLog.count == 1)
        }
    }

    @Test func `the same key with another table or body is refused and names the first job`()
        async throws
    {
        try await withAPI { api in
            try await api.store.replaceCachedTables([
                CachedTable(name: TestAPI.table),
                CachedTable(name: TableName(database: "a", table: "b")),
            ])
            let one = try await api.send(
                .POST, TestAPI.submitPath, body: TestAPI.expire, headers: Self.key)

            let other = try await api.send(
                .POST, "/tables/a/b/maintenance", body: TestAPI.expire, headers: Self.key)

            #expect(other.code == "idempotency_key_reused")
            #expect(other.json["job_id"] == one.json["job_id"])
        }
    }

    @Test func `a repeat is looked up before the lock and after the body`() async throws {
        try await withAPI { api in
            let path = TestAPI.submitPath
            _ = try await api.send(.POST, path, body: TestAPI.expire, headers: Self.key)

            let malformed = try await api.send(.POST, path, body: "{", headers: Self.key)
            let other = try await api.send(.POST, path, body: TestAPI.expire)

            #expect(malformed.status == 400)
            #expect(other.code == "table_locked")
        }
    }

    @Test(arguments: [
        ("x", true), (String(repeating: "x", count: 255), true), ("!~", true),
        (String(repeating: "x", count: 256), false), ("a b", false), ("é", false), ("", false),
    ])
    func `a key has 1 to 255 visible ASCII characters`(key: String, isValid: Bool) {
        #expect(IdempotencyKey.isValid(key) == isValid)
    }
}
