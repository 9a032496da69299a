// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import TestSupport
import Testing

@testable import S3Storage

/// Copies that the store makes by itself: no byte of an object comes by here.
@Suite(.enabled(if: S3Server.isAvailable(.moto)))
struct CopyTests {
    private static let half = S3Limits.smallestPartBytes

    private func withStore(
        _ body: @escaping @Sendable (FaultProxy, TestStore) async throws -> Void
    ) async throws {
        let server = try await S3Server.shared(.moto)
        try await FaultProxy.run(to: server.port) { proxy in
            let store = try await TestStore(.moto, port: proxy.port) {
                $0.wholeCopyBytes = Int64(Self.half)
                $0.copiedPartBytes = Self.half
            }
            try await body(proxy, store)
        }
    }

    /// An object as a listing has it.
    private static func listed(
        _ store: TestStore, _ bytes: [UInt8], _ name: String = "t/source"
    ) async throws -> ObjectInfo {
        let location = store.root.appending(name)
        try await store.storage.write(bytes, to: location, condition: .none)
        return try #require(try await store.all().first { $0.location == location })
    }

    @Test func `an object is copied in one call up to a size, and in parts above`() async throws {
        try await withStore { proxy, store in
            for (count, parts) in [(Self.half, 0), (Self.half + 1, 2), (2 * Self.half, 2)] {
                let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 7) }
                let source = try await Self.listed(store, bytes, "t/source-\(count)")
                let place = store.root.appending("q/\(count)")

                let outcomes = await store.storage.copy([ObjectCopy(source, to: place)])

                guard case .copied(let info) = outcomes.first else {
                    Issue.record("\(outcomes)")
                    continue
                }
                #expect(info.size == Int64(count))
                #expect(proxy.seen("GET", "source-\(count)").isEmpty, "nothing is downloaded")
                #expect(proxy.seen("PUT", "q/\(count)").allSatisfy { $0.body.isEmpty })
                // On a busy machine a part may be late, and is sent again.
                let sent = Set(proxy.seen("PUT", "q/\(count)?partNumber").map(\.uri))
                #expect(sent.count == parts)
                #expect(try await store.storage.read(place, limit: count) == bytes)
            }
            #expect(try await store.openUploads() == 0)
        }
    }

    @Test func `a copy whose answer is lost is found, or made again`() async throws {
        try await withStore { proxy, store in
            let small = try await Self.listed(store, [1, 2, 3], "t/small")
            let large = try await Self.listed(
                store, [UInt8](repeating: 1, count: Self.half + 5), "t/large")
            proxy.inject(.loseReply, "PUT", "q/small", times: 4)
            proxy.inject(.loseReply, "PUT", "q/large?partNumber=2")
            proxy.inject(.loseReply, "POST", "q/large?uploadId")

            let outcomes = await store.storage.copy([
                ObjectCopy(small, to: store.root.appending("q/small")),
                ObjectCopy(large, to: store.root.appending("q/large")),
            ])

            for outcome in outcomes {
                if case .failed(let error) = outcome { Issue.record("\(error)") }
            }
            #expect(try await store.openUploads() == 0)
        }
    }

    @Test func `what is not known to be the copy is unknown`() async throws {
        try await withStore { proxy, store in
            let source = try await Self.listed(store, [1, 2, 3])
            let place = store.root.appending("q/o")
            // Somebody else writes there while our calls are lost.
            proxy.inject(
                .first { try await store.storage.write([7, 8, 9], to: place, condition: .none) },
                "PUT", "q/o")
            proxy.inject(.cutBefore, "PUT", "q/o", times: 8)

            let outcomes = await store.storage.copy([ObjectCopy(source, to: place)])

            guard case .failed(.outcomeUnknown) = outcomes.first else {
                Issue.record("\(outcomes)")
                return
            }
        }
    }

    @Test func `a source that was written again is not copied`() async throws {
        try await withStore { proxy, store in
            let source = try await Self.listed(store, [1, 2, 3])
            let place = store.root.appending("q/o")
            proxy.inject(
                .first {
                    try await store.storage.write(
                        [3, 2, 1], to: source.location, condition: .none)
                }, "PUT", "q/o")

            let during = await store.storage.copy([ObjectCopy(source, to: place)])
            let after = await store.storage.copy([ObjectCopy(source, to: place)])

            for outcome in during + after {
                guard case .failed(.unavailable(source.location, _)) = outcome else {
                    Issue.record("\(outcome)")
                    continue
                }
            }
            #expect(try await store.storage.stat(place) == nil)
        }
    }

    @Test func `a copy that the store breaks off leaves no upload behind`() async throws {
        try await withStore { proxy, store in
            let source = try await Self.listed(
                store, [UInt8](repeating: 1, count: Self.half + 5))
            let place = store.root.appending("q/o")
            let late = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
            proxy.inject(.answer(200, body: late), "PUT", "partNumber=2")

            let outcomes = await store.storage.copy([ObjectCopy(source, to: place)])

            guard case .failed(.denied) = outcomes.first else {
                Issue.record("\(outcomes)")
                return
            }
            #expect(try await store.storage.stat(place) == nil)
            #expect(try await store.openUploads() == 0)
        }
    }
}
