// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import TestSupport
import Testing
import WireFormat

@testable import IcepackAPI

@Suite(.timeLimit(.minutes(15))) struct EndpointTests {
    @Test(arguments: EndpointCase.all)
    func `every operation answers with the documented status and code`(
        endpoint: EndpointCase
    ) async throws {
        try await withAPI(endpoint.configure) { api in
            let reply = try await endpoint.act(api)

            #expect(reply.status == endpoint.status, "\(reply.text)")
            #expect(reply.code == endpoint.code, "\(reply.text)")
            #expect(reply.headers["X-Request-Id"].count == 1)
            guard let code = endpoint.code else { return }
            let known = try #require(ProblemCode(rawValue: code))
            #expect(
                Array(reply.json.keys.prefix(5)) == ["type", "title", "status", "detail", "code"])
            #expect(reply.json["status"]?.intValue == endpoint.status)
            #expect(reply.json["title"]?.stringValue == known.title)
            #expect(
                reply.headers.first(name: "Retry-After") == known.retryAfterSeconds.map(String.init)
            )
            #expect(!reply.text.contains("secret"))
        }
    }

    @Test func `every documented status and code of every operation is exercised`() throws {
        let connection = Set(["malformed_request", "request_timeout", "headers_too_large"])
        let covered = Set(
            EndpointCase.all.map { "\($0.operation) \($0.status) \($0.code ?? "")" })
        // A store that holds what cannot be read is not to be had over a socket; one operation
        // stands for all.
        let excused = "internal_error"

        for answer in try OpenAPIReader().answers where !connection.contains(answer.code ?? "") {
            if answer.code == excused { continue }
            let line = "\(answer.operation) \(answer.status) \(answer.code ?? "")"
            #expect(covered.contains(line))
        }
    }

    @Test(arguments: Operation.all)
    func `an operation answers the same to HEAD as to GET, without a body`(
        operation: Operation
    ) async throws {
        guard operation.method == .GET else { return }
        try await withAPI { api in
            let get = try await operation.send(to: api)
            let head = try await api.send(.HEAD, operation.path)

            #expect(head.status == get.status)
            #expect(head.bytes.isEmpty)
            #expect(
                head.headers.first(name: "Content-Type") == get.headers.first(name: "Content-Type"))
            #expect(
                head.headers.first(name: "Content-Length")
                    == get.headers.first(name: "Content-Length"))
        }
    }
}
