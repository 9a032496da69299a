// SPDX-License-Identifier: Apache-2.0

import Postgres
import Synchronization
import TestSupport
import Testing

@Suite(.enabled(if: PostgresCluster.isAvailable)) struct ListenerTests {
    /// What a listener has reported so far.
    final class Record: Sendable {
        private let events = Mutex<[PostgresListener.Event]>([])
        func add(_ event: PostgresListener.Event) { events.withLock { $0.append(event) } }
        var all: [PostgresListener.Event] { events.withLock { $0 } }
        var connections: Int { all.count { $0 == .connected } }
    }

    private func listening(
        _ channels: [String], _ body: (PostgresPool, Record) async throws -> Void
    ) async throws {
        try await withPool { pool in
            let record = Record()
            let listener = PostgresListener(pool.configuration, channels: channels) {
                record.add($0)
            }
            #expect(try await eventually { record.connections == 1 })
            try await body(pool, record)
            await listener.close()
        }
    }

    @Test func `notifications on the channels arrive, others do not`() async throws {
        try await listening(["odd \"name\"", "plain"]) { pool, record in
            try await pool.query("SELECT pg_notify('other', 'no')")
            try await pool.query("SELECT pg_notify('odd \"name\"', 'é')")
            try await pool.query("SELECT pg_notify('plain', '')")

            let wanted: [PostgresListener.Event] = [
                .connected, .notification(channel: "odd \"name\"", payload: "é"),
                .notification(channel: "plain", payload: ""),
            ]
            #expect(try await eventually { record.all.count >= 3 })
            #expect(record.all == wanted)
        }
    }

    @Test func `a listener whose connection is cut comes back and says so`() async throws {
        try await listening(["c"]) { pool, record in
            try await pool.query(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE query LIKE 'LISTEN%' AND datname = current_database()
                """)

            #expect(try await eventually { record.connections == 2 })
            try await pool.query("SELECT pg_notify('c', 'after')")

            #expect(
                try await eventually {
                    record.all.last == .notification(channel: "c", payload: "after")
                })
            let hasLost = record.all.contains {
                if case .disconnected = $0 { true } else { false }
            }
            #expect(hasLost)
        }
    }

    @Test func `a listener without a server keeps trying until it is closed`() async throws {
        let record = Record()
        let nowhere = PostgresConfiguration(
            host: "127.0.0.1", port: 1, database: "none", user: "nobody")
        let listener = PostgresListener(nowhere, channels: ["c"]) { record.add($0) }

        #expect(try await eventually { record.all.count >= 3 })
        await listener.close()

        let count = record.all.count
        #expect(record.connections == 0)
        #expect(record.all.count == count)
    }
}
