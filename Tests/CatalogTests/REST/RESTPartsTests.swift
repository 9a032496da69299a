// SPDX-License-Identifier: Apache-2.0

import HTTPExchange
import IcebergCatalog
import TestSupport
import Testing
import WireFormat

@testable import RESTCatalog

/// The parts that need no server.
@Suite struct RESTPartsTests {
    private let root = RESTRoot("https://host/root")

    private func config(_ text: String) throws -> ServerConfig {
        try ServerConfig(
            #require(JSONValue(parsing: text).objectValue), root: try #require(root))
    }

    @Test(arguments: ["http://h", "https://h:8181/a/b", "HTTPS://h/", "http://[::1]:80/x//"])
    func `a root is a plain URL`(text: String) {
        #expect(RESTRoot(text).map { !$0.text.hasSuffix("/") } == true)
    }

    @Test(arguments: [
        "", "h", "ftp://h", "http://", "http:///x", "http://u:p@h/x", "http://h/x?y", "http://h/#x",
        "http://h/ x", "http://h/\u{E9}", "http://:80/",
    ])
    func `anything else is refused, and not repeated`(text: String) async {
        #expect(RESTRoot(text) == nil)
        let error = await catalogError { () throws(CatalogError) in
            try RESTCatalog(RESTCatalogSettings(name: "t", uri: text))
        }
        #expect(error?.kind == "denied")
        #expect(error?.description.contains("u:p") == false)
    }

    @Test func `overrides win over defaults`() throws {
        let config = try config(
            """
            {"defaults": {"prefix": "d", "namespace-separator": "%2E"},
             "overrides": {"prefix": "/o/p/", "uri": "https://moved/"}, "endpoints": []}
            """)

        #expect(
            config.endpoint == RESTEndpoint(root: "https://moved", prefix: "o/p", separator: "."))
        #expect(config.keyLifetime == nil)
    }

    @Test func `a server without settings is taken at its root`() throws {
        for text in ["{}", #"{"defaults": null, "overrides": {"prefix": null}}"#] {
            #expect(try config(text).endpoint == RESTEndpoint(root: "https://host/root"))
        }
    }

    @Test(arguments: [
        #"{"overrides": {"uri": "http://plain"}}"#, #"{"overrides": {"uri": "nowhere"}}"#,
        #"{"overrides": {"prefix": "../up"}}"#, #"{"overrides": {"prefix": "a?b"}}"#,
        #"{"overrides": {"prefix": "a b"}}"#, #"{"overrides": {"prefix": "a//b"}}"#,
        #"{"overrides": {"namespace-separator": ""}}"#,
        #"{"overrides": {"namespace-separator": "%F"}}"#, #"{"overrides": []}"#,
    ])
    func `a server's odd settings are refused`(text: String) {
        #expect(throws: RESTFailure.self) { try config(text) }
    }

    @Test(arguments: [
        ("PT30M", 1800), ("P1D", 86_400), ("P1DT1H", 90_000), ("PT1.5S", 1.5), ("P2W", 1_209_600),
        ("PT0S", 0),
    ])
    func `durations are read`(text: String, seconds: Double) {
        #expect(Duration(iso8601: text) == .seconds(seconds))
    }

    @Test(arguments: ["", "P", "PT", "30", "P1M", "P1Y", "PT1D", "PTM", "PT1", "PT1MT1S", "-PT1S"])
    func `what is no duration of a known length is none`(text: String) {
        #expect(Duration(iso8601: text) == nil)
    }

