// SPDX-License-Identifier: Apache-2.0

import Jobs
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

@testable import IcepackAPI

@Suite(.timeLimit(.minutes(15))) struct ConnectionTests {
    private static let health = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test(arguments: ["nonsense\r\n\r\n", "GET /healthz\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n"])
    func `bytes that are not HTTP are answered with 400 and the end of the connection`(
        garbage: String
    ) async throws {
        try await withAPI { api in
            try await withRawConnection(to: api) { connection in
                try await connection.send(garbage)
                let reply = try await connection.response()

                #expect(reply.status == 400)
                #expect(reply.code == "malformed_request")
                #expect(reply.headers["X-Request-Id"].count == 1)
                #expect(reply.headers.first(name: "Connection") == "close")
                #expect(try await connection.readToEnd() == "")
            }
        }
    }

    @Test func `garbage behind a request does not spoil that request's answer`() async throws {
        try await withAPI { api in
            try await withRawConnection(to: api) { connection in
                try await connection.send(Self.health + Self.health + "garbage\r\n\r\n")

                #expect(try await connection.response().status == 200)
                #expect(try await connection.response().status == 200)
                #expect(try await connection.response().code == "malformed_request")
                #expect(try await connection.readToEnd() == "")
            }
            #expect(try await api.send(.GET, "/healthz").status == 200)
        }
    }

    @Test func `header fields are taken up to their limit and refused beyond it`() async throws {
        try await withAPI {
            $0.limits.maximumHeaderBytes = 1024
        } _: { api in
            try await withRawConnection(to: api) { connection in
                let fits = String(repeating: "a", count: 900)
                try await connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\nA: \(fits)\r\n\r\n")
                #expect(try await connection.response().status == 200)

                let tooLong = String(repeating: "a", count: 1100)
                try await connection.send("GET /healthz HTTP/1.1\r\nA: \(tooLong)\r\n\r\n")
                let reply = try await connection.response()
                #expect(reply.status == 431)
                #expect(reply.code == "headers_too_large")
            }
        }
    }

    @Test func `a body that is not UTF-8 is malformed`() async throws {
        try await withAPI { api in
            try await withRawConnection(to: api) { connection in
                try await connection.send(
                    "POST \(TestAPI.submitPath) HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n")
                try await connection.send(Array(#"{"actions":[""#.utf8) + [0xFF] + Array("]}".utf8))
                let reply = try await connection.response()

                #expect(reply.status == 400)
                #expect(reply.code == "malformed_json")
            }
        }
    }

    @Test func `an announced body over the limit is refused before it is sent`() async throws {
        try await withAPI { api in
            try await withRawConnection(to: api) { connection in
                try await connection.send(
                    "POST \(TestAPI.submitPath) HTTP/1.1\r\nHost: x\r\n"
                        + "Content-Length: 1048577\r\n\r\n")

                #expect(try await connection.response().code == "body_too_large")
                #expect(try await connection.readToEnd() == "")
            }
        }
    }

    @Test func `a chunked body over the limit is refused while it is being sent`() async throws {
        try await withAPI { api in
            try await withRawConnection(to: api) { connection in
                let chunk = "10000\r\n" + String(repeating: " ", count: 65536) + "\r\n"
                try await connection.send(
                    "POST \(TestAPI.submitPath) HTTP/1.1\r\nHost: x\r\n"
                        + "Transfer-Encoding: chunked\r\n\r\n")
                for _ in 0..<17 { try await connection.send(chunk) }

                let reply = try await connection.response()
                #expect(reply.status == 413)
                #expect(reply.code == "body_too_large")
                #expect(try await connection.readToEnd() == "")
            }
        }
    }

    @Test func `a body that does not come in time is answered with 408`() async throws {
        try await withAPI {
            $0.limits.requestReadLimit = .milliseconds(50)
        } _: { api in
            try await withRawConnection(to: api) { connection in
                try await connection.send(
                    "POST \(TestAPI.submitPath) HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
                let reply = try await connection.response()

                #expect(reply.status == 408)
                #expect(reply.code == "request_timeout")
                #expect(try await connection.readToEnd() == "")
            }
        }
    }

    @Test(arguments: ["", "GET /healthz HTTP/1.1\r\nHost"])
    func `a connection without a whole request head is closed after the idle limit`(
        start: String
    ) async throws {
        try await withAPI {
            $0.limits.idleLimit = .milliseconds(50)
        } _: { api in
            try await withRawConnection(to: api) { connection in
                // On a busy machine the server may have closed before this is sent.
                if !start.isEmpty { try? await connection.send(start) }

                // What the server has not read yet when it closes makes the end a reset.
                let answer = try? await connection.readToEnd()
                #expect(answer ?? "" == "")
            }
        }
    }

    @Test func `two thousand idle connections do not keep a request waiting`() async throws {
        try await withAPI {
            // Time for a busy machine to see 2,000 connections off, or they would be cut off.
            $0.limits.shutdownLimit = .seconds(120)
        } _: { api in
            let idle = try await openIdle(2000, to: api)

            #expect(try await api.send(.GET, "/healthz").status == 200)
            for channel in idle { channel.close(promise: nil) }
        }
    }

    @Test func `beyond the limit of connections a client waits for another to leave`() async throws
    {
        try await withAPI {
            $0.limits.maximumConnections = 2
        } _: { api in
            let idle = try await openIdle(2, to: api)
            try await withRawConnection(to: api) { connection in
                try await connection.send(Self.health)
                try await idle[0].close().get()

                #expect(try await connection.response().status == 200)
            }
            try await idle[1].close().get()
        }
    }

    @Test(arguments: [
        ("/jobs/%ff", 404), ("/jobs/%zz", 404), ("/jobs/%", 404), ("/jobs/a%2fb", 404),
        ("/tables/%zz/t/maintenance", 422), ("/tables/a/%2F/maintenance", 422),
        ("/tables/a/%/maintenance", 422), ("/%6Aobs", 200), ("/jobs?limit=%zz", 422),
        ("http://elsewhere/jobs", 200), ("*", 404), ("//jobs", 404), ("/jobs/", 404),
        ("/jobs#x", 200),
    ])
    func `odd paths are read or refused and never break anything`(
        path: String, status: Int
    ) async throws {
        try await withAPI { api in
            try await withRawConnection(to: api) { connection in
                let method = path.hasSuffix("maintenance") ? "POST" : "GET"
                let method2 = path == "*" ? "OPTIONS" : method
                try await connection.send(
                    "\(method2) \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")

                #expect(try await connection.response().status == status)
            }
        }
    }

    @Test func `a connection serves one request after another`() async throws {
        try await withAPI { api in
            try await withRawConnection(to: api) { connection in
                for _ in 0..<3 {
                    try await connection.send(Self.health)
                    #expect(try await connection.response().status == 200)
                }
                try await connection.send(
                    "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                #expect(try await connection.response().status == 200)
                #expect(try await connection.readToEnd() == "")
            }
        }
    }
}
