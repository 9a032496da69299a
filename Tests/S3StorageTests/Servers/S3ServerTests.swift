// SPDX-License-Identifier: Apache-2.0

import AWSSigning
import ObjectStorage
import TestSupport
import Testing

@testable import S3Storage

/// What the S3 storage does beyond the contract, over each real server that is there.
@Suite struct S3ServerTests {
    static let servers = S3ContractTests.servers
    static let strict = S3ContractTests.strict

    @Test(arguments: servers) func `the three schemes name one object, P-04`(
        kind: S3Server.Kind
    ) async throws {
        let store = try await TestStore(kind)
        let names = ["s3", "s3a", "s3n", "S3"].map { Location("\($0)://\(store.bucket)/t/o") }
        try await store.storage.write([1], to: names[0], condition: .none)

        for name in names {
            #expect(try await store.storage.read(name, limit: 1) == [1])
            #expect(try await store.storage.stat(name)?.location == name)
        }
        for try await info in store.storage.list(Location("s3a://\(store.bucket)/t")) {
            #expect(info.location == names[1], "a listing is spelled like its prefix")
        }
    }

    @Test(arguments: servers) func `an object of many parts is read as it was written`(
        kind: S3Server.Kind
    ) async throws {
        let store = try await TestStore(kind) { $0.partBytes = S3Limits.smallestPartBytes }
        let location = store.root.appending("large/object")
        var random = SeededGenerator(seed: 7)
        let chunks = (0..<12).map { _ in
            (0..<1_200_003).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        let bytes = chunks.flatMap { $0 }

        let written = try await store.storage.write(
            chunks: chunks.async, to: location, condition: .none)
        var read: [UInt8] = []
        for try await piece in store.storage.bytes(of: location) { read += piece }

        #expect(written.size == Int64(bytes.count))
        #expect(try await store.storage.stat(location)?.size == Int64(bytes.count))
        #expect(read == bytes)
        var tail: [UInt8] = []
        for try await piece in store.storage.bytes(of: location, from: 14_000_000) { tail += piece }
        #expect(tail == Array(bytes[14_000_000...]))
    }

    @Test(arguments: servers) func `a source that fails leaves no object and no upload behind`(
        kind: S3Server.Kind
    ) async throws {
        struct Broken: Error {}
        let store = try await TestStore(kind) { $0.partBytes = S3Limits.smallestPartBytes }
        let location = store.root.appending("never")
        let chunks = AsyncThrowingStream<[UInt8], any Error> { continuation in
            for _ in 0..<3 { continuation.yield([UInt8](repeating: 1, count: 6 << 20)) }
            continuation.finish(throwing: Broken())
        }

        await #expect(throws: StorageError.self) {
            try await store.storage.write(chunks: chunks, to: location, condition: .none)
        }

        #expect(try await store.storage.stat(location) == nil)
        #expect(try await store.openUploads() == 0)
    }

    @Test(arguments: strict) func `creation in parts refuses what is there or refuses to try`(
        kind: S3Server.Kind
    ) async throws {
        let store = try await TestStore(kind) { $0.partBytes = S3Limits.smallestPartBytes }
        let location = store.root.appending("once")
        let chunks = [[UInt8](repeating: 1, count: 6 << 20)]
        try await store.storage.write([9], to: location, condition: .none)

        let error = await #expect(throws: StorageError.self) {
            try await store.storage.write(chunks: chunks.async, to: location, condition: .absent)
        }

