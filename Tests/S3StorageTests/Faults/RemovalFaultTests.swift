// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import TestSupport
import Testing

@testable import S3Storage

/// What is said of each key when a bulk removal goes wrong in part, P-12.
@Suite(.enabled(if: S3Server.isAvailable(.moto)))
struct RemovalFaultTests {
    @Test func `what failed for now is tried again, and nothing else is`() async throws {
        try await withObjects(["a", "b", "c", "d"]) { proxy, store, locations in
            let partial = """
                <DeleteResult><Deleted><Key>a</Key></Deleted><Error><Key>b</Key>
                <Code>InternalError</Code></Error><Error><Key>d</Key><Code>AccessDenied</Code>
                <Message>kept</Message></Error></DeleteResult>
                """
            proxy.inject(.answer(200, body: partial), "POST", "delete")

            let outcomes = await store.storage.remove(locations)

            #expect(outcomes[0] == .removed && outcomes[1] == .removed && outcomes[2] == .removed)
            #expect(
                outcomes[3]
                    == .failed(
                        .denied(locations[3], reason: "HTTP status 403, AccessDenied: kept")))
            let calls = proxy.seen("POST", "delete")
            #expect(calls.count == 2)
            #expect(!calls[1].body.contains("<Key>a<") && !calls[1].body.contains("<Key>d<"))
            #expect(calls[1].body.contains("<Key>b<") && calls[1].body.contains("<Key>c<"))
        }
    }

    @Test func `a key of which the store never says anything counts as failed`() async throws {
        try await withObjects(["a", "b"]) { proxy, store, locations in
            let silent = "<DeleteResult><Deleted><Key>a</Key></Deleted></DeleteResult>"
            proxy.inject(.answer(200, body: silent), "POST", "delete", times: 100)

            let outcomes = await store.storage.remove(locations)

            #expect(outcomes[0] == .removed)
            guard case .failed(.unavailable) = outcomes[1] else {
                Issue.record("\(outcomes)")
                return
            }
        }
    }

    @Test func `a lost reply is asked for again`() async throws {
        try await withObjects(["a", "b"]) { proxy, store, locations in
            proxy.inject(.loseReply, "POST", "delete")

            #expect(await store.storage.remove(locations) == [.removed, .removed])
            let left = try await store.all()
            #expect(left.isEmpty)
        }
    }

    @Test func `a store without bulk removal is asked for each key`() async throws {
        try await withObjects(["a", "b", "c"]) { proxy, store, locations in
            let unknown = "<Error><Code>NotImplemented</Code></Error>"
            proxy.inject(.answer(501, body: unknown), "POST", "delete")

            let outcomes = await store.storage.remove(locations)

            #expect(outcomes == [.removed, .removed, .removed])
            #expect(proxy.seen("DELETE").count == 3)
            let left = try await store.all()
            #expect(left.isEmpty)
        }
    }

    @Test func `keys that XML cannot carry are removed one by one`() async throws {
        try await withObjects(["a\u{1}b", "plain", "tab\tkey"]) { proxy, store, locations in
            #expect(await store.storage.remove(locations) == [.removed, .removed, .removed])
            #expect(proxy.seen("POST", "delete").isEmpty)
            let left = try await store.all()
            #expect(left.isEmpty)
        }
    }

    @Test func `a location that is no object of ours has its own outcome`() async throws {
        try await withObjects(["a"]) { _, store, locations in
            let wrong = [
                Location("file:///a"), locations[0], Location("s3://\(store.bucket)"),
                Location("s3://\(store.bucket)/"), Location("s3://host:9000/a"),
            ]

            let outcomes = await store.storage.remove(wrong)

            #expect(outcomes[1] == .removed)
            for index in [0, 2, 3, 4] {
                guard case .failed(.unsupported(wrong[index], _)) = outcomes[index] else {
                    Issue.record("\(outcomes[index])")
                    continue
                }
            }
        }
    }

    @Test(arguments: [1000, 1001])
    func `a call removes a thousand objects at most`(count: Int) async throws {
        try await withObjects([]) { proxy, store, _ in
            let locations = (0..<count).map { store.root.appending("n/\($0)") }

            let outcomes = await store.storage.remove(locations)

            #expect(outcomes.count == count && outcomes.allSatisfy { $0 == .removed })
            #expect(proxy.seen("POST", "delete").count == (count + 999) / 1000)
        }
    }

    private func withObjects(
        _ keys: [String],
        _ body: @escaping @Sendable (FaultProxy, TestStore, [Location]) async throws -> Void
    ) async throws {
        let server = try await S3Server.shared(.moto)
        try await FaultProxy.run(to: server.port) { proxy in
            let store = try await TestStore(.moto, port: proxy.port)
            let locations = keys.map { store.root.appending($0) }
            for location in locations {
                try await store.storage.write([1], to: location, condition: .none)
            }
            try await body(proxy, store, locations)
        }
    }
}
