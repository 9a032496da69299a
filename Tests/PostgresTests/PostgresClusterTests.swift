// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@Suite(.enabled(if: PostgresCluster.isAvailable)) struct PostgresClusterTests {
    @Test func `a cluster starts and serves fresh databases`() async throws {
        let cluster = try await PostgresCluster.shared()

        let first = try await cluster.createDatabase()
        let second = try await cluster.createDatabase()

        #expect(first != second)
        #expect(try await cluster.execute("SELECT 1 + 1", database: "postgres") == "2\n")
    }
}
