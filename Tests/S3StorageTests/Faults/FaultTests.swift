// SPDX-License-Identifier: Apache-2.0

import AWSSigning
import NIOHTTP1
import ObjectStorage
import TestSupport
import Testing

@testable import S3Storage

/// A store on a bad day: moto behind a proxy that cuts, delays, lies and loses.
@Suite(.enabled(if: S3Server.isAvailable(.moto)))
struct FaultTests {
    static let slowDown = FaultProxy.Fault.answer(
        503, body: "<Error><Code>SlowDown</Code><Message>less, please</Message></Error>")
    static let failure = FaultProxy.Fault.answer(
        500, body: "<Error><Code>InternalError</Code><Message>oops</Message></Error>")

    @Test func `a busy or broken server is asked again`() async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            proxy.inject(Self.slowDown, "PUT", "object")
            proxy.inject(Self.failure, "PUT", "object")
            proxy.inject(.answer(429), "PUT", "object")
            try await store.storage.write([1, 2, 3], to: location, condition: .none)
            #expect(proxy.seen("PUT", "object").count == 4)

            proxy.inject(.cutBefore, "GET", "object")
            proxy.inject(Self.slowDown, "GET", "object")
            proxy.inject(.truncate(1), "GET", "object")
            #expect(try await store.storage.read(location, limit: 10) == [1, 2, 3])
            #expect(proxy.seen("GET", "object").count == 4)
        }
    }

    @Test func `no call is made more often than the policy allows`() async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            for method in ["GET", "PUT", "HEAD"] {
                proxy.inject(Self.failure, method, "object", times: 100)
            }

            let read = await #expect(throws: StorageError.self) {
                _ = try await store.storage.read(location, limit: 1)
            }
            let stat = await #expect(throws: StorageError.self) {
                _ = try await store.storage.stat(location)
            }
            let write = await #expect(throws: StorageError.self) {
                try await store.storage.write([1], to: location, condition: .none)
            }

            for method in ["GET", "PUT", "HEAD"] {
                #expect(proxy.seen(method, "object").count == 4)
            }
            guard case .unavailable = read, case .unavailable = stat, case .outcomeUnknown = write
            else {
                Issue.record("\(String(describing: (read, stat, write)))")
                return
            }
        }
    }

    @Test func `a refusal is not argued with`() async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            let denial = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
            proxy.inject(.answer(403, body: denial), "GET", "object")

            await #expect(
                throws: StorageError.denied(location, reason: "HTTP status 403, AccessDenied: no")
            ) {
                _ = try await store.storage.read(location, limit: 1)
            }
            #expect(proxy.seen("GET", "object").count == 1)
        }
    }

    @Test func `a part of a range is never taken for the end of the object`() async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            let bytes = (0..<100).map { UInt8($0) }
            try await store.storage.write(bytes, to: location, condition: .none)
            proxy.inject(.shortenRange(5), "GET", "object")

            #expect(try await store.storage.read(location, range: 0..<30) == Array(bytes[..<30]))
            #expect(proxy.seen("GET", "object").count == 2)
            #expect(try await store.storage.read(location, range: 90..<130) == Array(bytes[90...]))
        }
    }

    @Test func `an answer that does not say where it ends is no answer`() async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            try await store.storage.write([1, 2, 3], to: location, condition: .none)
            proxy.inject(.openEnd, "GET", "object", times: 2)

            #expect(try await store.storage.read(location, limit: 10) == [1, 2, 3])
            #expect(proxy.seen("GET", "object").count == 3)
        }
    }

    @Test(arguments: [
        FaultProxy.Fault.truncate(3), .truncate(0), .announceMore(5), .shorten(2), .cutBefore,
        .loseReply,
    ])
    func `a range that arrives in part is read again, and never passed off as whole`(
        fault: FaultProxy.Fault
    ) async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            let bytes = (0..<100).map { UInt8($0) }
            try await store.storage.write(bytes, to: location, condition: .none)
            proxy.inject(fault, "GET", "object", times: 2)

            let read = try await store.storage.read(location, range: 10..<30)

            #expect(read == Array(bytes[10..<30]))
        }
    }

    @Test func `a silent server is given up`() async throws {
        try await withProxy(silence: .milliseconds(100)) { proxy, store in
            proxy.inject(.hang, "GET", "object", times: 100)

            let error = await #expect(throws: StorageError.self) {
                _ = try await store.storage.read(store.root.appending("object"), limit: 1)
            }

            guard case .unavailable = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test func `a cancelled read ends at once`() async throws {
        try await withProxy { proxy, store in
            proxy.inject(.hang, "GET", "object")
            let reading = Task {
                try await store.storage.read(store.root.appending("object"), limit: 1)
            }
            try await eventually("the call is on its way") { !proxy.seen("GET", "object").isEmpty }

            reading.cancel()

            let result = await reading.result
            #expect(throws: StorageError.self) { _ = try result.get() }
        }
    }

    @Test func `a server that is not there is unavailable, and a write to it did not happen`()
        async throws
    {
        let port = try await FaultProxy.run(to: 0) { $0.port }
        let store = try await TestStore(.moto, port: port)
        let location = store.root.appending("object")

        for condition in [WriteCondition.none, .absent] {
            let error = await #expect(throws: StorageError.self) {
                try await store.storage.write([1], to: location, condition: condition)
            }
            guard case .unavailable(_, let reason) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.contains("no connection"))
        }
    }

    @Test func `a stream that breaks goes on where it broke`() async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
            try await store.storage.write(bytes, to: location, condition: .none)
            proxy.inject(.truncate(100_000), "GET", "object", times: 2)

            var read: [UInt8] = []
            for try await piece in store.storage.bytes(of: location) { read += piece }

            #expect(read == bytes)
            // How much of a broken answer arrives is up to the network.
            let calls = proxy.seen("GET", "object")
            let starts = calls.compactMap { call in
                Int(call.headers.first(name: "range")?.dropFirst(6).dropLast() ?? "0")
            }
            #expect(starts.count == 3 && starts == starts.sorted() && starts[0] == 0)
            #expect(calls.dropFirst().allSatisfy { $0.headers.contains(name: "if-match") })
        }
    }

    @Test func `a stream never joins two versions of an object`() async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            let old = [UInt8](repeating: 1, count: 200_000)
            try await store.storage.write(old, to: location, condition: .none)
            proxy.inject(.truncate(100_000), "GET", "object")
            let direct = try await TestStore(.moto)
            proxy.inject(
                .first {
                    let new = [UInt8](repeating: 2, count: 200_000)
                    try await direct.storage.write(new, to: location, condition: .none)
                }, "GET", "object")

            var read: [UInt8] = []
            let error = await #expect(throws: StorageError.self) {
                for try await piece in store.storage.bytes(of: location) { read += piece }
            }

            #expect(!read.contains(2))
            #expect(
                error
                    == .unavailable(location, reason: "it was replaced while it was read"))
        }
    }

    @Test func `a listing over a bad connection has each object once`() async throws {
        try await withProxy { proxy, store in
            for index in 0..<25 {
                try await store.storage.write(
                    [], to: store.root.appending("t/\(index)"), condition: .none)
            }
            proxy.inject(.truncate(200), "GET", "list-type")
            proxy.inject(Self.slowDown, "GET", "list-type")
            proxy.inject(.cutBefore, "GET", "list-type")

            #expect(try await store.all("t").count == 25)
        }
    }

    @Test func `a listing that cannot be finished is an error, not a short list`() async throws {
        try await withProxy { proxy, store in
            let page = """
                <ListBucketResult><IsTruncated>true</IsTruncated>
                <NextContinuationToken>x</NextContinuationToken><Contents><Key>t/1</Key>
                <Size>1</Size></Contents></ListBucketResult>
                """
            proxy.inject(.answer(200, body: page), "GET", "list-type")
            proxy.inject(.answer(403), "GET", "continuation-token=x")

            await #expect(throws: StorageError.self) { _ = try await store.all("t") }
        }
    }

    @Test func `an expired token is replaced once`() async throws {
        try await withProxy { proxy, store in
            let fetches = Counter()
            let keys = TestStore.credentials(store.server)
            let storage = S3Storage(
                try TestStore.settings(store.server, port: proxy.port),
                credentials: CredentialsCache { () throws(CredentialsError) in
                    fetches.add()
                    return keys
                }, logger: TestStore.logger)
            let expired = "<Error><Code>ExpiredToken</Code></Error>"
            proxy.inject(.answer(400, body: expired), "PUT", "object")

            try await storage.write([1], to: store.root.appending("object"), condition: .none)

            #expect(fetches.count == 2)
        }
    }

    @Test func `a clock that is wrong is put right by the server's`() async throws {
        try await withProxy { proxy, store in
            let storage = S3Storage(
                try TestStore.settings(store.server, port: proxy.port),
                credentials: CredentialsCache(TestStore.credentials(store.server)),
                logger: TestStore.logger, now: { 0 })
            let skewed = "<Error><Code>RequestTimeTooSkewed</Code></Error>"
            let date = [("Date", "Wed, 21 Oct 2015 07:28:00 GMT")]
            proxy.inject(.answer(403, headers: date, body: skewed), "PUT", "object")

            try await storage.write([1], to: store.root.appending("object"), condition: .none)

            let times = proxy.seen("PUT", "object").map { $0.headers.first(name: "x-amz-date") }
            #expect(times == ["19700101T000000Z", "20151021T072800Z"])
        }
    }

    private func withProxy(
        silence: Duration = .seconds(20),
        _ body: @escaping @Sendable (FaultProxy, TestStore) async throws -> Void
    ) async throws {
        let server = try await S3Server.shared(.moto)
        try await FaultProxy.run(to: server.port) { proxy in
            let store = try await TestStore(.moto, port: proxy.port) { $0.silenceLimit = silence }
            try await body(proxy, store)
        }
    }
}
