// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import SQLCatalog

@Suite struct FileSystemCatalogContractTests {
    private func contract() throws -> CatalogContract<FileSystemBed> {
        CatalogContract(bed: try FileSystemBed())
    }

    @Test func `tables are listed in order, broken ones too`() async throws {
        try await contract().lists()
    }
    @Test func `a missing table is said to be missing`() async throws {
        try await contract().missingTable()
    }
    @Test func `a commit is what the next reader finds`() async throws {
        try await contract().commits()
    }
    @Test func `nothing to change is no commit`() async throws {
        try await contract().emptyCommit()
    }
    @Test func `a guard that closes before the commit keeps it out, P-33`() async throws {
        try await contract().closedGuard()
    }
    @Test func `a stale base is a conflict`() async throws {
        try await contract().staleBase()
    }
    @Test func `what does not hold or fit changes nothing`() async throws {
        try await contract().refusals()
    }
    @Test func `one of many concurrent commits gets in`() async throws {
        try await contract().concurrentCommitters()
    }
    @Test func `a failing storage leaves a whole table, P-30`() async throws {
        try await contract().faults()
    }
    @Test func `a passing fault is not a broken table`() async throws {
        try await contract().passingFault()
    }
    @Test func `metadata is compressed where the table asks for it`() async throws {
        try await contract().compressedMetadata()
    }
    @Test func `dropped metadata files go where the table wants it, P-19`() async throws {
        try await contract().droppedMetadata()
    }
    @Test func `no metadata file goes where gc is disabled, P-15`() async throws {
        try await contract().keptMetadata()
    }
}

@Suite struct SQLiteV0CatalogContractTests {
    private func contract() throws -> CatalogContract<SQLiteBed> {
        CatalogContract(bed: try SQLiteBed(.v0))
    }

    @Test func `tables are listed in order, broken ones too`() async throws {
        try await contract().lists()
    }
    @Test func `a missing table is said to be missing`() async throws {
        try await contract().missingTable()
    }
    @Test func `a commit is what the next reader finds`() async throws {
        try await contract().commits()
    }
    @Test func `nothing to change is no commit`() async throws {
        try await contract().emptyCommit()
    }
    @Test func `a guard that closes before the commit keeps it out, P-33`() async throws {
        try await contract().closedGuard()
    }
    @Test func `a stale base is a conflict`() async throws {
        try await contract().staleBase()
    }
    @Test func `what does not hold or fit changes nothing`() async throws {
        try await contract().refusals()
    }
    @Test func `one of many concurrent commits gets in`() async throws {
        try await contract().concurrentCommitters()
    }
    @Test func `a failing storage leaves a whole table, P-30`() async throws {
        try await contract().faults()
    }
    @Test func `a passing fault is not a broken table`() async throws {
        try await contract().passingFault()
    }
    @Test func `metadata is compressed where the table asks for it`() async throws {
        try await contract().compressedMetadata()
    }
    @Test func `dropped metadata files go where the table wants it, P-19`() async throws {
        try await contract().droppedMetadata()
    }
    @Test func `no metadata file goes where gc is disabled, P-15`() async throws {
        try await contract().keptMetadata()
    }
}

@Suite struct SQLiteV1CatalogContractTests {
    private func contract() throws -> CatalogContract<SQLiteBed> {
        CatalogContract(bed: try SQLiteBed(.v1))
    }

