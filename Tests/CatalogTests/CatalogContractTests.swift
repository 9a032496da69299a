// SPDX-License-Identifier: Apache-2.0

import Testing

/// The contract of catalogs, asked of each kind.
@Suite struct CatalogContractTests {
    private func contract(_ kind: CatalogKind) async throws -> CatalogContract {
        CatalogContract(bed: try await kind.bed())
    }

    @Test(arguments: CatalogKind.allCases)
    func `tables are listed in order, broken ones too`(kind: CatalogKind) async throws {
        try await contract(kind).lists()
    }
    @Test(arguments: CatalogKind.allCases)
    func `a missing table is said to be missing`(kind: CatalogKind) async throws {
        try await contract(kind).missingTable()
    }
    @Test(arguments: CatalogKind.allCases)
    func `a commit is what the next reader finds`(kind: CatalogKind) async throws {
        try await contract(kind).commits()
    }
    @Test(arguments: CatalogKind.allCases)
    func `nothing to change is no commit`(kind: CatalogKind) async throws {
        try await contract(kind).emptyCommit()
    }
    @Test(arguments: CatalogKind.allCases)
    func `a guard that closes before the commit keeps it out, P-33`(kind: CatalogKind) async throws
    {
        try await contract(kind).closedGuard()
    }
    @Test(arguments: CatalogKind.allCases)
    func `a stale base is a conflict`(kind: CatalogKind) async throws {
        try await contract(kind).staleBase()
    }
    @Test(arguments: CatalogKind.allCases)
    func `what does not hold or fit changes nothing`(kind: CatalogKind) async throws {
        try await contract(kind).refusals()
    }
    @Test(arguments: CatalogKind.writers)
    func `one of many concurrent commits gets in`(kind: CatalogKind) async throws {
        try await contract(kind).concurrentCommitters()
    }
    @Test(arguments: CatalogKind.pointers)
    func `a metadata file is noted before it is written and until it is settled, P-30`(
        kind: CatalogKind
    ) async throws {
        try await contract(kind).notes()
    }
    @Test(arguments: CatalogKind.writers)
    func `a failing storage leaves a whole table, P-30`(kind: CatalogKind) async throws {
        try await contract(kind).faults()
    }
    @Test(arguments: CatalogKind.writers)
    func `a passing fault is not a broken table`(kind: CatalogKind) async throws {
        try await contract(kind).passingFault()
    }
    @Test(arguments: CatalogKind.writers)
    func `metadata is compressed where the table asks for it`(kind: CatalogKind) async throws {
        try await contract(kind).compressedMetadata()
    }
    @Test(arguments: CatalogKind.writers)
    func `dropped metadata files go where the table wants it, P-19`(kind: CatalogKind) async throws
    {
        try await contract(kind).droppedMetadata()
    }
    @Test(arguments: CatalogKind.writers)
    func `no metadata file goes where gc is disabled, P-15`(kind: CatalogKind) async throws {
        try await contract(kind).keptMetadata()
    }
}
