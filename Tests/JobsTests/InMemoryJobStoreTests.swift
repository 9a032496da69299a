// SPDX-License-Identifier: Apache-2.0

import Jobs
import TestSupport
import Testing

@Suite struct InMemoryJobStoreTests {
    @Test(arguments: JobStoreContract<InMemoryJobStore>.rules)
    func `the contract holds`(rule: JobStoreRule<InMemoryJobStore>) async throws {
        let store = InMemoryJobStore()

        try await rule.check(StoreUnderTest(store: store) { store.advance(by: $0) })
    }
}
