// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import TestSupport
import Testing

@testable import S3Storage

/// Writes of which nobody said how they ended, P-30's question one level below.
@Suite(.enabled(if: S3Server.isAvailable(.moto)))
struct LostReplyTests {
    @Test func `a replacement whose reply is lost is made again`() async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            proxy.inject(.loseReply, "PUT", "object")

            try await store.storage.write([1], to: location, condition: .none)

            #expect(proxy.seen("PUT", "object").count == 2)
        }
    }

    @Test func `a creation whose reply is lost is found by its mark, and sent once`() async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            proxy.inject(.loseReply, "PUT", "object")

            let info = try await store.storage.write([1, 2], to: location, condition: .absent)

            #expect(info.size == 2 && info.location == location)
            #expect(proxy.seen("PUT", "object").count == 1)
        }
    }

    @Test func `a creation that a proxy sent twice is known by its mark`() async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            proxy.inject(.twice, "PUT", "object")

            let info = try await store.storage.write([1, 2], to: location, condition: .absent)

            #expect(info.size == 2)
            await #expect(throws: StorageError.alreadyExists(location)) {
                try await store.storage.write([1, 2], to: location, condition: .absent)
            }
        }
    }

    @Test func `an upload whose end a proxy sent twice is known by its mark`() async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            let chunks = [[UInt8](repeating: 1, count: 6 << 20)]
            proxy.inject(.twice, "POST", "uploadId")

            let info = try await store.storage.write(
                chunks: chunks.async, to: location, condition: .none)

            #expect(info.size == 6 << 20)
        }
    }

    @Test func `a creation that may still arrive has no known outcome, and is sent once`()
        async throws
    {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            proxy.inject(.cutBefore, "PUT", "object")

            let error = await #expect(throws: StorageError.self) {
                try await store.storage.write([1, 2], to: location, condition: .absent)
            }

            guard case .outcomeUnknown = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            let found = try await store.storage.stat(location)
            #expect(found == nil && proxy.seen("PUT", "object").count == 1)
        }
    }

    @Test(arguments: [500, 502, 504])
    func `a creation that ends in an error of a gateway is looked for`(status: Int) async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            proxy.inject(.answer(status, body: "<html>bad gateway</html>"), "PUT", "object")

            let error = await #expect(throws: StorageError.self) {
                try await store.storage.write([1, 2], to: location, condition: .absent)
            }

            guard case .outcomeUnknown = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(proxy.seen("PUT", "object").count == 1)
        }
    }

    @Test func `a creation whose reply is lost while another's object is there failed`()
        async throws
    {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            let other = try await TestStore(.moto)
            proxy.inject(
                .first {
                    try await other.storage.write([1, 2], to: location, condition: .absent)
                }, "HEAD", "object")
            proxy.inject(.cutBefore, "PUT", "object")

            await #expect(throws: StorageError.alreadyExists(location)) {
                try await store.storage.write([1, 2], to: location, condition: .absent)
            }
        }
    }

    @Test func `a creation stays unknown when looking for it fails as well`() async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            proxy.inject(.loseReply, "PUT", "object")
            proxy.inject(.cutBefore, "HEAD", "object", times: 100)

            let error = await #expect(throws: StorageError.self) {
                try await store.storage.write([1, 2], to: location, condition: .absent)
            }

            guard case .outcomeUnknown = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test func `a creation that was not begun is sent again`() async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            proxy.inject(FaultTests.slowDown, "PUT", "object")
            let conflict = "<Error><Code>ConditionalRequestConflict</Code></Error>"
            proxy.inject(.answer(409, body: conflict), "PUT", "object")

            try await store.storage.write([1], to: location, condition: .absent)

            #expect(proxy.seen("PUT", "object").count == 3)
            await #expect(throws: StorageError.alreadyExists(location)) {
                try await store.storage.write([2], to: location, condition: .absent)
            }
        }
    }

    @Test func `a cancelled creation has no known outcome`() async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            _ = try await store.storage.exclusiveCreation(at: location)
            proxy.inject(.hang, "PUT", "object")
            let writing = Task {
                try await store.storage.write([1], to: location, condition: .absent)
            }
            try await eventually("the call is on its way") { !proxy.seen("PUT", "object").isEmpty }

            writing.cancel()

            guard case .failure(StorageError.outcomeUnknown) = await writing.result else {
                Issue.record("\(await writing.result)")
                return
            }
        }
    }

    @Test func `an upload in parts survives lost replies`() async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            let chunks = (0..<4).map { [UInt8](repeating: UInt8($0), count: 4 << 20) }
            proxy.inject(.loseReply, "PUT", "partNumber=2")
            proxy.inject(FaultTests.slowDown, "PUT", "partNumber=1")
            proxy.inject(.loseReply, "POST", "uploadId")

            let info = try await store.storage.write(
                chunks: chunks.async, to: location, condition: .none)

            #expect(info.size == 16 << 20)
            #expect(proxy.seen("POST", "uploadId").count == 1, "the end of an upload is sent once")
            #expect(try await store.storage.read(location, range: 8_388_607..<8_388_609) == [1, 2])
            let open = try await store.openUploads()
            #expect(open == 0)
        }
    }

    @Test func `an upload that cannot be ended is given back and unknown`() async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            let chunks = [[UInt8](repeating: 1, count: 6 << 20)]
            proxy.inject(.cutBefore, "POST", "uploadId")

            let error = await #expect(throws: StorageError.self) {
                try await store.storage.write(chunks: chunks.async, to: location, condition: .none)
            }

            guard case .outcomeUnknown = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            let open = try await store.openUploads()
            #expect(open == 0)
        }
    }

    @Test func `an error in an answer that began as a success is an error`() async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            let chunks = [[UInt8](repeating: 1, count: 6 << 20)]
            let late = "<Error><Code>InvalidPart</Code><Message>which?</Message></Error>"
            proxy.inject(.answer(200, body: late), "POST", "uploadId")

            let error = await #expect(throws: StorageError.self) {
                try await store.storage.write(chunks: chunks.async, to: location, condition: .none)
            }

            guard case .denied(_, let reason) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.contains("InvalidPart"))
            let open = try await store.openUploads()
            #expect(open == 0)
        }
    }

    @Test func `a cancelled upload gives its parts back`() async throws {
        try await withProxy { proxy, store in
            let location = store.root.appending("object")
            let chunks = (0..<4).map { [UInt8](repeating: UInt8($0), count: 4 << 20) }
            proxy.inject(.hang, "PUT", "partNumber=2")
            let writing = Task {
                try await store.storage.write(chunks: chunks.async, to: location, condition: .none)
            }
            try await eventually("a part is on its way") {
                !proxy.seen("PUT", "partNumber=2").isEmpty
            }

            writing.cancel()

            let result = await writing.result
            #expect(throws: StorageError.self) { try result.get() }
            #expect(try await store.openUploads() == 0)
            #expect(try await store.storage.stat(location) == nil)
        }
    }

    private func withProxy(
        _ body: @escaping @Sendable (FaultProxy, TestStore) async throws -> Void
    ) async throws {
        let server = try await S3Server.shared(.moto)
        try await FaultProxy.run(to: server.port) { proxy in
            let store = try await TestStore(.moto, port: proxy.port) {
                $0.partBytes = S3Limits.smallestPartBytes
            }
            try await body(proxy, store)
        }
    }
}
