// SPDX-License-Identifier: Apache-2.0

import Foundation
import Postgres
import Synchronization
import TestSupport
import Testing
import WireFormat

/// The product over a Thrift Server and one of its catalogs, with a PostgreSQL of its own.
final class SparkFixture: Sendable {
    /// One of the server's two catalogs.
    enum Catalog: String, CaseIterable, Sendable {
        case lab
        case sq
    }

    /// How the product reaches Spark, where that is not straight at the server.
    struct Wiring: Sendable {
        /// Another port, such as that of a ``Relay``.
        var port: Int?
        /// Whether the product knows Spark's own interface.
        var hasInterface = true
    }

    let server: SparkThriftServer
    let catalog: Catalog
    let folder: URL
    let product: Product
    let database: PostgresPool

    init(
        _ server: SparkThriftServer, _ catalog: Catalog, wiring: Wiring = Wiring(),
        settings: [String: String] = [:]
    ) async throws {
        self.server = server
        self.catalog = catalog
        folder = try Product.makeFolder()
        let url = try await PostgresCluster.shared().createDatabase()
        database = PostgresPool(try PostgresConfiguration(url: url))
        var environment = Self.environment(server, catalog, wiring)
        environment["ICEPACK_STORE"] = url
        environment.merge(settings) { $1 }
        product = Product(environment: environment, folder: folder)
        let migrated = try await product.run("migrate")
        try #require(migrated.code == 0, "\(migrated.errors)")
    }

    private static func environment(
        _ server: SparkThriftServer, _ catalog: Catalog, _ wiring: Wiring
    ) -> [String: String] {
        var environment = [
            "ICEPACK_ENGINE": "spark", "ICEPACK_SPARK_HOST": "127.0.0.1",
            "ICEPACK_SPARK_PORT": "\(wiring.port ?? server.port)",
            "ICEPACK_SPARK_CATALOG": catalog.rawValue, "ICEPACK_SPARK_SERVER": "thriftserver",
            "ICEPACK_SPARK_ICEBERG_VERSION": server.options.iceberg.rawValue,
            "ICEPACK_POSTGRES_MIN_CONNECTIONS": "1", "ICEPACK_POSTGRES_MAX_CONNECTIONS": "4",
            "ICEPACK_POLL_SECONDS": "0.3", "ICEPACK_TABLE_CACHE_REFRESH_SECONDS": "3",
        ]
        if wiring.hasInterface { environment["ICEPACK_SPARK_UI_URL"] = server.uiURL }
        switch server.options.transport {
        case .binaryNoSASL: environment["ICEPACK_SPARK_AUTH"] = "nosasl"
        case .binaryPlain: environment["ICEPACK_SPARK_AUTH"] = "plain"
        case .http: environment["ICEPACK_SPARK_TRANSPORT"] = "http"
        }
        if server.options.transport != .binaryNoSASL {
            environment["ICEPACK_SPARK_USER"] = "ann"
            environment["ICEPACK_SPARK_PASSWORD"] = "any"
        }
        switch catalog {
        case .lab:
            environment["ICEPACK_CATALOG_TYPE"] = "filesystem"
            environment["ICEPACK_CATALOG_WAREHOUSE"] = server.labWarehouse
        case .sq:
            environment["ICEPACK_CATALOG_TYPE"] = "sql"
            environment["ICEPACK_CATALOG_NAME"] = "sq"
            environment["ICEPACK_CATALOG_URI"] = server.catalogURI
            environment["ICEPACK_CATALOG_WAREHOUSE"] = server.sqWarehouse
        }
        return environment
    }

    /// What the oracles need to find tables.
    var place: [String] {
        switch catalog {
        case .lab: ["--warehouse", server.labWarehouse]
        case .sq:
            [
                "--catalog-file", String(server.catalogURI.dropFirst("sqlite:///".count)),
                "--catalog-name", "sq",
            ]
        }
    }

    /// Starts the API, with one worker unless told otherwise.
    func startAPI(workers: Int = 1) async throws -> (process: RunningProcess, url: String) {
        var product = product
        product.environment["ICEPACK_MAX_CONCURRENT_JOBS"] = "\(workers)"
        product.environment["ICEPACK_PORT"] = "0"
        let process = try await product.start("serve", name: "serve")
        do {
            return (process, try await product.address(of: process))
        } catch {
            throw Oracles.Failure(description: "\(error)\n\(process.log.suffix(3000))")
        }
    }

    /// Submits one action and returns the job's id.
    func submit(
        _ url: String, _ table: String, _ action: String, _ options: JSONValue = [:]
    ) async throws -> String {
        let name = table.replacing(".", with: "/")
        let (status, job) = try await ProductFixture.send(
            "POST", "\(url)/tables/\(name)/maintenance",
            ["actions": [.string(action)], "options": [action: options]])
        try #require(status == 202, "\(job.text())")
        return try #require(job.objectValue?["job_id"]?.stringValue)
    }

    /// A job as the API shows it.
    func job(_ url: String, _ id: String) async throws -> JSONObject {
        let (status, job) = try await ProductFixture.send("GET", "\(url)/jobs/\(id)")
        try #require(status == 200, "\(job.text())")
        return try #require(job.objectValue)
    }

    /// Waits until a job is over.
    func finished(_ url: String, _ id: String) async throws -> JSONObject {
        try await inTime("the job ends") {
            let status = try await self.job(url, id)["status"]?.stringValue
            return status != "pending" && status != "running"
        }
        return try await job(url, id)
    }

    /// Whether anybody holds the table's lock.
    func isLocked(_ table: String) async throws -> Bool {
        let name = table.split(separator: ".")
        let rows = try await database.query(
            PostgresStatement(
                """
                SELECT COUNT(*) FROM table_locks
                WHERE database_name = '\(name[0])' AND table_name = '\(name[1])'
                """, effect: .reads))
        return try #require(rows.first).decode(0) as Int64 > 0
    }

    /// The table as independent readers see it now: its snapshots and files.
    func look(_ table: String) async throws -> JSONObject {
        let seen = try await Oracles.run(
            "maintain_table.py", ["--look", "--table", table] + place)
        return try #require(seen.objectValue)
    }

    /// Closes connections and removes the folder.
    func remove() async {
        await database.shutdown()
        try? FileManager.default.removeItem(at: folder)
    }
}

/// Looks ten times a second until the condition holds.
///
/// With a limit for machines that do other things too: there Spark takes minutes over what it
/// otherwise does in seconds.
func inTime(
    _ what: String, _ condition: @escaping @Sendable () async throws -> Bool
) async throws {
    let next = Mutex(ContinuousClock.now)
    try await eventually(what, limit: .seconds(240)) {
        // More often would only slow Spark down.
        let isTime = next.withLock { next in
            guard ContinuousClock.now >= next else { return false }
            next = ContinuousClock.now.advanced(by: .milliseconds(100))
            return true
        }
        guard isTime else { return false }
        return try await condition()
    }
}

extension ProductFixture {
    /// Waits until the service's cache of tables has one.
    static func waitForTable(_ url: String, _ table: String) async throws {
        try await inTime("\(table) is in the table cache") {
            let (_, tables) = try await send("GET", "\(url)/tables")
            return (tables.arrayValue ?? []).compactMap(\.objectValue).contains {
                "\($0["database"]?.stringValue ?? "").\($0["table_name"]?.stringValue ?? "")"
                    == table
            }
        }
    }
}
