// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import TestSupport
import Testing
import WireFormat

/// A fleet of tables of every kind, made by PyIceberg and DuckDB, that one run of the
/// orchestrator maintains: exactly those that it should, and on nothing but what the processes
/// share.
///
/// FLEET_TABLES makes it larger.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct FleetProductTests {
    private static let count =
        ProcessInfo.processInfo.environment["FLEET_TABLES"].flatMap(Int.init) ?? 20

    /// Kinds of tables that get a job, by what `fleet.py` calls them.
    private static let maintained: Set = ["expiring", "scattered", "fragmented", "heavy", "wrong"]
    /// Why the others get none, and all of them in the next run.
    private static let skips: [String: String] = [
        "healthy": "nothing_to_do", "optedout": "not_enrolled", "skipped": "skip_property",
        "elsewhere": "not_allowlisted", "expiring": "cadence_not_due",
        "scattered": "cadence_not_due", "fragmented": "cadence_not_due", "heavy": "cadence_not_due",
        "wrong": "cadence_not_due",
    ]

    /// What the tables are listed in.
    enum CatalogKind: CaseIterable {
        case sql
        case rest
    }

    private struct Scene {
        let folder: URL
        let product: Product
        let tables: [(name: String, kind: String)]
        let catalogFile: String

        init(
            _ kind: CatalogKind = .sql, store: (URL) -> String
        ) async throws {
            folder = try Product.makeFolder()
            let warehouse = folder.appendingPathComponent("warehouse").path
            let made = try #require(
                try await Oracles.run(
                    "fleet.py",
                    ["make", "--warehouse", warehouse, "--tables", "\(FleetProductTests.count)"]
                ).objectValue)
            tables = try #require(made["tables"]?.arrayValue).map {
                let table = try #require($0.objectValue)
                return (
                    try #require(table["name"]?.stringValue),
                    try #require(table["kind"]?.stringValue)
                )
            }
            catalogFile = warehouse + "/catalog.db"
            let uri: String
            switch kind {
            case .sql: uri = try #require(made["catalog_uri"]?.stringValue)
            case .rest:
                // Over the same database, and with PyIceberg's name of the catalog.
                let options: JSONValue = ["name": "default"]
                let catalog = try await RESTServer.shared().makeCatalog(
                    database: catalogFile, options: try #require(options.objectValue))
                uri = catalog.uri
            }
            product = Product(
                environment: [
                    "ICEPACK_STORE": store(folder), "ICEPACK_CATALOG_TYPE": "\(kind)",
                    "ICEPACK_CATALOG_URI": uri,
                    "ICEPACK_MAINTENANCE_ALLOWLIST": "db", "ICEPACK_PORT": "0",
                    "ICEPACK_HEALTH_SYNC_INTERVAL_SECONDS": "0",
                    "ICEPACK_POSTGRES_MIN_CONNECTIONS": "1",
                    "ICEPACK_POSTGRES_MAX_CONNECTIONS": "4",
                    "ICEPACK_RETRY_DELAY_SECONDS": "0.1",
                ], folder: folder)
        }

        /// What DuckDB reads of every table that can be read.
        func rows() async throws -> JSONValue {
            try await Oracles.run("fleet.py", ["read", "--catalog-file", catalogFile])
        }

        /// One run of the orchestrator against a service.
        func orchestrate(_ url: String) async throws -> (code: Int32, run: JSONObject) {
            var product = product
            product.environment["ICEPACK_API_URL"] = url
            let outcome = try await product.run("orchestrate", "--json")
            let run = try JSONValue(parsing: outcome.output).objectValue
            return (outcome.code, try #require(run, "\(outcome.errors)"))
        }

        /// The newest jobs of the service.
        func jobs(_ url: String) async throws -> [JSONObject] {
            let (status, page) = try await ProductFixture.send("GET", url + "/jobs?limit=500")
            try #require(status == 200, "\(page.text())")
            return try #require(page.arrayValue).compactMap(\.objectValue)
        }

        /// The names of all tables of these kinds.
        func names(_ kinds: Set<String>) -> Set<String> {
            Set(tables.filter { kinds.contains($0.kind) }.map(\.name))
        }
    }

    private static func table(_ job: JSONObject) -> String {
        "\(job["database"]?.stringValue ?? "").\(job["table_name"]?.stringValue ?? "")"
    }

    @Test(.timeLimit(.minutes(30)), arguments: CatalogKind.allCases)
    func `one run maintains exactly what it should, and the next one says why there is nothing`(
        catalog: CatalogKind
    ) async throws {
        let scene = try await Scene(catalog) { "sqlite:\($0.path)/store.db" }
        defer { try? FileManager.default.removeItem(at: scene.folder) }
        let before = try await scene.rows()
        let service = try await scene.product.start("serve", name: "serve")
        let url = try await scene.product.address(of: service)

        let (code, run) = try await scene.orchestrate(url)

        #expect(code == 0 && run["status"] == "completed", "\(run)")
        #expect(run["jobs_failed"] == 0)
        let expected = scene.names(Self.maintained)
        #expect(run["jobs_submitted"] == .integer(expected.count))
        let jobs = try await scene.jobs(url)
        #expect(Set(jobs.map(Self.table)) == expected)
        #expect(jobs.count == expected.count)
        #expect(jobs.allSatisfy { $0["status"] == "completed" })
        for job in jobs {
            // Cleaning comes first, and no removal of orphans is tried beside a broken table.
            let actions = job["actions"]?.arrayValue?.compactMap(\.stringValue) ?? []
            #expect(!actions.contains("remove_orphan_files"))
            let expires =
                Self.table(job).hasPrefix("db.expiring_")
                || Self.table(job).hasPrefix("db.wrong_")
            #expect((actions.first == "expire_snapshots") == expires, "\(actions)")
            let isRewritten = ["db.fragmented_", "db.heavy_"].contains {
                Self.table(job).hasPrefix($0)
            }
            #expect(actions.contains("rewrite_data_files") == isRewritten, "\(actions)")
        }
        #expect(try await scene.rows() == before)

        let (again, next) = try await scene.orchestrate(url)
        #expect(again == 0 && next["jobs_submitted"] == 0, "\(next)")
        try expectReasons(scene, in: next)
        try await expectReasons(scene, url)
        #expect(try await scene.jobs(url).count == expected.count)
        service.send(SIGTERM)
        #expect(try await service.wait() == .exited(0))
    }

    /// The run itself says of every table why it got nothing.
    private func expectReasons(_ scene: Scene, in run: JSONObject) throws {
        let lines = try #require(run["tables"]?.arrayValue).compactMap(\.objectValue)
        #expect(Set(lines.compactMap { $0["table"]?.stringValue }) == Set(scene.tables.map(\.name)))
        let kinds = Dictionary(scene.tables.map { ($0.name, $0.kind) }, uniquingKeysWith: { $1 })
        for line in lines {
            let wanted = line["table"]?.stringValue.flatMap { kinds[$0] }
                .flatMap { Self.skips[$0] }
            let reasons = line["reasons"]?.arrayValue ?? []
            #expect(!reasons.isEmpty, "\(line)")
            guard let wanted else { continue }
            #expect(line["skip_reasons"]?.arrayValue?.contains(.string(wanted)) == true, "\(line)")
        }
    }

    /// Every table that can be read says why it gets nothing now.
    private func expectReasons(_ scene: Scene, _ url: String) async throws {
        for (name, kind) in scene.tables {
            let path = name.replacing(".", with: "/")
            let (status, document) = try await ProductFixture.send(
                "GET", "\(url)/tables/\(path)/maintenance/recommendation")
            guard let wanted = Self.skips[kind] else {
                #expect(status != 200, "\(name) cannot be read")
                continue
            }
            let codes = document.objectValue?["skip_reasons"]?.arrayValue ?? []
            #expect(codes.contains(.string(wanted)), "\(name): \(codes)")
            #expect(document.objectValue?["recommended_actions"] == [])
            guard kind == "healthy" else { continue }
            let verdicts = document.objectValue?["actions"]?.arrayValue ?? []
            let orphans = verdicts.compactMap(\.objectValue).first {
                $0["action"] == "remove_orphan_files"
            }
            #expect(orphans?["reason"]?.stringValue?.contains("cannot be read") == true)
        }
    }

    @Test(
        .enabled(if: PostgresCluster.isAvailable), .timeLimit(.minutes(30)))
    func `four replicas and eight workers lose nothing to a restart of PostgreSQL`() async throws {
        let cluster = try await PostgresCluster.start()
        let database = try await cluster.createDatabase()
        let scene = try await Scene { _ in database }
        defer { try? FileManager.default.removeItem(at: scene.folder) }
        let before = try await scene.rows()
        try #require(try await scene.product.run("migrate").code == 0)
        var replica = scene.product
        replica.environment["ICEPACK_MAX_CONCURRENT_JOBS"] = "0"
        var processes: [RunningProcess] = []
        var urls: [String] = []
        for number in 1...4 {
            let process = try await replica.start("serve", name: "serve-\(number)")
            processes.append(process)
            urls.append(try await replica.address(of: process))
        }
        for number in 1...8 {
            processes.append(try await scene.product.start("worker", name: "worker-\(number)"))
        }
        let (first, second) = (urls[0], urls[1])

        async let orchestrated = scene.orchestrate(first)
        try await eventually("a job has ended", limit: .seconds(120)) {
            try await scene.jobs(second).contains { $0["status"] == "completed" }
        }
        try await cluster.restart()
        let (code, run) = try await orchestrated

        #expect(code == 0 && run["status"] == "completed", "\(run)")
        let expected = scene.names(Self.maintained)
        for url in urls {
            let jobs = try await scene.jobs(url)
            #expect(Set(jobs.map(Self.table)) == expected && jobs.count == expected.count)
            #expect(jobs.allSatisfy { $0["status"] == "completed" })
        }
        #expect(try await scene.rows() == before)
        let (_, next) = try await scene.orchestrate(urls[3])
        #expect(next["jobs_submitted"] == 0)
        for process in processes { process.send(SIGTERM) }
        for process in processes { #expect(try await process.wait() == .exited(0)) }
        try await cluster.stop()
    }
}