    @Test func `names go into URLs byte by byte`() {
        let endpoint = RESTEndpoint(root: "http://h", prefix: "p")

        #expect(
            endpoint.table(TableIdentifier(namespace: ["a b", "c/d"], name: "\u{E9}%"))
                == "http://h/v1/p/namespaces/a%20b%1Fc%2Fd/tables/%C3%A9%25")
        #expect(
            endpoint.namespaces(below: ["a", "b"], page: "x=1")
                == "http://h/v1/p/namespaces?pageToken=x%3D1&parent=a%1Fb")
    }

    @Test(arguments: [
        ([], "t"), ([""], "t"), (["a\u{1F}b"], "t"), (["."], "t"), ([".."], "t"), (["a"], ""),
        (["a"], "."), (["a"], ".."),
    ])
    func `what no URL can name is never asked for`(namespace: [String], name: String) {
        let endpoint = RESTEndpoint(root: "http://h")

        #expect(!endpoint.canName(TableIdentifier(namespace: namespace, name: name)))
        #expect(endpoint.canName(TableIdentifier(namespace: ["..", "a"], name: "..t")))
    }

    @Test(arguments: UInt64(0)..<50)
    func `a key is a UUID of version 7 that carries its time`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let key = IdempotencyKey(millisecondsSinceEpoch: 0x0190_1234_5678, using: &random)
        let other = IdempotencyKey(millisecondsSinceEpoch: 0x0190_1234_5678, using: &random)

        #expect(
            key.description.wholeMatch(
                of: /01901234-5678-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
        #expect(key != other)
    }

    @Test func `a token is renewed a minute before its end, or after three quarters of its life`()
        throws
    {
        let now = ContinuousClock.now
        for (life, used) in [(3600, 3540.0), (240, 180), (2, 1.5), (0, 0)] {
            let token = try AccessToken(
                ["access_token": "t", "token_type": "Bearer", "expires_in": .integer(life)],
                at: now)
            #expect(!token.isFresh(at: now + .seconds(used)))
            #expect(life == 0 || token.isFresh(at: now + .seconds(used) - .milliseconds(1)))
        }
        #expect(try AccessToken(["access_token": "t"], at: now).isFresh(at: now + .seconds(1e6)))
    }

    @Test(arguments: [
        "{}", #"{"access_token": ""}"#, #"{"access_token": "a b"}"#, #"{"access_token": 7}"#,
        #"{"access_token": "a\r\nX: y"}"#, #"{"access_token": "a", "token_type": "mac"}"#,
    ])
    func `what is no bearer token is refused`(text: String) throws {
        let reply = try #require(JSONValue(parsing: text).objectValue)

        #expect(throws: RESTFailure.self) { try AccessToken(reply, at: .now) }
    }

    @Test func `secrets are taken out of a server's words, which are cut`() {
        let redaction = Redaction(
            .clientCredentials(OAuthClient(credential: "id:se cret")))
        redaction.add(token: "token-1")

        let text = redaction.cleaned(
            "a\nse cret\tse%20cret token-1\u{0}" + String(repeating: "x", count: 999))

        #expect(text.hasPrefix("a ******** ******** ******** x"))
        #expect(text.count == RESTLimits.messageCharacters)
    }

    @Test func `a credential is an id and a secret, or a secret alone`() {
        #expect(OAuthClient(credential: "a:b:c").id == "a")
        #expect(OAuthClient(credential: "a:b:c").secret == "b:c")
        #expect(OAuthClient(credential: "abc").id == nil)
        #expect(OAuthClient(credential: "abc").secret == "abc")
        #expect(OAuthClient(credential: "a:b").scope == "catalog")
        #expect(!String(reflecting: OAuthClient(credential: "a:hidden")).contains("hidden"))
    }

    @Test func `a call is tried again only while that may help`() {
        var random = SeededGenerator(seed: 7)
        func pause(_ status: Int, _ tries: Int, _ retryAfter: Duration? = nil) -> Duration? {
            let refusal = RESTRefusal(
                status: status, type: nil, message: "", retryAfter: retryAfter)
            return RESTRetry.pause(after: .refused(refusal), tries: tries, using: &random)
        }

        for status in [408, 429, 502, 503, 504] { #expect(pause(status, 1) != nil) }
        for status in [301, 400, 401, 404, 409, 500, 501] { #expect(pause(status, 1) == nil) }
        #expect(pause(503, RESTLimits.tries - 1) != nil)
        #expect(pause(503, RESTLimits.tries) == nil)
        #expect(pause(503, 1, RESTLimits.longestRetryAfter) == RESTLimits.longestRetryAfter)
        #expect(pause(503, 1, RESTLimits.longestRetryAfter + .seconds(1)) == nil)
        let first = RESTRetry.pause(after: .broken(reason: ""), tries: 1, using: &random)
        #expect(first.map { $0 >= .milliseconds(100) && $0 <= .milliseconds(200) } == true)
    }

    @Test(arguments: 300..<600)
    func `no answer of 500 and above, nor 408, is taken for a refusal, P-30`(status: Int) {
        let outcome = CommitOutcome(
            .refused(RESTRefusal(status: status, type: nil, message: "")))

        #expect((outcome.kind == "unknown") == (status >= 500 || status == 408))
    }
}