    @Test func `tables are listed in order, broken ones too`() async throws {
        try await contract().lists()
    }
    @Test func `a missing table is said to be missing`() async throws {
        try await contract().missingTable()
    }
    @Test func `a commit is what the next reader finds`() async throws {
        try await contract().commits()
    }
    @Test func `nothing to change is no commit`() async throws {
        try await contract().emptyCommit()
    }
    @Test func `a guard that closes before the commit keeps it out, P-33`() async throws {
        try await contract().closedGuard()
    }
    @Test func `a stale base is a conflict`() async throws {
        try await contract().staleBase()
    }
    @Test func `what does not hold or fit changes nothing`() async throws {
        try await contract().refusals()
    }
    @Test func `one of many concurrent commits gets in`() async throws {
        try await contract().concurrentCommitters()
    }
    @Test func `a failing storage leaves a whole table, P-30`() async throws {
        try await contract().faults()
    }
    @Test func `a passing fault is not a broken table`() async throws {
        try await contract().passingFault()
    }
    @Test func `metadata is compressed where the table asks for it`() async throws {
        try await contract().compressedMetadata()
    }
    @Test func `dropped metadata files go where the table wants it, P-19`() async throws {
        try await contract().droppedMetadata()
    }
    @Test func `no metadata file goes where gc is disabled, P-15`() async throws {
        try await contract().keptMetadata()
    }
}

@Suite(.enabled(if: PostgresCluster.isAvailable)) struct PostgresV0CatalogContractTests {
    private func contract() async throws -> CatalogContract<PostgresBed> {
        CatalogContract(bed: try await PostgresBed(.v0))
    }

    @Test func `tables are listed in order, broken ones too`() async throws {
        try await contract().lists()
    }
    @Test func `a missing table is said to be missing`() async throws {
        try await contract().missingTable()
    }
    @Test func `a commit is what the next reader finds`() async throws {
        try await contract().commits()
    }
    @Test func `nothing to change is no commit`() async throws {
        try await contract().emptyCommit()
    }
    @Test func `a guard that closes before the commit keeps it out, P-33`() async throws {
        try await contract().closedGuard()
    }
    @Test func `a stale base is a conflict`() async throws {
        try await contract().staleBase()
    }
    @Test func `what does not hold or fit changes nothing`() async throws {
        try await contract().refusals()
    }
    @Test func `one of many concurrent commits gets in`() async throws {
        try await contract().concurrentCommitters()
    }
    @Test func `a failing storage leaves a whole table, P-30`() async throws {
        try await contract().faults()
    }
    @Test func `a passing fault is not a broken table`() async throws {
        try await contract().passingFault()
    }
    @Test func `metadata is compressed where the table asks for it`() async throws {
        try await contract().compressedMetadata()
    }
    @Test func `dropped metadata files go where the table wants it, P-19`() async throws {
        try await contract().droppedMetadata()
    }
    @Test func `no metadata file goes where gc is disabled, P-15`() async throws {
        try await contract().keptMetadata()
    }
}

@Suite(.enabled(if: PostgresCluster.isAvailable)) struct PostgresV1CatalogContractTests {
    private func contract() async throws -> CatalogContract<PostgresBed> {
        CatalogContract(bed: try await PostgresBed(.v1))
    }

    @Test func `tables are listed in order, broken ones too`() async throws {
        try await contract().lists()
    }
    @Test func `a missing table is said to be missing`() async throws {
        try await contract().missingTable()
    }
    @Test func `a commit is what the next reader finds`() async throws {
        try await contract().commits()
    }
    @Test func `nothing to change is no commit`() async throws {
        try await contract().emptyCommit()
    }
    @Test func `a guard that closes before the commit keeps it out, P-33`() async throws {
        try await contract().closedGuard()
    }
    @Test func `a stale base is a conflict`() async throws {
        try await contract().staleBase()
    }
    @Test func `what does not hold or fit changes nothing`() async throws {
        try await contract().refusals()
    }
    @Test func `one of many concurrent commits gets in`() async throws {
        try await contract().concurrentCommitters()
    }
    @Test func `a failing storage leaves a whole table, P-30`() async throws {
        try await contract().faults()
    }
    @Test func `a passing fault is not a broken table`() async throws {
        try await contract().passingFault()
    }
    @Test func `metadata is compressed where the table asks for it`() async throws {
        try await contract().compressedMetadata()
    }
    @Test func `dropped metadata files go where the table wants it, P-19`() async throws {
        try await contract().droppedMetadata()
    }
    @Test func `no metadata file goes where gc is disabled, P-15`() async throws {
        try await contract().keptMetadata()
    }
}
