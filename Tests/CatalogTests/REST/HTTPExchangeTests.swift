// SPDX-License-Identifier: Apache-2.0

import HTTPExchange
import StorageTestSupport
import Subprocess
import Synchronization
import TestSupport
import Testing
import WireFormat

@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct HTTPExchangeTests {
    private let exchanger = HTTPExchanger()

    private func failure(_ call: HTTPCall, limit: Int = 100) async -> HTTPFailure? {
        do throws(HTTPFailure) {
            _ = try await exchanger.send(call, limit: limit)
            return nil
        } catch {
            return error
        }
    }

    @Test func `an answer may be as long as the limit and no longer`() async throws {
        let bed = try await RESTBed()
        let call = HTTPCall("GET", bed.server.uri + "/v1/config")
        for _ in 0..<2 {
            try await bed.server.inject(["match": "GET .*", "body": "0123456789"])
        }

        let answer = try await exchanger.send(call, limit: 10)
        let longer = await failure(call, limit: 9)

        #expect(answer.body == Array("0123456789".utf8))
        #expect(answer.header("CONTENT-type") == "application/json" && answer.isSuccess)
        #expect(longer == .tooLarge(limit: 9))
    }

    @Test func `what never left is told from what may have arrived`() async throws {
        let bed = try await RESTBed()
        for cut: String in ["before", "after"] {
            try await bed.server.inject(["match": "GET .*", "cut": .string(cut)])
            let failure = await failure(HTTPCall("GET", bed.server.uri + "/v1/config"))
            guard case .broken = failure else {
                Issue.record("a call that was cut off is \(String(describing: failure))")
                continue
            }
        }
        for url in ["http://127.0.0.1:1/", "http://no-such-host.invalid/", "nonsense", "http://"] {
            guard case .notSent = await failure(HTTPCall("GET", url)) else {
                Issue.record("a call to \(url) was not told from one that was sent")
                continue
            }
        }
    }

    @Test func `a call shows neither headers nor body nor query`() {
        let call = HTTPCall(
            "POST", "https://host/path?secret", headers: [HTTPField("Authorization", "secret")],
            body: Array("secret".utf8))

        for text in ["\(call)", String(reflecting: call)] {
            #expect(text.contains("POST https://host/path") && !text.contains("secret"))
        }
    }

    @Test func `a server is trusted by the certificate that is configured, and else not`()
        async throws
    {
        let scratch = try ScratchFolder()
        let (certificate, key) = (scratch.path + "/certificate.pem", scratch.path + "/key.pem")
        let made = try await Subprocess.run(
            .name("openssl"),
            arguments: [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-days", "2", "-keyout", key, "-out", certificate, "-subj", "/CN=icepack",
                "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
            ], output: .discarded, error: .string(limit: 1 << 16))
        try #require(made.terminationStatus.isSuccess, "\(made.standardError)")
        let server = try await RESTServer.start(certificate: certificate, key: key)
        let call = HTTPCall("GET", "https://localhost:\(server.port)/none/v1/config")
        var settings = HTTPExchanger.Settings()
        settings.trustedCertificates = certificate

        let answer = try await HTTPExchanger(settings).send(call, limit: 1000)
        let distrust = await failure(call)

        #expect(answer.status == 404)
        guard case .notSent(let reason) = distrust else {
            Issue.record("an unknown certificate was \(String(describing: distrust))")
            return
        }
        #expect(reason.contains("TLS"))
    }
}

@Suite struct SharedFetchTests {
    private struct Away: Error, Hashable {}

    /// Counts fetches, each of which waits until the gate is open.
    private final class Fetches: Sendable {
        private let count = Mutex(0)
        private let gate: AsyncStream<Void>
        private let opening: AsyncStream<Void>.Continuation

        init() { (gate, opening) = AsyncStream<Void>.makeStream() }

        func open() { opening.finish() }

        func fetch() async -> Result<Int, Away> {
            for await _ in gate { break }
            let number = count.withLock { count in
                count += 1
                return count
            }
            return .success(number)
        }
    }

    @Test func `one fetch serves all who ask meanwhile, and a failure is not kept`() async throws {
        let fetch = SharedFetch<Int, Away>()
        let fetches = Fetches()

        let numbers = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<5 {
                group.addTask { try await fetch.value { await fetches.fetch() }.value }
            }
            fetches.open()
            return try await group.reduce(into: []) { $0.append($1) }
        }

        #expect(numbers == [1, 1, 1, 1, 1])
        let failing = SharedFetch<Int, Away>()
        await #expect(throws: Away()) { try await failing.value { .failure(Away()) } }
        #expect(try await failing.value { .success(7) }.value == 7)
    }

    @Test func `a value is fetched again when it is stale or was given up, and only that one`()
        async throws
    {
        let isFresh = Mutex(true)
        let fetch = SharedFetch<Int, Away> { _ in isFresh.withLock { $0 } }

        let first = try await fetch.value { .success(1) }
        #expect(try await fetch.value { .success(2) }.value == 1)
        fetch.drop(generation: first.generation)
        let second = try await fetch.value { .success(3) }
        fetch.drop(generation: first.generation)

        #expect(second.value == 3)
        #expect(try await fetch.value { .success(4) }.value == 3)
        isFresh.withLock { $0 = false }
        #expect(try await fetch.value { .success(5) }.value == 5)
    }
}
