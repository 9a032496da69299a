// SPDX-License-Identifier: Apache-2.0

public import ObjectStorage
import Testing

/// What every storage must do; each adapter's tests run all of it against an empty prefix.
public struct ObjectStorageContract<Storage: ObjectStorage>: Sendable {
    let storage: Storage
    let root: Location

    /// Checks a storage under a prefix where nothing lies.
    public init(_ storage: Storage, root: Location) {
        self.storage = storage
        self.root = root
    }

    /// Names that stores and libraries like to change: hidden, encoded, doubled, (de)composed.
    public static var oddNames: [String] {
        [
            ".hidden", "_under", "a b", "a%20b", "a+b", "a&b=c", "é", "e\u{301}", "part=1/x", "日本",
            "tilde~", "quote'\"", "hash#1", "question?x=1", "back\\slash", "-dash", "semi;colon",
        ]
    }

    /// What was written is read, whole and by its size.
    public func writtenIsRead() async throws {
        let location = root.appending("folder/object")

        let written = try await storage.write([1, 2, 3], to: location, condition: .none)
        let found = try await storage.stat(location)

        #expect(try await storage.read(location, limit: 100) == [1, 2, 3])
        #expect(written.size == 3 && written.location == location)
        #expect(found?.size == 3 && found?.location == location)
        #expect((found?.modifiedMilliseconds ?? 1) > 0)
    }

    /// An object may be empty.
    public func emptyObject() async throws {
        let location = root.appending("empty")

        try await storage.write([], to: location, condition: .absent)

        #expect(try await storage.read(location, limit: 0) == [])
        #expect(try await storage.read(location, range: 0..<10) == [])
        #expect(try await storage.stat(location)?.size == 0)
    }

