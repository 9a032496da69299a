// SPDX-License-Identifier: Apache-2.0

import SQLiteStore
import TestSupport
import Testing

/// The lifecycle's invariants over SQLite.
///
/// Each fails when its guard in the store is removed.
@Suite struct SQLiteInvariantTests {
    private typealias Invariants = LifecycleInvariants<SQLiteStore>

    private func withStore(
        _ check: (StoreUnderTest<SQLiteStore>) async throws -> Void
    ) async throws {
        try await withSQLiteFile { file in
            let store = try await file.migrated()
            try await check(StoreUnderTest(store: store) { file.time.advance(by: $0) })
            await store.shutdown()
        }
    }

    @Test func `invariant 1: at most one attempt settles a job`() async throws {
        try await withStore { try await Invariants.oneAttemptSettles($0) }
    }

    @Test func `invariant 2: every write names its attempt`() async throws {
        try await withStore { try await Invariants.everyWriteIsFenced($0) }
    }

    @Test func `invariant 3: a table has one live job and its lock one holder`() async throws {
        try await withStore { try await Invariants.oneLiveJobPerTable($0) }
    }

    @Test func `invariant 4: a submitted job is never lost`() async throws {
        try await withStore { try await Invariants.noJobIsLost($0) }
    }

    @Test func `invariant 5: a worker without its fence changes nothing`() async throws {
        try await withStore { try await Invariants.withoutFenceNothingChanges($0) }
    }

    @Test func `invariant 6: leases are judged by the store's clock`() async throws {
        try await withStore { try await Invariants.theStoresClockJudges($0) }
    }

    @Test func `invariant 7: deleted jobs stay, out of normal reads`() async throws {
        try await withStore { try await Invariants.deletedJobsStayHidden($0) }
    }
}
