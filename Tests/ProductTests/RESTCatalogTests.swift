// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import WireFormat

/// Maintenance of tables that a REST catalog has, with PyIceberg's REST client as the neighbour.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct RESTCatalogProductTests {
    private static let secret = "icepack-s3cret"

    private struct Scene {
        let folder: URL
        let catalog: RESTServer.Catalog
        var product: Product

        func client(_ command: String, _ arguments: String...) async throws -> JSONObject {
            let found = try await Oracles.run(
                "rest_client.py",
                [command, catalog.uri] + arguments + [
                    "credential=icepack:\(RESTCatalogProductTests.secret)",
                    "oauth2-server-uri=\(catalog.uri)/v1/oauth/tokens",
                ])
            return try #require(found.objectValue)
        }
    }

    private func scene() async throws -> Scene {
        let folder = try Product.makeFolder()
        let options: JSONValue = [
            "oauth": ["id": "icepack", "secret": .string(Self.secret)], "page_size": 1,
            "prefix": "main", "lifetime": "PT30M",
        ]
        let catalog = try await RESTServer.shared().makeCatalog(
            folder: folder.path, options: try #require(options.objectValue))
        let product = Product(
            environment: [
                "ICEPACK_STORE": "sqlite:\(folder.path)/store.db",
                "ICEPACK_CATALOG_TYPE": "rest", "ICEPACK_CATALOG_URI": catalog.uri,
                "ICEPACK_CATALOG_CREDENTIAL": "icepack:\(Self.secret)",
            ], folder: folder)
        return Scene(folder: folder, catalog: catalog, product: product)
    }

    private func expire(_ scene: Scene) async throws -> Finished {
        try await scene.product.run(
            "maintain", "db.deep.t", "--action", "expire_snapshots", "--option", "retain_last=2",
            "--option", "older_than=2100-01-01T00:00:00Z", "--json")
    }

    @Test(.timeLimit(.minutes(15)))
    func `snapshots of a table in a REST catalog expire, and PyIceberg reads the same rows`()
        async throws
    {
        let scene = try await scene()
        defer { try? FileManager.default.removeItem(at: scene.folder) }
        let made = try await scene.client("create", "--table", "db.deep.t", "--appends", "5")

        let outcome = try await expire(scene)

        #expect(outcome.code == 0, "\(outcome.errors)")
        let seen = try await scene.client("look", "--table", "db.deep.t")
        #expect(made["snapshots"]?.arrayValue?.count == 5)
        #expect(seen["snapshots"]?.arrayValue?.count == 2)
        #expect(seen["rows"] == made["rows"])
        let appended = try await scene.client("append", "--table", "db.deep.t")
        #expect(appended["rows"]?.arrayValue?.count == 60)
    }

    @Test(.timeLimit(.minutes(15)))
    func `an answer that got lost costs no file, P-30`() async throws {
        let scene = try await scene()
        defer { try? FileManager.default.removeItem(at: scene.folder) }
        let made = try await scene.client("create", "--table", "db.deep.t", "--appends", "5")
        try await scene.catalog.inject([
            "match": "POST .*/tables/t", "status": 502, "after": true,
        ])

        let outcome = try await expire(scene)

        #expect(outcome.code == 0, "\(outcome.errors)")
        let seen = try await scene.client("look", "--table", "db.deep.t")
        #expect(seen["snapshots"]?.arrayValue?.count == 2)
        #expect(seen["rows"] == made["rows"])
    }

    @Test(.timeLimit(.minutes(15)))
    func `a wrong credential is said without being shown`() async throws {
        var scene = try await scene()
        defer { try? FileManager.default.removeItem(at: scene.folder) }
        scene.product.environment["ICEPACK_CATALOG_CREDENTIAL"] = "icepack:wrong-secret"

        let outcome = try await expire(scene)
        let shown = try await scene.product.run("config")

        #expect(outcome.code == 1)
        #expect((outcome.output + outcome.errors).contains("invalid_client"))
        for text in [outcome.output, outcome.errors, shown.output, shown.errors] {
            #expect(!text.contains("wrong-secret"))
        }
    }
}