    /// What is not there is not found, and a prefix is no object.
    public func missingIsNotFound() async throws {
        let missing = root.appending("missing")
        try await storage.write([1], to: root.appending("prefix/object"), condition: .none)

        #expect(try await storage.stat(missing) == nil)
        #expect(try await storage.stat(root.appending("prefix")) == nil)
        await #expect(throws: StorageError.notFound(missing)) {
            _ = try await storage.read(missing, limit: 10)
        }
        await #expect(throws: StorageError.notFound(missing)) {
            _ = try await storage.read(missing, range: 0..<1)
        }
    }

    /// Creation refuses what is there and leaves it as it is; replacement replaces.
    public func conditions() async throws {
        let location = root.appending("object")

        try await storage.write([1], to: location, condition: .absent)
        await #expect(throws: StorageError.alreadyExists(location)) {
            try await storage.write([2], to: location, condition: .absent)
        }
        #expect(try await storage.read(location, limit: 10) == [1])

        try await storage.write([3, 4], to: location, condition: .none)
        #expect(try await storage.read(location, limit: 10) == [3, 4])
    }

    /// Of many who create one object at once, one succeeds, and it is that one's bytes.
    public func oneCreatorWins() async throws {
        for round in 0..<10 {
            let location = root.appending("race-\(round)")
            let winners = await withTaskGroup(of: UInt8?.self) { group in
                for racer in UInt8(0)..<16 {
                    group.addTask {
                        let bytes = [UInt8](repeating: racer, count: 4096)
                        let info = try? await storage.write(
                            bytes, to: location, condition: .absent)
                        return info == nil ? nil : racer
                    }
                }
                return await group.reduce(into: [UInt8]()) { all, one in
                    if let one { all.append(one) }
                }
            }
            let bytes = try await storage.read(location, limit: 5000)

            #expect(winners.count == 1)
            #expect(bytes == winners.first.map { [UInt8](repeating: $0, count: 4096) })
        }
    }

    /// A range is cut off where the object ends and nowhere else.
    public func ranges() async throws {
        let location = root.appending("object")
        let bytes = (0..<200).map { UInt8($0) }
        try await storage.write(bytes, to: location, condition: .none)

        #expect(try await storage.read(location, range: 0..<200) == bytes)
        #expect(try await storage.read(location, range: 10..<20) == Array(bytes[10..<20]))
        #expect(try await storage.read(location, range: 190..<300) == Array(bytes[190...]))
        #expect(try await storage.read(location, range: 199..<Int64.max) == [199])
        #expect(try await storage.read(location, range: 200..<300) == [])
        #expect(try await storage.read(location, range: 5..<5) == [])
    }

    /// The limit itself is allowed; one byte more is not.
    public func limitAtItsEdge() async throws {
        let location = root.appending("object")
        try await storage.write([UInt8](repeating: 7, count: 100), to: location, condition: .none)

        #expect(try await storage.read(location, limit: 100).count == 100)
        await #expect(throws: StorageError.tooLarge(location, limit: 99)) {
            _ = try await storage.read(location, limit: 99)
        }
    }

    /// A listing has everything below its prefix and nothing beside it (P-03).
    public func listingKeepsToItsPrefix() async throws {
        let inside = ["t/a", "t/b/c", "t/b/d/e"]
        for name in inside + ["t2/a", "tt", "u/t/a"] {
            try await storage.write([1, 2], to: root.appending(name), condition: .none)
        }

        let found = try await all(under: root.appending("t"))

        #expect(found.map(\.location) == inside.map(root.appending).sorted())
        #expect(found.allSatisfy { $0.size == 2 })
        #expect(try await all(under: root.appending("t/")).count == 3)
        #expect(try await all(under: root.appending("nothing")) == [])
        #expect(try await all(under: root.appending("t/a")) == [])
    }

    /// Names come back byte for byte, and each names its own object (P-09, P-10).
    public func oddNamesSurvive() async throws {
        let locations = Self.oddNames.map { root.appending("odd").appending($0) }
        for (index, location) in locations.enumerated() {
            try await storage.write([UInt8(index)], to: location, condition: .absent)
        }

        let listed = try await all(under: root.appending("odd"))

        #expect(listed.map(\.location) == locations.sorted())
        for (index, location) in locations.enumerated() {
            #expect(try await storage.read(location, limit: 1) == [UInt8(index)])
        }
    }

    /// A listing of many objects has each once.
    public func longListing() async throws {
        // More than a page of S3, which has a thousand.
        let (count, writers) = (1100, 10)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    for index in stride(from: writer, to: count, by: writers) {
                        let location = root.appending("many/\(index % 7)/\(index)")
                        try await storage.write([], to: location, condition: .none)
                    }
                }
            }
            try await group.waitForAll()
        }

        let found = try await all(under: root.appending("many"))

        #expect(found.count == count && Set(found.map(\.location)).count == count)
    }

    /// Children are what lies one step down.
    public func childrenAreOneStepDown() async throws {
        for name in ["c/a", "c/b/x", "c/b/y", "c/d/e/f", "cc/a"] {
            try await storage.write([1], to: root.appending(name), condition: .none)
        }

        let children = try await storage.children(of: root.appending("c"))
        let objects = children.compactMap { child -> Location? in
            if case .object(let info) = child { info.location } else { nil }
        }
        let prefixes = children.compactMap { child -> Location? in
            if case .prefix(let location) = child { location } else { nil }
        }

        #expect(objects == [root.appending("c/a")])
        #expect(prefixes.sorted() == [root.appending("c/b"), root.appending("c/d")])
        #expect(Set(children.map(\.name)) == ["a", "b", "d"])
        #expect(try await storage.children(of: root.appending("none")).isEmpty)
    }

    /// Each removal has its outcome, in order, and touches nothing else (P-12).
    public func removals() async throws {
        let names = ["r/a", "r/b", "r/c"].map(root.appending)
        for name in names { try await storage.write([1], to: name, condition: .none) }

        let outcomes = await storage.remove([names[0], root.appending("r/none"), names[2]])

        #expect(outcomes.count == 3)
        #expect(outcomes[0] == .removed && outcomes[2] == .removed)
        #expect(outcomes[1] == .alreadyGone || outcomes[1] == .removed)
        #expect(try await all(under: root.appending("r")).map(\.location) == [names[1]])
        #expect(await storage.remove([]).isEmpty)
    }

    /// Outcomes stay with their objects however many there are.
    public func manyRemovals() async throws {
        let count = 500
        let locations = (0..<count).map { root.appending("mr/\($0)") }
        for index in stride(from: 0, to: count, by: 5) {
            try await storage.write([], to: locations[index], condition: .none)
        }
        let there = Set(stride(from: 0, to: count, by: 5))

        let outcomes = await storage.remove(locations)

        #expect(outcomes.count == count)
        for (index, outcome) in outcomes.enumerated() {
            #expect(outcome == .removed || (outcome == .alreadyGone && !there.contains(index)))
        }
        #expect(try await all(under: root.appending("mr")).isEmpty)
    }

    func all(under prefix: Location) async throws -> [ObjectInfo] {
        var found: [ObjectInfo] = []
        for try await info in storage.list(prefix) { found.append(info) }
        return found.sorted { $0.location < $1.location }
    }
}
