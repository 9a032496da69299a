// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import TestSupport
import Testing
import WireFormat

@testable import RESTCatalog

@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct RESTListingTests {
    private let names = ["a.b.c.t", "a.t1", "a.t2", "a.t3", "b.t", "c d/é.x y%z"]

    private func bed(_ options: JSONObject) async throws -> RESTBed {
        let bed = try await RESTBed(options)
        for name in names { _ = try await bed.addTable(name) }
        return bed
    }

    @Test(arguments: [1, 2, 3, 100])
    func `all pages of all levels are listed`(pageSize: Int64) async throws {
        let bed = try await bed(JSONObject([.init(key: "page_size", value: .integer(pageSize))]))

        #expect(try await bed.catalog().listTables() == names.map(TableIdentifier.init).sorted())
    }

    @Test func `the server's prefix and separator are used`() async throws {
        let bed = try await bed(
            JSONObject([
                .init(key: "prefix", value: "ware/house%20one"),
                .init(key: "separator", value: "%2E"),
            ]))
        let catalog = try bed.catalog()

        let tables = try await catalog.listTables()

        #expect(tables == names.map(TableIdentifier.init).sorted())
        for table in tables { _ = try await catalog.loadTable(table) }
        let paths = try await bed.server.calls().compactMap { $0["path"]?.stringValue }
        #expect(paths.contains { $0.contains("/v1/ware/house%20one/namespaces/a.b.c/tables/t") })
    }

    @Test func `a warehouse is asked for by name`() async throws {
        let bed = try await RESTBed()
        var settings = bed.settings
        settings.warehouse = "s3://a b/ü"

        #expect(try await bed.catalog(settings).listTables().isEmpty)

        let paths = try await bed.server.calls().compactMap { $0["path"]?.stringValue }
        #expect(paths.first?.hasSuffix("/v1/config?warehouse=s3%3A%2F%2Fa%20b%2F%C3%BC") == true)
    }

    @Test func `a server without nested namespaces is listed flat`() async throws {
        let bed = try await RESTBed(JSONObject([.init(key: "flat", value: true)]))
        _ = try await bed.addTable("a.t")
        _ = try await bed.addTable("b.t")

        #expect(try await bed.catalog().listTables().map(\.description) == ["a.t", "b.t"])
    }

    @Test func `a server that answers every parent alike is walked once`() async throws {
        let bed = try await RESTBed()
        _ = try await bed.addTable("a.t")
        let all = #"{"namespaces": [["a"], ["b"]]}"#
        for _ in 0..<2 {
            try await bed.server.inject([
                "match": "GET /[^/]*/v1/namespaces", "body": .string(all),
            ])
        }

        // The namespace b is in the reply alone, so its tables are not there.
        #expect(try await bed.catalog().listTables().map(\.description) == ["a.t"])
    }

    @Test func `a namespace that may not be listed fails the list, not half of it`() async throws {
        let bed = try await bed(JSONObject())
        try await bed.server.inject([
            "match": "GET .*/namespaces/b/tables", "status": 403, "type": "ForbiddenException",
        ])

        let catalog = try bed.catalog()
        let error = await catalogError { () throws(CatalogError) in try await catalog.listTables() }

        #expect(error?.kind == "denied")
        #expect(error?.description.contains("ForbiddenException") == true)
    }

    @Test func `a namespace that was dropped meanwhile is left out`() async throws {
        let bed = try await bed(JSONObject())
        try await bed.server.inject([
            "match": "GET .*/namespaces/b/tables", "status": 404,
            "type": "NoSuchNamespaceException",
        ])

        let tables = try await bed.catalog().listTables()

        #expect(tables == names.map(TableIdentifier.init).sorted().filter { $0.namespace != ["b"] })
    }

    @Test(arguments: [
        #"{"identifiers": null}"#, #"{"identifiers": [{"name": "t"}]}"#, "[]", "{", "",
        #"{"identifiers": [{"namespace": ["a"], "name": ""}]}"#,
    ])
    func `a reply that makes no sense fails the list`(reply: String) async throws {
        let bed = try await bed(JSONObject())
        try await bed.server.inject([
            "match": "GET .*/namespaces/b/tables", "body": .string(reply),
        ])

        let catalog = try bed.catalog()
        let error = await catalogError { () throws(CatalogError) in try await catalog.listTables() }

        #expect(error?.kind == "denied")
    }

    @Test func `a page that leads to itself ends the list`() async throws {
        let bed = try await bed(JSONObject())
        let reply = #"{"identifiers": [], "next-page-token": "x"}"#
        for _ in 0..<2 {
            try await bed.server.inject([
                "match": "GET .*/namespaces/b/tables", "body": .string(reply),
            ])
        }

        let catalog = try bed.catalog()
        let error = await catalogError { () throws(CatalogError) in try await catalog.listTables() }

        #expect(error?.description.contains("same page") == true)
    }

    @Test(arguments: [502, 503, 504, 429, 408])
    func `a passing fault of one call is not seen`(status: Int64) async throws {
        let bed = try await bed(JSONObject())
        try await bed.server.inject([
            "match": "GET .*/namespaces/b/tables", "status": .integer(status),
            "headers": ["Retry-After": "1"],
        ])

        #expect(try await bed.catalog().listTables().count == names.count)
    }
}
