// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import TestSupport
import Testing

/// `icepack maintain` with a store and without a service.
@Suite struct MaintainTests {
    @Test(.timeLimit(.minutes(15)))
    func `what it reports as failed does not wait to run later`() async throws {
        let folder = try Product.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = folder.appendingPathComponent("store.db").path
        let product = Product(
            environment: [
                "ICEPACK_STORE": "sqlite:\(store)", "ICEPACK_CATALOG_TYPE": "sql",
                // Nobody listens there, which is a fault that may pass.
                "ICEPACK_CATALOG_URI": "postgres://icepack@127.0.0.1:1/none",
            ], folder: folder)

        let outcome = try await product.run(
            "maintain", "demo.events", "--action", "expire_snapshots", "--json")

        #expect(outcome.code == 1, "\(outcome.errors)")
        let database = try DatabaseQueue(path: store)
        let (statuses, locks) = try await database.read { database in
            (
                try String.fetchAll(database, sql: "SELECT status FROM jobs"),
                try Int.fetchOne(database, sql: "SELECT count(*) FROM table_locks")
            )
        }
        #expect(statuses == ["failed"])
        #expect(locks == 0)
    }
}
