// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import GRDB
import NIOCore
import NIOHTTP1
import Postgres
import TestSupport
import Testing
import WireFormat

/// Real tables, a real PostgreSQL database and the product's processes over both, in a folder of
/// their own that goes away with the fixture.
final class ProductFixture: Sendable {
    let folder: URL
    let product: Product
    let database: PostgresPool
    let tables: [JSONValue]

    /// - Parameters:
    ///   - history: how long the tables' histories are.
    ///   - settings: of the product, besides where its store and its catalog are.
    init(tables count: Int, history: [String], settings: [String: String]) async throws {
        folder = try Product.makeFolder()
        let made = try await Oracles.run(
            "make_history.py",
            [
                "--warehouse", folder.appendingPathComponent("warehouse").path, "--table", "db.t",
                "--tables", "\(count)",
            ] + history)
        tables = try #require(made.arrayValue)
        let first = try #require(tables.first?.objectValue)
        let cluster = try await PostgresCluster.shared()
        let url = try await cluster.createDatabase()
        database = PostgresPool(try PostgresConfiguration(url: url))
        var environment = [
            "ICEPACK_STORE": url, "ICEPACK_CATALOG_TYPE": "sql",
            "ICEPACK_CATALOG_URI": try #require(first["catalog_uri"]?.stringValue),
            "ICEPACK_POSTGRES_MIN_CONNECTIONS": "1", "ICEPACK_POSTGRES_MAX_CONNECTIONS": "4",
        ]
        environment.merge(settings) { $1 }
        product = Product(environment: environment, folder: folder)
        let migrated = try await product.run("migrate")
        try #require(migrated.code == 0, "\(migrated.errors)")
    }

    /// Closes connections and removes the folder.
    func remove() async {
        await database.shutdown()
        try? FileManager.default.removeItem(at: folder)
    }

    /// The name of a table, `db.t_1` being the first.
    func name(_ index: Int) -> String { "db.t_\(index + 1)" }

    /// The SQLite file of the catalog.
    func catalogFile() throws -> String {
        let uri = try #require(tables[0].objectValue?["catalog_uri"]?.stringValue)
        return String(uri.dropFirst("sqlite:///".count))
    }

    /// The metadata file that the catalog names for a table now.
    func metadataLocation(_ index: Int) async throws -> String {
        var patience = GRDB.Configuration()
        patience.busyMode = .timeout(20)
        let queue = try DatabaseQueue(path: try catalogFile(), configuration: patience)
        let location = try await queue.read { database in
            try String.fetchOne(
                database, sql: "SELECT metadata_location FROM iceberg_tables WHERE table_name = ?",
                arguments: ["t_\(index + 1)"])
        }
        return try #require(location)
    }

    /// What an independent reader says of a table's files.
    func references(_ index: Int) async throws -> JSONObject {
        let found = try await Oracles.run(
            "references.py",
            ["--catalog-file", try catalogFile(), "--table", name(index), "--strict"])
        return try #require(found.objectValue)
    }

    /// Inserts a job as a submission would, through the product.
    func submit(_ url: String, table index: Int, retainLast: Int64) async throws -> String {
        let (status, job) = try await Self.send(
            "POST", "\(url)/tables/db/t_\(index + 1)/maintenance",
            [
                "actions": ["expire_snapshots"],
                "options": [
                    "expire_snapshots": [
                        "retain_last": .integer(retainLast), "older_than": "2100-01-01T00:00:00Z",
                    ]
                ],
            ])
        try #require(status == 202, "\(job.text())")
        return try #require(job.objectValue?["job_id"]?.stringValue)
    }

    /// One number that a query answers.
    func number(_ sql: String) async throws -> Int64 {
        let rows = try await database.query(PostgresStatement(sql, effect: .reads))
        return try #require(rows.first).decode(0)
    }

    /// Runs statements in the store's own database.
    func change(_ statements: String...) async throws {
        for sql in statements {
            _ = try await database.query(PostgresStatement(sql, effect: .writes))
        }
    }

    /// Starts the API without workers and returns its address once it is ready.
    func startAPI(
        _ settings: [String: String] = ["ICEPACK_MAX_CONCURRENT_JOBS": "0"]
    ) async throws -> (process: RunningProcess, url: String) {
        var product = product
        product.environment.merge(settings) { $1 }
        product.environment["ICEPACK_PORT"] = "0"
        let process = try await product.start(
            "serve", name: "serve-\(UInt16.random(in: 0 ... .max))")
        return (process, try await product.address(of: process))
    }

    /// The status that a GET answers with; 0 when nothing answers.
    static func status(of url: String) async -> UInt {
        do {
            let answer = try await HTTPClient.shared.execute(
                HTTPClientRequest(url: url), timeout: .seconds(5))
            return answer.status.code
        } catch { return 0 }
    }

    /// Sends a request and returns the status and the JSON body.
    static func send(
        _ method: String, _ url: String, _ body: JSONValue? = nil
    ) async throws -> (status: UInt, body: JSONValue) {
        var request = HTTPClientRequest(url: url)
        request.method = .RAW(value: method)
        if let body { request.body = .bytes(ByteBuffer(bytes: body.bytes())) }
        let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let bytes = try await answer.body.collect(upTo: 1 << 24)
        let text = Array(bytes.readableBytesView)
        return (answer.status.code, text.isEmpty ? .null : try JSONValue(parsing: text))
    }
}
