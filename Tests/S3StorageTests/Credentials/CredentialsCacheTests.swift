// SPDX-License-Identifier: Apache-2.0

import AWSSigning
import Synchronization
import TestSupport
import Testing

@testable import S3Storage

@Suite struct CredentialsCacheTests {
    /// A source whose answers are set, and a clock.
    final class Bank: Sendable {
        let fetches = Counter()
        let now = Mutex<Int64>(1_000_000)
        let answer = Mutex<Result<AWSCredentials, CredentialsError>>(
            .failure(.missing(reason: "none")))
        /// Fetches wait until something comes out of it.
        let gate: AsyncStream<Void>?

        init(gate: AsyncStream<Void>? = nil) { self.gate = gate }

        func lend(_ id: String, seconds: Int64?) {
            let end = seconds.map { self.now.withLock { $0 } + $0 * 1000 }
            answer.withLock {
                $0 = .success(
                    AWSCredentials(
                        accessKeyID: id, secretAccessKey: "s", expiresAtMilliseconds: end))
            }
        }

        func fail() { answer.withLock { $0 = .failure(.unavailable(reason: "away")) } }

        func pass(seconds: Int64) { now.withLock { $0 += seconds * 1000 } }

        var cache: CredentialsCache {
            CredentialsCache(
                { () async throws(CredentialsError) in
                    self.fetches.add()
                    if let gate = self.gate { for await _ in gate { break } }
                    return try self.answer.withLock { $0 }.get()
                }, now: { self.now.withLock { $0 } })
        }
    }

    @Test func `credentials are kept until shortly before their end`() async throws {
        let bank = Bank()
        let cache = bank.cache
        bank.lend("one", seconds: 3600)

        #expect(try await cache.credentials().accessKeyID == "one")
        bank.lend("two", seconds: 7200)
        bank.pass(seconds: 3600 - 301)
        #expect(try await cache.credentials().accessKeyID == "one")
        bank.pass(seconds: 1)
        #expect(try await cache.credentials().accessKeyID == "two")
        #expect(bank.fetches.count == 2)
    }

    @Test func `credentials without an end are fetched once`() async throws {
        let bank = Bank()
        let cache = bank.cache
        bank.lend("one", seconds: nil)

        for _ in 0..<3 {
            #expect(try await cache.credentials().accessKeyID == "one")
            bank.pass(seconds: 1_000_000)
        }
        #expect(bank.fetches.count == 1)
    }

    @Test func `one fetch serves all who wait for it`() async throws {
        let (gate, opener) = AsyncStream<Void>.makeStream()
        let bank = Bank(gate: gate)
        let cache = bank.cache
        bank.lend("one", seconds: 3600)

        // Each is waited for below.
        let asking = (0..<20).map { _ in Task { try await cache.credentials().accessKeyID } }
        try await eventually("a fetch begins") { bank.fetches.count == 1 }
        opener.yield()

        for task in asking { #expect(try await task.value == "one") }
        #expect(bank.fetches.count == 1)
    }

    @Test func `who stops waiting does not stop the fetch for others`() async throws {
        let (gate, opener) = AsyncStream<Void>.makeStream()
        let bank = Bank(gate: gate)
        let cache = bank.cache
        bank.lend("one", seconds: 3600)

        let first = Task { try await cache.credentials().accessKeyID }
        try await eventually("a fetch begins") { bank.fetches.count == 1 }
        first.cancel()
        let second = Task { try await cache.credentials().accessKeyID }
        opener.yield()

        #expect(try await second.value == "one")
    }

    @Test func `while a fetch ahead fails the old ones serve, and it is not asked at once again`()
        async throws
    {
        let bank = Bank()
        let cache = bank.cache
        bank.lend("one", seconds: 3600)
        _ = try await cache.credentials()
        bank.fail()
        bank.pass(seconds: 3400)

        for _ in 0..<5 { #expect(try await cache.credentials().accessKeyID == "one") }
        #expect(bank.fetches.count == 2)
        bank.pass(seconds: 31)
        #expect(try await cache.credentials().accessKeyID == "one")
        #expect(bank.fetches.count == 3)
        bank.pass(seconds: 160)
        await #expect(throws: CredentialsError.unavailable(reason: "away")) {
            _ = try await cache.credentials()
        }
        bank.lend("two", seconds: 3600)
        await #expect(throws: CredentialsError.self, "a failure lasts for a while") {
            _ = try await cache.credentials()
        }
        bank.pass(seconds: 5)
        #expect(try await cache.credentials().accessKeyID == "two")
        #expect(bank.fetches.count == 5)
    }

    @Test func `credentials that last no longer than the time ahead are not fetched for each call`()
        async throws
    {
        let bank = Bank()
        let cache = bank.cache
        bank.lend("one", seconds: 60)

        for _ in 0..<5 { #expect(try await cache.credentials().accessKeyID == "one") }
        #expect(bank.fetches.count == 1)
        bank.lend("two", seconds: 90)
        bank.pass(seconds: 30)
        #expect(try await cache.credentials().accessKeyID == "two")
        bank.lend("three", seconds: 60)
        bank.pass(seconds: 46)
        #expect(try await cache.credentials().accessKeyID == "three", "under the reserve")
        #expect(bank.fetches.count == 3)
    }

    @Test func `credentials that ended before they came are refused`() async throws {
        let bank = Bank()
        bank.lend("one", seconds: 0)

        await #expect(throws: CredentialsError.self) { _ = try await bank.cache.credentials() }
    }
}
