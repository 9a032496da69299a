// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectStorage
import StorageTestSupport
import Testing

@Suite struct LocalStorageTests {
    let scratch: ScratchFolder
    let storage = LocalStorage()

    init() throws { scratch = try ScratchFolder() }

    @Test(arguments: [
        "relative/path", "", "file:", "file:relative", "file://host/a", "/a/../b", "file:///a/..",
        "../a", "/a\u{0}b", "s3://bucket/key", "FILE://x",
    ])
    func `a location that is no local file is refused`(text: String) async throws {
        let location = Location(text)

        await #expect { try await storage.stat(location) } throws: { error in
            guard case StorageError.unsupported(location, _) = error else { return false }
            return true
        }
        let outcomes = await storage.remove([location])
        guard case .failed(.unsupported) = outcomes.first else {
            Issue.record("removal of \(text) was \(outcomes)")
            return
        }
    }

    @Test func `three spellings of a path read one file, percent signs are literal`() async throws {
        let path = scratch.path + "/a%20b"
        try await storage.write([9], to: Location(path), condition: .absent)

        #expect(try await storage.read(Location("file:" + path), limit: 1) == [9])
        #expect(try await storage.read(Location("file://" + path), limit: 1) == [9])
        #expect(try await storage.stat(Location("file:" + scratch.path + "/a b")) == nil)
    }

    @Test func `relative locations lie under the base`() async throws {
        let storage = try LocalStorage(relativeTo: scratch.location)

        try await storage.write([1], to: Location("data/x"), condition: .absent)

        #expect(try await storage.read(scratch.appending("data/x"), limit: 1) == [1])
        for try await info in storage.list(Location("data")) {
            #expect(info.location == Location("data/x"))
        }
        #expect(throws: StorageError.self) {
            try LocalStorage(relativeTo: Location("not/absolute"))
        }
    }

    @Test func `a write leaves no second file, whatever its outcome`() async throws {
        let location = scratch.appending("object")

        try await storage.write([1], to: location, condition: .absent)
        _ = try? await storage.write([2], to: location, condition: .absent)
        try await storage.write([3], to: location, condition: .none)

        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["object"])
    }

    @Test func `a write onto a folder or under a file is refused and changes nothing`() async throws
    {
        try await storage.write([1], to: scratch.appending("file"), condition: .absent)
        try await storage.write([1], to: scratch.appending("folder/x"), condition: .absent)

        for name in ["folder", "folder/", "file/below"] {
            for condition in [WriteCondition.none, .absent] {
                await #expect(throws: StorageError.self) {
                    try await storage.write([2], to: scratch.appending(name), condition: condition)
                }
            }
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path)
        #expect(names.sorted() == ["file", "folder"])
    }

    @Test func `links are not followed out of a listing, and removed as themselves`() async throws {
        let outside = try ScratchFolder()
        let target = outside.appending("precious")
        try await storage.write([1], to: target, condition: .absent)
        try await storage.write([1], to: scratch.appending("own"), condition: .absent)
        let manager = FileManager.default
        try manager.createSymbolicLink(
            atPath: scratch.path + "/folder-link", withDestinationPath: outside.path)
        try manager.createSymbolicLink(
            atPath: scratch.path + "/file-link", withDestinationPath: target.rawValue)

        var listed: [Location] = []
        for try await info in storage.list(scratch.location) { listed.append(info.location) }
        let outcomes = await storage.remove([scratch.appending("file-link")])

        #expect(listed == [scratch.appending("own")])
        #expect(try await storage.children(of: scratch.location).map(\.name) == ["own"])
        #expect(outcomes == [.removed])
        #expect(try await storage.read(target, limit: 1) == [1])
    }

    @Test func `a folder cannot be removed as an object`() async throws {
        try await storage.write([1], to: scratch.appending("folder/x"), condition: .absent)

        let outcomes = await storage.remove([scratch.appending("folder")])

        guard case .failed(.denied) = outcomes.first else {
            Issue.record("removal of a folder was \(outcomes)")
            return
        }
    }

    @Test func `a pipe is not read and does not block`() async throws {
        #expect(mkfifo(scratch.path + "/pipe", 0o600) == 0)

        await #expect(throws: StorageError.self) {
            _ = try await storage.read(scratch.appending("pipe"), limit: 10)
        }
        #expect(try await storage.stat(scratch.appending("pipe")) == nil)
    }

    @Test func `a name that is not UTF-8 ends a listing with an error that spells it`()
        async throws
    {
        let name = Array((scratch.path + "/bad-").utf8) + [0xFF, 0]
        let descriptor = name.withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                characters.baseAddress.map { open($0, O_CREAT | O_WRONLY, 0o600) } ?? -1
            }
        }
        try #require(descriptor >= 0)
        close(descriptor)

        let refused = await #expect(throws: StorageError.self) {
            for try await _ in storage.list(scratch.location) {}
        }
        #expect(try #require(refused).description.contains(#"bad-\xFF"#))
    }

    @Test(.enabled(if: getuid() != 0, "root reads everything"))
    func `an unreadable folder ends a listing with an error, P-08`() async throws {
        try await storage.write([1], to: scratch.appending("closed/x"), condition: .absent)
        #expect(chmod(scratch.path + "/closed", 0) == 0)
        defer { chmod(scratch.path + "/closed", 0o700) }

        await #expect(throws: StorageError.self) {
            for try await _ in storage.list(scratch.location) {}
        }
    }

    @Test func `far more reads at once than there are threads all come back`() async throws {
        let location = scratch.appending("small")
        try await storage.write([1, 2, 3, 4], to: location, condition: .absent)

        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<1000 {
                group.addTask { try await storage.read(location, limit: 4).count }
            }
            return try await group.reduce(0, +)
        }

        #expect(count == 4000)
    }
}
