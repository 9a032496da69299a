// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import S3Storage
import StorageTestSupport
import TestSupport
import Testing

/// The contract of every storage, over each real server that is there.
@Suite struct S3ContractTests {
    /// The servers, without Ceph unless it was asked for.
    static let servers = S3Server.Kind.allCases.filter { S3Server.isAvailable($0) }
    /// Those that keep to `If-None-Match`.
    static let strict = servers.filter { $0 != .rclone }

    private func contract(
        _ kind: S3Server.Kind
    ) async throws -> ObjectStorageContract<S3Storage> {
        let store = try await TestStore(kind)
        return ObjectStorageContract(store.storage, root: store.root.appending("contract"))
    }

    @Test(arguments: servers) func `what was written is read`(kind: S3Server.Kind) async throws {
        try await contract(kind).writtenIsRead()
    }
    @Test(arguments: servers) func `an object may be empty`(kind: S3Server.Kind) async throws {
        try await contract(kind).emptyObject()
    }
    @Test(arguments: servers) func `what is missing is not found`(
        kind: S3Server.Kind
    ) async throws {
        try await contract(kind).missingIsNotFound()
    }
    @Test(arguments: servers) func `creation refuses what is there`(
        kind: S3Server.Kind
    ) async throws {
        try await contract(kind).conditions()
    }
    @Test(arguments: strict) func `one of many creators wins`(kind: S3Server.Kind) async throws {
        try await contract(kind).oneCreatorWins()
    }
    @Test(arguments: servers) func `a range ends with its object`(
        kind: S3Server.Kind
    ) async throws {
        try await contract(kind).ranges()
    }
    @Test(arguments: servers) func `a limit holds at its edge`(kind: S3Server.Kind) async throws {
        try await contract(kind).limitAtItsEdge()
    }
    @Test(arguments: servers) func `a listing keeps to its prefix, P-03`(
        kind: S3Server.Kind
    ) async throws {
        try await contract(kind).listingKeepsToItsPrefix()
    }
    @Test(arguments: servers) func `odd names survive, P-09 and P-10`(
        kind: S3Server.Kind
    ) async throws {
        try await contract(kind).oddNamesSurvive()
    }
    @Test(arguments: servers) func `a long listing has each object once`(
        kind: S3Server.Kind
    ) async throws {
        try await contract(kind).longListing()
    }
    @Test(arguments: servers) func `children are one step down`(kind: S3Server.Kind) async throws {
        try await contract(kind).childrenAreOneStepDown()
    }
    @Test(arguments: servers) func `each removal has its outcome, P-12`(
        kind: S3Server.Kind
    ) async throws {
        try await contract(kind).removals()
    }
    @Test(arguments: servers) func `outcomes stay with their objects`(
        kind: S3Server.Kind
    ) async throws {
        try await contract(kind).manyRemovals()
    }
    @Test(arguments: servers) func `copies are whole and their sources stay`(
        kind: S3Server.Kind
    ) async throws {
        try await contract(kind).copiesAreWhole()
    }
    @Test(arguments: servers) func `copies never replace, and only of what was seen`(
        kind: S3Server.Kind
    ) async throws {
        try await contract(kind).copiesAreRefused()
    }
    @Test(arguments: servers) func `an object in pieces is whole`(
        kind: S3Server.Kind
    ) async throws {
        try await contract(kind).streamsAreWhole()
    }
    @Test(arguments: servers) func `creation in pieces refuses what is there`(
        kind: S3Server.Kind
    ) async throws {
        try await contract(kind).streamConditions()
    }
    @Test(arguments: servers) func `pieces that stop coming leave nothing`(
        kind: S3Server.Kind
    ) async throws {
        let store = try await TestStore(kind)
        let root = store.root.appending("contract")
        try await ObjectStorageContract(store.storage, root: root).brokenStreamsLeaveNothing()
        #expect(try await store.openUploads() == 0)
    }
    @Test(arguments: servers) func `a cancelled write leaves nothing`(
        kind: S3Server.Kind
    ) async throws {
        let store = try await TestStore(kind)
        let root = store.root.appending("contract")
        try await ObjectStorageContract(store.storage, root: root).cancelledStreamsLeaveNothing()
        #expect(try await store.openUploads() == 0)
    }
}
