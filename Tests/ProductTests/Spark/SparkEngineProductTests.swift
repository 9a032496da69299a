// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import TestSupport
import Testing
import WireFormat

/// Actions that the API takes and Spark carries out, looked at from outside both.
@Suite(.serialized, .enabled(if: SparkThriftServer.isWanted, "run it with make test-spark"))
struct SparkEngineProductTests {
    /// Every transport once, one of them with both catalogs, and one on the older Iceberg.
    static let servers: [(SparkThriftServer.Options, [SparkFixture.Catalog])] = [
        (.init(.http), [.lab, .sq]), (.init(.binaryNoSASL), [.sq]),
        (.init(.binaryPlain, iceberg: .older), [.lab]),
    ]

    @Test(.timeLimit(.minutes(10)), arguments: servers)
    func `actions keep every row, and their counts are true`(
        options: SparkThriftServer.Options, catalogs: [SparkFixture.Catalog]
    ) async throws {
        try await SparkThriftServer.withShared(options) { server in
            let shell = try await SparkShell.open(server)
            for catalog in catalogs {
                try await shell.run(
                    SparkTables.fragmented("\(catalog).\(Self.namespace(server)).events"))
            }
            await shell.close()
            for catalog in catalogs {
                try await maintain(server, catalog)
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `expiry by Spark leaves what our own leaves`() async throws {
        try await SparkThriftServer.withShared(.init(.http)) { server in
            let shell = try await SparkShell.open(server)
            try await shell.run(SparkTables.fragmented("lab.both.events"))
            await shell.close()
            let bySpark = try await SparkFixture(server, .lab)
            let byUs = try await SparkFixture(server, .lab, settings: ["ICEPACK_ENGINE": "native"])
            let (one, sparkURL) = try await bySpark.startAPI()
            let (other, nativeURL) = try await byUs.startAPI()

            let report = try await Oracles.run(
                "compare_engines.py",
                [
                    "--spark", sparkURL, "--native", nativeURL, "--table", "both.events",
                    "--scratch", byUs.folder.path,
                ] + bySpark.place)

            #expect(report.objectValue?["differences"] == [], "\(report)")
            for api in [one, other] {
                api.send(SIGTERM)
                #expect(try await api.wait() == .exited(0))
            }
            for fixture in [bySpark, byUs] { await fixture.remove() }
        }
    }

    /// Servers are shared by tests of every transport, and so are their tables.
    private static func namespace(_ server: SparkThriftServer) -> String {
        "by_\(server.options.transport)".lowercased()
    }

    private func maintain(
        _ server: SparkThriftServer, _ catalog: SparkFixture.Catalog
    ) async throws {
        let fixture = try await SparkFixture(server, catalog)
        let (api, url) = try await fixture.startAPI()

        let report = try await Oracles.run(
            "maintain_table.py",
            ["--api", url, "--table", "\(Self.namespace(server)).events"] + fixture.place)

        let context = "\(report)\n\(api.log.suffix(3000))"
        #expect(report.objectValue?["differences"] == [], "\(context)")
        #expect(report.objectValue?["references"] == 3)
        // Once is enough: it is the writer that differs, and not how Spark is spoken to.
        if catalog == .sq, server.options.transport == .http {
            try await maintainForeignTable(fixture, url)
        }
        api.send(SIGTERM)
        #expect(try await api.wait() == .exited(0))
        await fixture.remove()
    }

    /// A table of another writer in the shared catalog.
    private func maintainForeignTable(_ fixture: SparkFixture, _ url: String) async throws {
        let table = "\(Self.namespace(fixture.server)).foreign"
        _ = try await Oracles.run(
            "make_table.py",
            [
                "--warehouse", fixture.server.sqWarehouse, "--catalog-uri",
                fixture.server.catalogURI, "--catalog-name", "sq", "--table", table,
                "--commits", "12",
            ])

        let report = try await Oracles.run(
            "maintain_table.py",
            ["--api", url, "--table", table, "--no-deletes"] + fixture.place)

        #expect(report.objectValue?["differences"] == [], "\(report)")
    }
}
