// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import ObjectStorage
import TestSupport
import Testing
import WireFormat

@testable import RESTCatalog

@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct RESTLoadingTests {
    private static let load = "GET .*/namespaces/db/tables/t"

    private func error(of fault: JSONObject, times: Int = 1) async throws -> CatalogError? {
        let bed = try await RESTBed()
        let table = try await bed.addTable()
        for _ in 0..<times { try await bed.server.inject(.object(fault)) }
        let catalog = try bed.catalog()
        let error = await catalogError { () throws(CatalogError) in
            try await catalog.loadTable(table)
        }
        // A fault of some calls is over with them.
        if error != nil { _ = try await catalog.loadTable(table) }
        return error
    }

    @Test(arguments: [
        (403, "ForbiddenException", "unreadable"), (400, "BadRequestException", "unreadable"),
        (404, "NoSuchIcebergTableException", "unreadable"),
        (404, "NotFoundException", "unreadable"),
        (404, "NoSuchTableException", "missing"), (404, "NoSuchNamespaceException", "missing"),
        (401, "NotAuthorizedException", "denied"), (422, "Odd", "unreadable"),
        (501, "Odd", "unreadable"), (500, "InternalServerError", "unavailable"),
    ])
    func `a fault of one table is that table's error`(
        status: Int64, type: String, kind: String
    ) async throws {
        let error = try await error(of: [
            "match": .string(Self.load), "status": .integer(status), "type": .string(type),
        ])

        #expect(error?.kind == kind)
        if kind != "missing" { #expect(error?.description.contains(type) == true) }
    }

    @Test func `a proxy's 404 does not say that a table is gone`() async throws {
        let error = try await error(of: ["match": .string(Self.load), "status": 404])

        #expect(error?.kind == "unreadable")
        #expect(error?.description.contains("check the catalog's URI") == true)
    }

    @Test(arguments: ["before", "after"])
    func `a load that is cut off is made again`(cut: String) async throws {
        let fault: JSONObject = ["match": .string(Self.load), "cut": .string(cut)]

        #expect(try await error(of: fault) == nil)
        #expect(try await error(of: fault, times: RESTLimits.tries)?.kind == "unavailable")
    }

    @Test func `a server that is away too long is not waited for`() async throws {
        let seconds = RESTLimits.longestRetryAfter / .seconds(1)
        let longer = try await error(of: [
            "match": .string(Self.load), "status": 503,
            "headers": ["Retry-After": .string("\(Int(seconds) + 1)")],
        ])
        let shorter = try await error(of: [
            "match": .string(Self.load), "status": 503,
            "headers": ["Retry-After": .string("\(Int(seconds))")],
        ])

        #expect(longer?.kind == "unavailable")
        #expect(shorter == nil)
    }

    @Test(arguments: [
        "{", "[]", #"{"metadata-location": "/x"}"#, #"{"metadata": {}, "metadata-location": "/x"}"#,
        #"{"metadata-location": "/x", "metadata": {"format-version": 9}}"#,
        #"{"metadata": {"format-version": 2}}"#,
        #"{"storage-credentials": [{}], "metadata-location": "/x"}"#,
    ])
    func `a reply that makes no sense is that table's error`(reply: String) async throws {
        let error = try await error(of: ["match": .string(Self.load), "body": .string(reply)])

        #expect(error?.kind == "unreadable")
    }

    @Test func `nobody who listens is a passing fault`() async throws {
        let catalog = try RESTCatalog(
            RESTCatalogSettings(name: "test", uri: "http://127.0.0.1:1/x"),
            RESTClient.Surroundings(pause: { _ in }))

        let error = await catalogError { () throws(CatalogError) in
            try await catalog.listTables()
        }

        #expect(error?.kind == "unavailable")
    }

    @Test func `lent credentials come with the table, and only when asked for`() async throws {
        let bed = try await RESTBed([
            "credentials": [
                "config": ["s3.region": "eu-1", "s3.access-key-id": "TABLE"],
                "storage-credentials": [
                    ["prefix": "s3://b/", "config": ["s3.secret-access-key": "lent-s3cret"]]
                ],
            ]
        ])
        let table = try await bed.addTable()
        var settings = bed.settings
        settings.asksForCredentials = false

        let asked = try await bed.catalog().loadTable(table)
        let unasked = try await bed.catalog(settings).loadTable(table)
        let committed = await (try bed.catalog()).commit(
            [.removeSnapshots([1])], requirements: [], to: table, base: asked)

        #expect(
            asked.storageAccess.properties(for: Location("s3://b/x"))
                == [
                    "s3.region": "eu-1", "s3.access-key-id": "TABLE",
                    "s3.secret-access-key": "lent-s3cret",
                ])
        #expect(unasked.storageAccess == .none)
        guard case .committed(let after) = committed else {
            Issue.record("the commit was \(committed)")
            return
        }
        #expect(after.storageAccess == asked.storageAccess)
        #expect(!"\(asked.storageAccess)".contains("s3cret"))
    }
}
