// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// The lifecycle's invariants over the store in memory.
@Suite struct InvariantTests {
    private typealias Invariants = LifecycleInvariants<InMemoryJobStore>

    private func fresh() -> StoreUnderTest<InMemoryJobStore> {
        let store = InMemoryJobStore()
        return StoreUnderTest(store: store) { store.advance(by: $0) }
    }

    @Test func `invariant 1: at most one attempt settles a job`() async throws {
        try await Invariants.oneAttemptSettles(fresh())
    }

    @Test func `invariant 2: every write names its attempt`() async throws {
        try await Invariants.everyWriteIsFenced(fresh())
    }

    @Test func `invariant 3: a table has one live job and its lock one holder`() async throws {
        try await Invariants.oneLiveJobPerTable(fresh())
    }

    @Test func `invariant 4: a submitted job is never lost`() async throws {
        try await Invariants.noJobIsLost(fresh())
    }

    @Test func `invariant 5: a worker without its fence changes nothing`() async throws {
        try await Invariants.withoutFenceNothingChanges(fresh())
    }

    @Test func `invariant 6: leases are judged by the store's clock`() async throws {
        try await Invariants.theStoresClockJudges(fresh())
    }

    @Test func `invariant 7: deleted jobs stay, out of normal reads`() async throws {
        try await Invariants.deletedJobsStayHidden(fresh())
    }
}
