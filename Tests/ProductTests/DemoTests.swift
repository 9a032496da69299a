// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import TestSupport
import Testing
import WireFormat

/// `icepack demo`, as somebody runs it who has nothing but the executable.
@Suite struct DemoTests {
    private static let tables = [
        "demo.events", "demo.orders", "demo.visits", "demo.accounts", "demo.sensors",
    ]

    private func withFolder(_ body: (Product) async throws -> Void) async throws {
        let folder = try Product.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        // Settings of the caller's must not count.
        let environment = ["ICEPACK_CATALOG_TYPE": "none", "ICEPACK_STORE": "none"]
        try await body(Product(environment: environment, folder: folder))
    }

    private func number(_ table: JSONObject, _ moment: String, _ key: String) throws -> Int64 {
        try #require(table[moment]?.objectValue?[key]?.int64Value, "\(moment) \(key)")
    }

    @Test(
        .enabled(if: Oracles.isAvailable, "\(Oracles.reason)"), .timeLimit(.minutes(15)))
    func `other engines read the rows that the command says it wrote`() async throws {
        try await withFolder { product in
            let shown = try await product.run("demo", "--exit", "--json", "--port", "0")

            try #require(shown.code == 0, "\(shown.errors)")
            let report = try #require(try JSONValue(parsing: shown.output).objectValue)
            let tables = (report["tables"]?.arrayValue ?? []).compactMap(\.objectValue)
            #expect(tables.compactMap { $0["table"]?.stringValue } == Self.tables)
            let warehouse = product.folder.appending(path: ".demo/warehouse")
            let read = try await Oracles.run("demo_rows.py", ["--warehouse", warehouse.path])
            for table in tables {
                let name = try #require(table["table"]?.stringValue)
                let written = try #require(table["written"])
                #expect((written.objectValue?["rows"]?.int64Value ?? 0) > 1000)
                for engine in ["duckdb", "pyiceberg", "datafusion"] {
                    let found = read.objectValue?[name]?.objectValue?[engine]
                    #expect(found == written, "\(engine) reads other rows from \(name)")
                }
                try checkFigures(of: table, named: name)
            }
            try checkOrphans(in: warehouse)
        }
    }

    private func checkFigures(of table: JSONObject, named name: String) throws {
        for key in ["rows", "digest", "lineage_digest"] {
            let values = ["before", "after"].map { table[$0]?.objectValue?[key] }
            #expect(values[0] == values[1], "\(name) \(key)")
        }
        #expect(table["after"]?.objectValue?["digest"] == table["written"]?.objectValue?["digest"])
        let hasLineage = table["after"]?.objectValue?["lineage_digest"] != .null
        #expect(hasLineage == (name == "demo.accounts"))
        let left = [
            "demo.events": [1, 0], "demo.orders": [40, 1], "demo.visits": [10, 0],
            "demo.accounts": [1, 0], "demo.sensors": [1, 0],
        ]
        #expect(
            try ["data_files", "delete_files"].map { try Int(number(table, "after", $0)) }
                == left[name], "\(name)")
        for key in ["manifests", "snapshots", "files_on_disk", "bytes_on_disk"] {
            let (before, after) = (
                try number(table, "before", key), try number(table, "after", key)
            )
            #expect(after < before, "\(name) \(key)")
        }
        let hasDeletes = ["demo.orders", "demo.visits", "demo.accounts"].contains(name)
        #expect(try (number(table, "before", "delete_files") > 1) == hasDeletes, "\(name)")
    }

    private func checkOrphans(in warehouse: URL) throws {
        let sensors = warehouse.appending(path: "demo/sensors").path
        let files = try FileManager.default.subpathsOfDirectory(atPath: sensors)
            .filter { $0.contains("never-committed") }
        #expect(files.count == 2)
        #expect(files.allSatisfy { $0.hasPrefix(".icepack-quarantine/") })
    }

    @Test(.timeLimit(.minutes(15)))
    func `it goes on serving until it is told to stop, and the next one replaces it`() async throws
    {
        try await withFolder { product in
            let demo = try await product.start("demo", "--port", "0", name: "demo")
            try await eventually("everything was shown", limit: .seconds(300)) {
                demo.log.contains("until Ctrl-C")
            }
            let log = demo.log
            let url = String(
                try #require(log.firstMatch(of: /The service is at (http:\S+)/)).1)
            #expect(!log.contains("\u{1B}["), "colours are for terminals")
            let (status, listed) = try await ProductFixture.send("GET", url + "/tables")
            #expect(status == 200)
            #expect(listed.arrayValue?.count == Self.tables.count)
            demo.send(SIGINT)
            #expect(try await demo.wait() == .exited(0), "\(demo.log)")

            let stray = product.folder.appending(path: ".demo/stray")
            try Data("x".utf8).write(to: stray)
            let next = try await product.start("demo", "--port", "0", name: "next")
            try await eventually("the next one writes tables") {
                next.log.contains("Writing tables")
            }
            #expect(!FileManager.default.fileExists(atPath: stray.path))
            try await eventually("the next one maintains them", limit: .seconds(300)) {
                next.log.contains("Maintaining them")
            }
            next.send(SIGINT)
            #expect(try await next.wait() == .exited(1), "\(next.log)")
            #expect(next.log.contains("stopped before the end"))
        }
    }

    @Test func `a folder that is not a demonstration's stays as it is`() async throws {
        try await withFolder { product in
            let files = FileManager.default
            let own = product.folder.appending(path: "own")
            try files.createDirectory(at: own, withIntermediateDirectories: true)
            let note = own.appending(path: "note.txt")
            try Data("mine".utf8).write(to: note)
            // A link to a folder that would be replaced under its own name.
            let marked = product.folder.appending(path: "marked")
            try files.createDirectory(at: marked, withIntermediateDirectories: true)
            let link = product.folder.appending(path: "link")
            try files.createSymbolicLink(at: link, withDestinationURL: marked)
            // A marker that the command did not write.
            let other = product.folder.appending(path: "other")
            try files.createDirectory(at: other, withIntermediateDirectories: true)
            try Data("".utf8).write(to: other.appending(path: ".icepack-demo"))

            for folder in ["own", "own/note.txt", "link", "other"] {
                let refused = try await product.run("demo", "--exit", "--folder", folder)
                #expect(refused.code == 64, "\(folder): \(refused.errors)")
                #expect(refused.errors.contains("stays as it is"))
            }

            #expect(try Data(contentsOf: note) == Data("mine".utf8))
            #expect(try files.contentsOfDirectory(atPath: own.path) == ["note.txt"])
            #expect(try files.contentsOfDirectory(atPath: marked.path) == [])
            #expect(try files.contentsOfDirectory(atPath: other.path) == [".icepack-demo"])
        }
    }
}
