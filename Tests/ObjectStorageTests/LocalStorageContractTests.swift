// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import StorageTestSupport
import Testing

@Suite struct LocalStorageContractTests {
    let scratch: ScratchFolder
    let contract: ObjectStorageContract<LocalStorage>

    init() throws {
        scratch = try ScratchFolder()
        contract = ObjectStorageContract(LocalStorage(), root: scratch.location)
    }

    @Test func `what was written is read`() async throws { try await contract.writtenIsRead() }
    @Test func `an object may be empty`() async throws { try await contract.emptyObject() }
    @Test func `what is missing is not found`() async throws {
        try await contract.missingIsNotFound()
    }
    @Test func `creation refuses what is there`() async throws { try await contract.conditions() }
    @Test func `one of many creators wins`() async throws { try await contract.oneCreatorWins() }
    @Test func `a range ends with its object`() async throws { try await contract.ranges() }
    @Test func `a limit holds at its edge`() async throws { try await contract.limitAtItsEdge() }
    @Test func `a listing keeps to its prefix, P-03`() async throws {
        try await contract.listingKeepsToItsPrefix()
    }
    @Test func `odd names survive, P-09 and P-10`() async throws {
        try await contract.oddNamesSurvive()
    }
    @Test func `a long listing has each object once`() async throws {
        try await contract.longListing()
    }
    @Test func `children are one step down`() async throws {
        try await contract.childrenAreOneStepDown()
    }
    @Test func `each removal has its outcome, P-12`() async throws { try await contract.removals() }
    @Test func `outcomes stay with their objects`() async throws {
        try await contract.manyRemovals()
    }
    @Test func `a copy is whole`() async throws { try await contract.copiesAreWhole() }
    @Test func `a copy overwrites nothing`() async throws { try await contract.copiesAreRefused() }
    @Test func `an object in pieces is whole`() async throws {
        try await contract.streamsAreWhole()
    }
    @Test func `creation in pieces refuses what is there`() async throws {
        try await contract.streamConditions()
    }
    @Test func `pieces that stop coming leave nothing`() async throws {
        try await contract.brokenStreamsLeaveNothing()
    }
    @Test func `a cancelled write leaves nothing`() async throws {
        try await contract.cancelledStreamsLeaveNothing()
    }
}

/// The same through a router and `file:` locations, so that nothing on the way changes a name.
@Suite struct RoutedStorageContractTests {
    let scratch: ScratchFolder
    let contract: ObjectStorageContract<FaultyStorage<StorageRouter>>

    init() throws {
        scratch = try ScratchFolder()
        let router = StorageRouter(plainPaths: nil, schemes: ["file": LocalStorage()])
        contract = ObjectStorageContract(
            FaultyStorage(router), root: Location("file://" + scratch.path))
    }

    @Test func `what was written is read`() async throws { try await contract.writtenIsRead() }
    @Test func `creation refuses what is there`() async throws { try await contract.conditions() }
    @Test func `a range ends with its object`() async throws { try await contract.ranges() }
    @Test func `a listing keeps to its prefix, P-03`() async throws {
        try await contract.listingKeepsToItsPrefix()
    }
    @Test func `odd names survive, P-09 and P-10`() async throws {
        try await contract.oddNamesSurvive()
    }
    @Test func `children are one step down`() async throws {
        try await contract.childrenAreOneStepDown()
    }
    @Test func `each removal has its outcome, P-12`() async throws { try await contract.removals() }
    // A faulty storage has no copies of its own, so these go through memory.
    @Test func `a copy is whole`() async throws { try await contract.copiesAreWhole() }
    @Test func `a copy overwrites nothing`() async throws { try await contract.copiesAreRefused() }
    @Test func `an object in pieces is whole`() async throws {
        try await contract.streamsAreWhole()
    }
    @Test func `creation in pieces refuses what is there`() async throws {
        try await contract.streamConditions()
    }
    @Test func `pieces that stop coming leave nothing`() async throws {
        try await contract.brokenStreamsLeaveNothing()
    }
    @Test func `a cancelled write leaves nothing`() async throws {
        try await contract.cancelledStreamsLeaveNothing()
    }
}

/// The copies of a router, which are its stores' own.
@Suite struct RouterCopyTests {
    @Test func `a copy stays in its store, and each has its outcome`() async throws {
        let scratch = try ScratchFolder()
        let router = StorageRouter(
            plainPaths: LocalStorage(), schemes: ["file": LocalStorage()])
        let contract = ObjectStorageContract(router, root: scratch.location)
        try await contract.copiesAreWhole()
        let source = try await router.write(
            [1], to: scratch.appending("x"), condition: .absent)

        let outcomes = await router.copy([
            ObjectCopy(source, to: Location("file://" + scratch.path + "/y")),
            ObjectCopy(source, to: scratch.appending("z")),
        ])

        if case .copied = outcomes[0] { Issue.record("copied to another store") }
        if case .failed(let error) = outcomes[1] { Issue.record("\(error)") }
    }
}
