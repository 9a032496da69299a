// SPDX-License-Identifier: Apache-2.0

import HTTPExchange
import IcebergCatalog
import IcebergSpec
import TestSupport
import Testing
import WireFormat

@testable import RESTCatalog

@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct RESTAuthenticationTests {
    private let secret = "s3cr:t/w@rd %&="

    private func bed(seconds: JSONValue = 3600) async throws -> RESTBed {
        try await RESTBed([
            "oauth": [
                "id": "icepack", "secret": .string(secret), "scope": "PRINCIPAL_ROLE:ALL",
                "seconds": seconds,
            ]
        ])
    }

    private func settings(_ bed: RESTBed, credential: String? = nil) -> RESTCatalogSettings {
        var settings = bed.settings
        settings.authentication = .clientCredentials(
            OAuthClient(
                credential: credential ?? "icepack:\(secret)", scope: "PRINCIPAL_ROLE:ALL"))
        return settings
    }

    private func tokenRequests(_ bed: RESTBed) async throws -> Int {
        try await bed.server.calls().count {
            $0["path"]?.stringValue?.hasSuffix("/oauth/tokens") == true
        }
    }

    @Test func `one token serves many calls`() async throws {
        let bed = try await bed()
        let catalog = try bed.catalog(settings(bed))

        try await withThrowingTaskGroup(of: [TableIdentifier].self) { group in
            for _ in 0..<8 { group.addTask { try await catalog.listTables() } }
            for try await tables in group { #expect(tables.isEmpty) }
        }

        #expect(try await tokenRequests(bed) == 1)
    }

    @Test func `a token is renewed before it ends, and after the server calls it ended`()
        async throws
    {
        // Of two seconds: the client renews it after one and a half, and the server refuses it
        // when the client's clock stands still.
        let bed = try await bed(seconds: 2)
        let table = try await bed.addTable()
        let still = ContinuousClock.now
        let ahead = try bed.catalog(settings(bed))
        let behind = try RESTCatalog(
            settings(bed), RESTClient.Surroundings(now: { still }, pause: { _ in }))

        for catalog in [ahead, behind] {
            let base = try await catalog.loadTable(table)
            let before = try await tokenRequests(bed)
            try await eventually("another token is fetched") {
                #expect(try await catalog.listTables() == [table])
                return try await tokenRequests(bed) > before
            }
            let outcome = await catalog.commit([], requirements: [], to: table, base: base)
            #expect(outcome.kind == "committed")
        }
    }

    @Test func `a commit whose token ended is sent again with another, as it was not looked at`()
        async throws
    {
        let bed = try await bed()
        let table = try await bed.addTable()
        let catalog = try bed.catalog(settings(bed))
        let base = try await catalog.loadTable(table)
        try await bed.server.inject([
            "match": "POST .*/tables/t", "status": 419, "type": "AuthenticationTimeoutException",
        ])

        let outcome = await catalog.commit(
            [.removeSnapshots([1])], requirements: [], to: table, base: base)

        #expect(outcome.kind == "committed")
        #expect(try await tokenRequests(bed) == 2)
        #expect(try await bed.commits().count == 2)
    }

    @Test(arguments: ["icepack:wrong-secret", "other:s3cr:t/w@rd %&=", "s3cr:t/w@rd %&="])
    func `a wrong credential is refused without being shown`(credential: String) async throws {
        let bed = try await bed()
        let catalog = try bed.catalog(settings(bed, credential: credential))

        let error = await catalogError { () throws(CatalogError) in try await catalog.listTables() }

        #expect(error?.kind == "denied")
        let message = error?.description ?? ""
        #expect(message.contains("invalid_client"))
        #expect(!message.contains("wrong-secret") && !message.contains("w@rd"))
    }

    @Test func `an authorisation server that is away is a passing fault`() async throws {
        let bed = try await bed()
        for _ in 0..<RESTLimits.tries {
            try await bed.server.inject(["match": "POST .*/oauth/tokens", "status": 503])
        }
        let catalog = try bed.catalog(settings(bed))

        let error = await catalogError { () throws(CatalogError) in try await catalog.listTables() }

        #expect(error?.kind == "unavailable")
        #expect(try await catalog.listTables().isEmpty)
    }

    @Test func `tokens of another server are used, and the catalog is sent no secret`()
        async throws
    {
        let bed = try await bed()
        var settings = settings(bed)
        settings.authentication = .clientCredentials(
            OAuthClient(
                credential: "icepack:\(secret)", scope: "PRINCIPAL_ROLE:ALL",
                tokenURI: bed.server.uri + "/v1/oauth/tokens"))

        #expect(try await bed.catalog(settings).listTables().isEmpty)

        for call in try await bed.server.calls().dropFirst() {
            #expect(!JSONValue.object(call).text().contains("w@rd"))
        }
    }

    @Test func `a bearer token is sent as it is, and never shown`() async throws {
        let bed = try await RESTBed(["bearer": "the-token"])
        var settings = bed.settings
        settings.authentication = .bearer(token: "the-token")
        #expect(try await bed.catalog(settings).listTables().isEmpty)
        settings.authentication = .bearer(token: "another-token")
        let catalog = try bed.catalog(settings)

        let error = await catalogError { () throws(CatalogError) in try await catalog.listTables() }

        #expect(error?.kind == "denied")
        let message = error?.description ?? ""
        #expect(message.contains("NotAuthorizedException") && message.contains("********"))
        #expect(!message.contains("another-token"))
        #expect(!"\(settings)".contains("another-token"))
    }

    @Test func `what is signed goes out with its signature, or not at all`() async throws {
        let bed = try await RESTBed(["bearer": "signed"])
        var settings = bed.settings
        settings.authentication = .signature { (call) throws(SigningFailure) in
            guard call.method == "GET" else { throw .unavailable(reason: "no credentials now") }
            return [HTTPField("Authorization", "Bearer signed")]
        }
        let table = try await bed.addTable()
        let catalog = try bed.catalog(settings)
        let base = try await catalog.loadTable(table)

        let outcome = await catalog.commit(
            [.removeSnapshots([1])], requirements: [], to: table, base: base)

        #expect(outcome.kind == "unavailable")
        #expect(try await bed.commits().isEmpty)
    }
}
