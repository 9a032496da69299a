// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import StorageTestSupport
import Testing

@Suite struct StorageRouterTests {
    @Test func `a scheme that nobody serves is refused by name, P-04`() async throws {
        let router = StorageRouter(plainPaths: nil, schemes: ["file": LocalStorage()])

        await #expect { try await router.stat(Location("s3://b/k")) } throws: { error in
            "\(error)".contains("no store is configured for s3; there are: file")
        }
        await #expect(throws: StorageError.self) { try await router.stat(Location("/plain")) }
        await #expect(throws: StorageError.self) {
            for try await _ in router.list(Location("s3a://b")) {}
        }
    }

    @Test func `removals keep their order across stores`() async throws {
        let scratch = try ScratchFolder()
        let router = StorageRouter(plainPaths: LocalStorage(), schemes: ["file": LocalStorage()])
        let plain = scratch.appending("a")
        let file = Location("file:" + scratch.path + "/b")
        for location in [plain, file] {
            try await router.write([1], to: location, condition: .none)
        }

        let outcomes = await router.remove([
            Location("s3://b/k"), plain, scratch.appending("none"), file,
        ])

        guard case .failed(.unsupported) = outcomes[0] else {
            Issue.record("the removal without a store was \(outcomes[0])")
            return
        }
        #expect(Array(outcomes[1...]) == [.removed, .alreadyGone, .removed])
    }

    @Test func `a faulty storage fails before or after the effect`() async throws {
        let scratch = try ScratchFolder()
        let storage = FaultyStorage(LocalStorage())
        let location = scratch.appending("x")
        storage.inject(StorageFault(.write, .before))
        storage.inject(StorageFault(.write, .after))

        await #expect(throws: StorageError.self) {
            try await storage.write([1], to: location, condition: .absent)
        }
        #expect(try await storage.stat(location) == nil)
        await #expect(throws: StorageError.self) {
            try await storage.write([1], to: location, condition: .absent)
        }
        #expect(try await storage.stat(location)?.size == 1)
        #expect(storage.count(of: .write) == 2)
    }
}
