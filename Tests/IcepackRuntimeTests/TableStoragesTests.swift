// SPDX-License-Identifier: Apache-2.0

import AWSSigning
import Foundation
import IcebergCatalog
import IcebergSpec
import Logging
import ObjectStorage
import Synchronization
import TestSupport
import Testing

@testable import IcepackRuntime
@testable import S3Storage

/// Credentials that a catalog lends, on moto, where our own are wrong.
@Suite(.enabled(if: S3Server.isAvailable(.moto)))
struct TableStoragesTests {
    /// What a catalog says, one answer for each time it is asked.
    private final class Answers: Sendable {
        private let rest: Mutex<[StorageAccess]>
        let asked = Mutex(0)

        init(_ answers: [StorageAccess]) { rest = Mutex(answers) }

        func next() throws(CatalogError) -> StorageAccess {
            asked.withLock { $0 += 1 }
            guard let answer = rest.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else {
                throw .unavailable(reason: "away")
            }
            return answer
        }
    }

    private let bucket = "lent-\(UInt64.random(in: 0 ... .max))"
    private var object: Location { Location("s3://\(bucket)/wh/t/data/o") }

    private func storages(_ server: S3Server) throws -> TableStorages {
        let wrong = AWSCredentials(
            accessKeyID: server.accessKeyID, secretAccessKey: "our-own-is-wrong")
        let settings = try settings(server)
        let usual = S3Storage(settings, credentials: CredentialsCache(wrong))
        return TableStorages(
            usual: StorageRouter(plainPaths: nil, schemes: ["s3": usual]), local: LocalStorage(),
            settings: settings, isEndpointSet: true, credentials: CredentialsCache(wrong))
    }

    private func settings(_ server: S3Server) throws -> S3Settings {
        S3Settings(endpoint: try S3Endpoint(url: server.endpoint), region: "us-east-1")
    }

    private func makeBucket(_ server: S3Server) async throws {
        let right = AWSCredentials(
            accessKeyID: server.accessKeyID, secretAccessKey: server.secretAccessKey)
        let client = S3Client(
            try settings(server), credentials: CredentialsCache(right),
            logger: Logger(label: "test.s3"), now: now)
        _ = try await client.call(S3Request("PUT", bucket)) { _ throws(CallFailure) in }
    }

    private func table(_ access: StorageAccess) throws -> LoadedTable {
        let metadata = """
            {"format-version": 1, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1",
            "location": "s3://\(bucket)/wh/t", "last-updated-ms": 1, "last-column-id": 1,
            "schema": {"type": "struct", "schema-id": 0, "fields": []}, "partition-spec": [],
            "properties": {}, "snapshots": []}
            """
        return LoadedTable(
            identifier: TableIdentifier(namespace: ["db"], name: "t"),
            metadataLocation: Location("s3://\(bucket)/wh/t/metadata/v1.metadata.json"),
            metadata: try TableMetadata(parsing: Array(metadata.utf8)), storageAccess: access)
    }

    private func keys(_ server: S3Server, endsIn seconds: Int64? = nil) -> [String: String] {
        var keys = [
            "s3.access-key-id": server.accessKeyID,
            "s3.secret-access-key": server.secretAccessKey,
        ]
        if let seconds {
            let end = now() + seconds * 1000
            keys["s3.session-token-expires-at-ms"] = String(end)
        }
        return keys
    }

    @Sendable private func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

    @Test func `lent credentials are used where they are lent, and nothing else is anywhere`()
        async throws
    {
        let server = try await S3Server.shared(.moto)
        try await makeBucket(server)
        let access = StorageAccess(
            properties: ["s3.region": "us-east-1"],
            credentials: [
                .init(prefix: "s3://\(bucket)/wh/t/", properties: keys(server)),
                .init(
                    prefix: "s3://\(bucket)/wh/t/deep/",
                    properties: ["s3.access-key-id": "A", "s3.secret-access-key": "wrong"]),
            ])
        let storage = try storages(server).storage(of: try table(access)) {
            () throws(CatalogError) in access
        }

        try await storage.write([1], to: object, condition: .none)
        let spelled = Location("s3a" + object.rawValue.dropFirst(2))
        #expect(try await storage.read(spelled, limit: 1) == [1])
        var listed: [Location] = []
        for try await info in storage.list(Location("s3://\(bucket)/wh/t")) {
            listed.append(info.location)
        }
        #expect(listed == [object])
        await #expect(throws: StorageError.self, "the longest prefix serves") {
            _ = try await storage.read(Location("s3://\(bucket)/wh/t/deep/o"), limit: 1)
        }
        let moved = Location("s3://\(bucket)/wh/t/q/o")
        let deep = Location("s3://\(bucket)/wh/t/deep/o")
        let found = try #require(try await storage.stat(object))
        let copies = await storage.copy([
            ObjectCopy(found, to: moved), ObjectCopy(found, to: deep),
        ])
        #expect(try await storage.read(moved, limit: 1) == [1])
        #expect(
            copies.last
                == .failed(
                    .unsupported(
                        deep,
                        reason:
                            "its source is in another store, or is reached with other credentials"))
        )
        let outside = Location("s3://\(bucket)/wh/other/o")
        let outcomes = await storage.remove([outside, object])
        #expect(
            outcomes == [
                .failed(
                    .unsupported(outside, reason: "the catalog lends no credentials for it")),
                .removed,
            ])
    }

    @Test func `lent credentials are asked for again before they end`() async throws {
        let server = try await S3Server.shared(.moto)
        try await makeBucket(server)
        let answers = Answers([
            StorageAccess(properties: keys(server, endsIn: 3600))
        ])
        let old = [
            "s3.access-key-id": "old", "s3.secret-access-key": "old",
            "s3.session-token-expires-at-ms": String(now() + 5000),
        ]
        let storage = try storages(server).storage(
            of: try table(StorageAccess(properties: old))
        ) { () throws(CatalogError) in try answers.next() }

        for _ in 0..<3 { try await storage.write([1], to: object, condition: .none) }

        #expect(answers.asked.withLock { $0 } == 1)
    }

    @Test func `a catalog that cannot be asked again is a passing fault`() async throws {
        let server = try await S3Server.shared(.moto)
        let answers = Answers([])
        let storage = try storages(server).storage(
            of: try table(StorageAccess(properties: keys(server, endsIn: 1)))
        ) { () throws(CatalogError) in try answers.next() }

        let error = await #expect(throws: StorageError.self) {
            _ = try await storage.read(object, limit: 1)
        }

        guard case .unavailable(_, let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("away"))
    }

    @Test func `half a pair of keys and an endpoint that is none are refused`() async throws {
        let server = try await S3Server.shared(.moto)
        let half = try table(StorageAccess(properties: ["s3.access-key-id": "A"]))

        #expect(throws: StorageError.self) {
            _ = try storages(server).storage(of: half) { () throws(CatalogError) in .none }
        }
    }

    @Test func `a catalog that says nothing leaves our own credentials in place`() async throws {
        let server = try await S3Server.shared(.moto)
        let storage = try storages(server).storage(of: try table(.none)) {
            () throws(CatalogError) in .none
        }

        let error = await #expect(throws: StorageError.self) {
            _ = try await storage.read(object, limit: 1)
        }
        #expect(error.map { "\($0)".contains("SignatureDoesNotMatch") } == true)
    }
}
