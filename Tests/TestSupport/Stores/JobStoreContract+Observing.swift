// SPDX-License-Identifier: Apache-2.0

import Jobs
import Testing
import WireFormat

/// What tables looked like, as it is kept.
extension JobStoreContract {
    private static func look(
        _ table: TableName = .orders, at metadata: String = "v1", _ second: Int64 = 10,
        health: String = "Healthy"
    ) -> TableObservation {
        TableObservation(
            table: table, metadataLocation: metadata,
            collectedAt: time(second),
            // In the order of JSONB, which is by length.
            status: ["text": "it's \u{1F9CA}", "second": .integer(second)],
            health: ["health_status": .string(health)])
    }

    static var observing: [Rule] {
        [neverLooked, neverRead, oneForEachFile, movingOn, failing, identities]
    }

    private static var neverLooked: Rule {
        Rule("what was never looked at has no look") { test in
            #expect(try await test.store.observation(of: .orders) == nil)
            #expect(try await test.store.observationTimes().isEmpty)
            try await test.store.recordFailure(of: .orders, reason: "away", without: nil)
            #expect(try await test.store.observation(of: .orders) == nil)
            #expect(try await test.store.healthHistory(of: nil, limit: 10).isEmpty)
        }
    }

    private static var neverRead: Rule {
        Rule("what could never be read says so, until it is read") { test in
            let store = test.store
            let nothing = look(at: "", 20, health: "Unknown")
            try await store.recordFailure(of: .orders, reason: "gone", without: nothing)
            try await store.recordFailure(of: .orders, reason: "still gone", without: nothing)

            let kept = try await store.observation(of: .orders)
            #expect(kept?.observation == nothing)
            #expect(kept?.lastError == "still gone")
            #expect(try await store.healthHistory(of: .orders, limit: 10).count == 1)
            #expect(try await store.observationTimes() == [.orders: time(20)])

            try await store.record(look(at: "v1", 30))
            let read = try await store.observation(of: .orders)
            #expect(read?.observation == look(at: "v1", 30))
            #expect(read?.lastError == nil)
        }
    }

    private static var identities: Rule {
        Rule("a name is its table's since another one had it") { test in
            let store = test.store
            #expect(try await store.firstSeen(.orders, uuid: "a") == nil)
            #expect(try await store.firstSeen(.visits, uuid: "b") == nil)
            let first = try await store.firstSeen(.orders, uuid: "b")
            let since = try #require(first)
            #expect(try await store.firstSeen(.orders, uuid: "b") == since)
            #expect(try await store.firstSeen(.visits, uuid: "b") == nil)
            let job = try await test.accept()
            #expect(job.submittedAt >= since)
        }
    }

    private static var oneForEachFile: Rule {
        Rule("a look is kept, one for each metadata file") { test in
            try await test.store.record(look())
            try await test.store.record(look(.visits, at: "w1", 5))
            #expect(try await test.store.observation(of: .orders)?.observation == look())

            try await test.store.record(look(at: "v1", 20, health: "Warning"))
            try await test.store.record(look(at: "v2", 30, health: "Critical"))
            try await test.store.record(look(at: "v2", 30, health: "Critical"))

            let last = try await test.store.observation(of: .orders)
            #expect(last?.observation == look(at: "v2", 30, health: "Critical"))
            #expect(last?.lastError == nil)
            let history = try await test.store.healthHistory(of: .orders, limit: 10)
            let expected: [JSONValue] = ["Critical", "Warning"]
            #expect(history.map { $0.health.objectValue?["health_status"] ?? .null } == expected)
            let all = try await test.store.healthHistory(of: nil, limit: 10).map(\.table)
            let tables: [TableName] = [.orders, .orders, .visits]
            #expect(all == tables)
            #expect(try await test.store.healthHistory(of: nil, limit: 1).count == 1)
            #expect(try await test.store.healthHistory(of: nil, limit: 0).isEmpty)
            let times = try await test.store.observationTimes()
            let latest: [TableName: Timestamp] = [.orders: time(30), .visits: time(5)]
            #expect(times == latest)
        }
    }

    private static var movingOn: Rule {
        Rule("an unchanged table's look moves on, and a changed one's does not") { test in
            let store = test.store
            try await store.record(look())
            let later = time(40)
            #expect(
                try await store.confirmObservation(
                    of: .orders, metadataLocation: "v2", at: later) == false)
            #expect(
                try await store.confirmObservation(
                    of: .visits, metadataLocation: "v1", at: later) == false)
            #expect(
                try await store.confirmObservation(
                    of: .orders, metadataLocation: "v1", at: later))
            #expect(
                try await store.confirmObservation(
                    of: .orders, metadataLocation: "v1", at: time(20)))
            let last = try await store.observation(of: .orders)
            #expect(last?.observation.collectedAt == later, "time never goes back")
            #expect(last?.observation.status == look().status)
        }
    }

    private static var failing: Rule {
        Rule("a failure stands beside the last good look until the next") { test in
            let store = test.store
            try await store.record(look())
            try await store.recordFailure(
                of: .orders, reason: "no\0such file", without: look(at: "", 20, health: "Unknown"))
            let failed = try await store.observation(of: .orders)
            #expect(failed?.observation == look())
            #expect(failed?.lastError?.hasPrefix("no") == true)
            #expect(
                try await store.healthHistory(of: .orders, limit: 1).first?.lastError != nil)
            #expect(
                try await store.confirmObservation(
                    of: .orders, metadataLocation: "v1", at: time(40)) == false,
                "after a failure only a look will do")

            try await store.record(look(at: "v1", 50))
            #expect(try await store.observation(of: .orders)?.lastError == nil)
        }
    }

    private static func time(_ second: Int64) -> Timestamp {
        Timestamp(microseconds: 1_777_127_700_000_000 + second * 1_000_000)
    }
}
