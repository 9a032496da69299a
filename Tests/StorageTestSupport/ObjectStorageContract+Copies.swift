// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import Testing

extension ObjectStorageContract {
    /// A copy has the bytes of its source, which stays.
    public func copiesAreWhole() async throws {
        for (index, name) in Self.oddNames.enumerated() {
            let bytes = (0..<index).map { UInt8($0) }
            let source = try await storage.write(
                bytes, to: root.appending("from/\(name)"), condition: .absent)
            let copy = ObjectCopy(source, to: root.appending("to/deep/\(name)"))

            let outcomes = await storage.copy([copy])

            guard case .copied(let info) = outcomes.first else {
                Issue.record("\(name): \(outcomes)")
                continue
            }
            #expect(info.size == source.size && info.location == copy.destination)
            #expect(try await storage.read(copy.destination, limit: 1000) == bytes)
            #expect(try await storage.read(source.location, limit: 1000) == bytes)
        }
    }

    /// What is there is never overwritten, what is not there or was changed is not copied, and
    /// each copy has its own outcome.
    public func copiesAreRefused() async throws {
        let source = try await storage.write(
            [1, 2], to: root.appending("source"), condition: .absent)
        let taken = root.appending("taken")
        try await storage.write([9], to: taken, condition: .absent)
        let missing = ObjectInfo(
            location: root.appending("missing"), size: 2, modifiedMilliseconds: nil)
        let changed = ObjectInfo(
            location: source.location, size: 3, modifiedMilliseconds: nil)

        let outcomes = await storage.copy([
            ObjectCopy(source, to: taken), ObjectCopy(missing, to: root.appending("one")),
            ObjectCopy(changed, to: root.appending("two")),
            ObjectCopy(source, to: root.appending("three")),
        ])

        #expect(outcomes.count == 4)
        #expect(outcomes[0] == .failed(.alreadyExists(taken)))
        #expect(outcomes[1] == .failed(.notFound(missing.location)))
        if case .copied = outcomes[2] { Issue.record("a changed source was copied") }
        if case .failed(let error) = outcomes[3] { Issue.record("\(error)") }
        #expect(try await storage.read(taken, limit: 10) == [9])
        #expect(try await storage.stat(root.appending("one")) == nil)
        #expect(try await storage.stat(root.appending("two")) == nil)
    }
}