        let refusals = [
            StorageError.alreadyExists(location),
            .unsupported(location, reason: ConditionProof.ignored),
        ]
        #expect(error.map { refusals.contains($0) } == true)
        #expect(try await store.storage.read(location, limit: 10) == [9])
        #expect(try await store.openUploads() == 0)
        #expect(try await store.all().map(\.location) == [location], "no probe stays behind")
    }

    @Test(arguments: strict) func `a store that keeps to conditions is proven once`(
        kind: S3Server.Kind
    ) async throws {
        let store = try await TestStore(kind)

        let answer = try await store.storage.exclusiveCreation(at: store.root.appending("t/m"))

        #expect(answer == .guaranteed)
        #expect(try await store.all().isEmpty, "the probe was removed")
    }

    @Test(.enabled(if: S3Server.isAvailable(.rclone)))
    func `creation is refused on a store that ignores conditions, unless it was set up so`()
        async throws
    {
        let careful = try await TestStore(.rclone) { $0.conditionalWrites = .proven }
        let location = careful.root.appending("t/object")

        let answer = try await careful.storage.exclusiveCreation(at: location)
        await #expect(
            throws: StorageError.unsupported(location, reason: ConditionProof.ignored)
        ) {
            try await careful.storage.write([1], to: location, condition: .absent)
        }

        #expect(answer == .unproven(reason: ConditionProof.ignored))
        #expect(try await careful.storage.stat(location) == nil)
        #expect(try await careful.all().isEmpty, "the probes were removed")
        let relaxed = try await TestStore(.rclone) { $0.conditionalWrites = .lookFirst }
        guard case .unproven = try await relaxed.storage.exclusiveCreation(at: relaxed.root) else {
            Issue.record("looking first is no exclusion")
            return
        }
        let object = relaxed.root.appending("t/object")
        try await relaxed.storage.write([1], to: object, condition: .absent)
        await #expect(throws: StorageError.alreadyExists(object)) {
            try await relaxed.storage.write([2], to: object, condition: .absent)
        }
    }

    @Test(arguments: servers) func `a missing bucket is refused, and never an empty one, P-13`(
        kind: S3Server.Kind
    ) async throws {
        let store = try await TestStore(kind)
        let location = Location("s3://nobody-made-\(store.bucket)/t")

        await #expect(throws: StorageError.self) {
            for try await _ in store.storage.list(location) {}
        }
        await #expect(throws: StorageError.self) {
            try await store.storage.write([1], to: location, condition: .none)
        }
        let outcomes = await store.storage.remove([location])
        guard case .failed = outcomes[0] else {
            Issue.record("\(outcomes)")
            return
        }
    }

    @Test(arguments: servers) func `a wrong secret is refused and never shown`(
        kind: S3Server.Kind
    ) async throws {
        let store = try await TestStore(kind)
        let wrong = S3Storage(
            try TestStore.settings(store.server),
            credentials: CredentialsCache(
                .init(accessKeyID: store.server.accessKeyID, secretAccessKey: "wrong-secret")),
            logger: TestStore.logger)

        let error = await #expect(throws: StorageError.self) {
            try await wrong.write([1], to: store.root.appending("o"), condition: .none)
        }

        guard case .denied(_, let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("SignatureDoesNotMatch") && !reason.contains("wrong-secret"))
        var dumped = ""
        dump(wrong, to: &dumped)
        #expect(!"\(wrong)\(dumped)".contains("wrong-secret"))
    }

    @Test(.enabled(if: S3Server.isAvailable(.moto)))
    func `a key that may not list or remove says so, P-13`() async throws {
        let store = try await TestStore(.moto)
        let location = store.root.appending("t/o")
        try await store.storage.write([5], to: location, condition: .none)
        let reader = try #require(store.server.reader)
        let storage = S3Storage(
            try TestStore.settings(store.server),
            credentials: CredentialsCache(
                .init(
                    accessKeyID: reader.accessKeyID, secretAccessKey: reader.secretAccessKey)),
            logger: TestStore.logger)

        #expect(try await storage.read(location, limit: 1) == [5])
        await #expect(throws: StorageError.self) {
            for try await _ in storage.list(store.root.appending("t")) {}
        }
        let outcomes = await storage.remove([location])
        guard case .failed(.denied) = outcomes[0] else {
            Issue.record("\(outcomes)")
            return
        }
        #expect(try await store.storage.stat(location) != nil)
    }
}

extension TestStore {
    /// How many multipart uploads were begun and not ended.
    func openUploads() async throws -> Int {
        var request = S3Request("GET", bucket)
        request.query = [.init("uploads", "")]
        return try await storage.client.call(request) { reply throws(CallFailure) in
            let bytes = try await reply.bytes(limit: S3Limits.replyBytes)
            let root = try XMLElement(reply: bytes, named: "ListMultipartUploadsResult")
            return root.all("Upload").count
        }
    }
}
