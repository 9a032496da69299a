// SPDX-License-Identifier: Apache-2.0

import GlueCatalog
import HTTPExchange
import RESTCatalog
import Testing

@testable import IcepackRuntime

@Suite struct RESTConfigurationTests {
    private let server = [
        "ICEPACK_CATALOG_TYPE": "rest", "ICEPACK_CATALOG_URI": "https://catalog/api",
    ]

    private func configuration(_ more: [String: String] = [:]) throws -> Configuration {
        try Configuration(ConfigurationValues(environment: server.merging(more) { $1 }))
    }

    private func problems(_ environment: [String: String]) -> [String] {
        do {
            _ = try Configuration(ConfigurationValues(environment: environment))
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test func `a server is enough`() throws {
        let settings = try configuration().restSettings()

        #expect(settings.uri == "https://catalog/api" && settings.warehouse == nil)
        #expect(settings.asksForCredentials && "\(settings.authentication)" == "no authentication")
    }

    @Test func `everything can be said`() throws {
        let settings = try configuration([
            "ICEPACK_CATALOG_WAREHOUSE": "lake", "ICEPACK_CATALOG_CREDENTIAL": "icepack:a:b",
            "ICEPACK_CATALOG_SCOPE": "all", "ICEPACK_CATALOG_TLS_CA_FILE": "/ca.pem",
            "ICEPACK_CATALOG_OAUTH2_SERVER_URI": "https://login/token/",
            "ICEPACK_CATALOG_ACCESS_DELEGATION": "none",
        ]).restSettings()

        #expect(settings.warehouse == "lake" && !settings.asksForCredentials)
        #expect(settings.exchange.trustedCertificates == "/ca.pem")
        guard case .clientCredentials(let client) = settings.authentication else {
            Issue.record("the authentication is \(settings.authentication)")
            return
        }
        #expect(client.id == "icepack" && client.secret == "a:b" && client.scope == "all")
        #expect(client.tokenURI == "https://login/token")
    }

    @Test func `a token may stand in for a credential`() throws {
        let settings = try configuration(["ICEPACK_CATALOG_TOKEN": "t"]).restSettings()

        guard case .bearer(token: "t") = settings.authentication else {
            Issue.record("the authentication is \(settings.authentication)")
            return
        }
    }

    @Test func `requests may be signed as those of AWS`() throws {
        let settings = try configuration([
            "ICEPACK_CATALOG_SIGV4": "true", "ICEPACK_CATALOG_SIGNING_NAME": "glue",
        ]).restSettings()

        #expect("\(settings.authentication)" == "signatures")
    }

    @Test func `Glue is where its region is, unless another endpoint is named`() throws {
        func settings(_ more: [String: String]) throws -> (endpoint: String, id: String?) {
            let environment = [
                "ICEPACK_CATALOG_TYPE": "glue", "AWS_REGION": "eu-west-1",
                "ICEPACK_CATALOG_GLUE_ID": "123456789012",
            ].merging(more) { $1 }
            let found = try Configuration(
                ConfigurationValues(environment: environment)
            ).glueSettings()
            return (found.endpoint, found.catalogID)
        }

        #expect(try settings([:]) == ("https://glue.eu-west-1.amazonaws.com", "123456789012"))
        #expect(
            try settings(["ICEPACK_CATALOG_URI": "http://127.0.0.1:5000/"]).endpoint
                == "http://127.0.0.1:5000")
        #expect(
            try settings(["AWS_REGION": "cn-north-1"]).endpoint
                == "https://glue.cn-north-1.amazonaws.com.cn")
    }

    @Test(arguments: [
        ["ICEPACK_CATALOG_SIGV4": "true", "ICEPACK_CATALOG_TOKEN": "t"],
        ["ICEPACK_CATALOG_SIGNING_NAME": "glue"], ["ICEPACK_CATALOG_GLUE_ID": "1"],
        ["ICEPACK_CATALOG_URI": ""], ["ICEPACK_CATALOG_URI": "sqlite:x"],
        ["ICEPACK_CATALOG_SCOPE": "all"], ["ICEPACK_CATALOG_OAUTH2_SERVER_URI": "https://login"],
        ["ICEPACK_CATALOG_TOKEN": "t", "ICEPACK_CATALOG_CREDENTIAL": "a:b"],
        ["ICEPACK_CATALOG_ACCESS_DELEGATION": "remote-signing"],
        ["ICEPACK_CATALOG_CREDENTIAL": "a:b", "ICEPACK_CATALOG_OAUTH2_SERVER_URI": "login"],
    ])
    func `a mistake is named once`(more: [String: String]) {
        #expect(problems(server.merging(more) { $1 }).count == 1)
    }

    @Test(arguments: [
        "ICEPACK_CATALOG_TOKEN", "ICEPACK_CATALOG_CREDENTIAL", "ICEPACK_CATALOG_SCOPE",
        "ICEPACK_CATALOG_TLS_CA_FILE",
    ])
    func `what another catalog does not use is a mistake`(key: String) {
        let found = problems([key: "x"])

        #expect(found.count == 1 && found.first?.contains("ICEPACK_CATALOG_TYPE=rest") == true)
    }

    @Test func `secrets are not shown`() throws {
        let shown = try configuration(["ICEPACK_CATALOG_CREDENTIAL": "icepack:s3cret"])
            .values.shown.map(\.text)

        #expect(!shown.contains { $0?.contains("s3cret") == true })
    }
}
