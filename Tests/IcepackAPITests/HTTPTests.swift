// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import TestSupport
import Testing

@testable import IcepackAPI

@Suite(.timeLimit(.minutes(15))) struct HTTPTests {
    @Test(arguments: [
        "/", "/nothing", "/jobs/history/nothing", "/jobs/", "/tables/analytics/page_views",
        "/tables/analytics/page_views/nothing", "/metrics",
        "/ui", "/orchestrator", "/tables/a/b/maintenance/nothing",
    ])
    func `a path that is not there is 404`(path: String) async throws {
        try await withAPI { api in
            for method in [HTTPMethod.GET, .POST, .DELETE] {
                let reply = try await api.send(method, path)
                #expect(reply.status == 404)
                #expect(reply.code == "not_found")
            }
        }
    }

    @Test(arguments: [
        ("/jobs", "GET, HEAD", HTTPMethod.POST), ("/jobs", "GET, HEAD", .OPTIONS),
        ("/jobs", "GET, HEAD", .TRACE), ("/jobs", "GET, HEAD", .PROPFIND),
        ("/jobs/history", "GET, HEAD, DELETE", .POST),
        ("/jobs/history", "GET, HEAD, DELETE", .PATCH),
        ("/jobs/a", "GET, HEAD, DELETE", .PUT), ("/jobs/a/cancel", "POST", .GET),
        ("/jobs/a/cancel", "POST", .HEAD), ("/jobs/a/events", "GET, HEAD", .POST),
        ("/tables/a/b/maintenance", "POST", .GET), ("/tables/a/b/maintenance/plan", "POST", .PUT),
        ("/orchestrator/runs", "POST, GET, HEAD", .DELETE),
        ("/orchestrator/runs/1", "GET, HEAD", .POST),
        ("/tables/cache-status", "GET, HEAD", .DELETE), ("/healthz", "GET, HEAD", .POST),
    ])
    func `a path under another method is 405 and says what it takes`(
        path: String, allowed: String, method: HTTPMethod
    ) async throws {
        try await withAPI { api in
            let reply = try await api.send(method, path)

            #expect(reply.status == 405)
            #expect(reply.headers["Allow"] == [allowed])
            #expect(method == .HEAD || reply.code == "method_not_allowed")
        }
    }

    @Test(arguments: ["a", "request-1", String(repeating: "x", count: 128), "!~"])
    func `a valid request id is echoed, on errors too`(id: String) async throws {
        try await withAPI { api in
            for path in ["/healthz", "/nothing"] {
                let reply = try await api.send(.GET, path, headers: ["X-Request-Id": id])
                #expect(reply.headers["X-Request-Id"] == [id])
            }
        }
    }

    @Test(arguments: [
        ["two words"], [String(repeating: "x", count: 129)], ["é"], ["a", "b"], [""],
    ])
    func `an invalid request id is replaced`(ids: [String]) async throws {
        try await withAPI { api in
            let headers = HTTPHeaders(ids.map { ("X-Request-Id", $0) })
            let echoed = try await api.send(.GET, "/healthz", headers: headers)
                .headers["X-Request-Id"]

            #expect(echoed.count == 1)
            #expect(!ids.contains(echoed.first ?? ""))
            #expect(echoed.first?.count == 32)
        }
    }

    @Test(
        arguments: [
            (["Origin": "http://evil.example"], 403), (["Origin": "null"], 403),
            (["Sec-Fetch-Site": "same-site"], 403), (["Sec-Fetch-Site": "cross-site"], 403),
            (["Sec-Fetch-Site": "same-origin", "Origin": "http://other"], 202),
            (["Sec-Fetch-Site": "none"], 202), ([:], 202),
        ] as [(HTTPHeaders, Int)])
    func `a browser changes something only from the service's own pages`(
        headers: HTTPHeaders, status: Int
    ) async throws {
        try await withAPI { api in
            let path = TestAPI.submitPath
            let reply = try await api.send(.POST, path, body: TestAPI.expire, headers: headers)

            #expect(reply.status == status)
            #expect(try await api.send(.GET, "/jobs", headers: headers).status == 200)
        }
    }

    @Test func `the service's own origin may change something`() async throws {
        try await withAPI { api in
            let reply = try await api.send(
                .POST, TestAPI.submitPath, body: TestAPI.expire,
                headers: ["Origin": "http://127.0.0.1:\(api.port)"])

            #expect(reply.status == 202)
        }
    }

    @Test(arguments: [
        "application/json", "application/json; charset=utf-8", "text/plain",
        "application/x-www-form-urlencoded",
    ])
    func `a body is read as JSON whatever it is called`(type: String) async throws {
        try await withAPI { api in
            let reply = try await api.send(
                .POST, TestAPI.submitPath, body: TestAPI.expire, headers: ["Content-Type": type])

            #expect(reply.status == 202)
        }
    }

    @Test func `responses are never cached and never sniffed`() async throws {
        try await withAPI { api in
            let reply = try await api.send(.GET, "/jobs")

            #expect(reply.headers["Cache-Control"] == ["no-store"])
            #expect(reply.headers["X-Content-Type-Options"] == ["nosniff"])
            #expect(reply.headers["Date"].count == 1)
        }
    }
}
