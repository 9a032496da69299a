// SPDX-License-Identifier: Apache-2.0

import Jobs
import Postgres
import PostgresStore
import TestSupport
import Testing

@Suite(.enabled(if: PostgresCluster.isAvailable)) struct PostgresStoreTests {
    @Test(arguments: JobStoreContract<PostgresStore>.rules)
    func `the contract holds`(rule: JobStoreRule<PostgresStore>) async throws {
        try await withStore { store, clock in
            try await rule.check(StoreUnderTest(store: store) { try await clock.advance(by: $0) })
        }
    }
}
