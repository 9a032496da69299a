// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import Jobs
import Logging
import ObjectStorage
import Synchronization
import TestSupport
import Testing
import WireFormat

@testable import Fleet

@Suite(.timeLimit(.minutes(15))) struct HealthSyncTests {
    private let catalog = TestCatalog()
    private let store = InMemoryJobStore()
    private let clock = Clock()

    private final class Clock: Sendable {
        private let time = Mutex(Timestamp(microseconds: 1_777_127_700_000_000))

        var value: Timestamp {
            get { time.withLock { $0 } }
            set { time.withLock { $0 = newValue } }
        }
    }

    private func sync(
        databases: Set<String>? = nil
    ) throws -> HealthSync<TestCatalog, LocalStorage, InMemoryJobStore> {
        let observer = TableObserver(
            inspector: TableInspector(catalog: catalog, storage: LocalStorage()), store: store,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        return HealthSync(
            observer: observer, store: store, settings: HealthSyncSettings(databases: databases),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            now: { clock.value })
    }

    private func list(
        _ names: [String], faults: [TableIdentifier: CatalogError] = [:]
    ) async throws {
        let identifiers = names.map { TableIdentifier(namespace: ["db"], name: $0) }
        catalog.list(identifiers, faults: faults)
        try await store.replaceCachedTables(
            names.map { CachedTable(name: TableName(database: "db", table: $0)) })
    }

    @Test func `without a listing there is nothing to look at, and it says so`() async throws {
        let sync = try sync()
        await #expect(throws: HealthSyncError.noListing) { try await sync.cycle() }
    }

    @Test func `a table is looked at once, and then only asked for`() async throws {
        try await list(["a", "b"])
        let first = try await sync().cycle()
        #expect(first?.looked == 2)
        clock.value = clock.value.advanced(by: .seconds(60))
        let second = try await sync().cycle()
        #expect(second?.looked == 0)
        #expect(second?.unchanged == 2)

        let kept = try await store.observation(of: TableName(database: "db", table: "a"))
        #expect(kept?.observation.collectedAt == clock.value)
        #expect(try await store.healthHistory(of: nil, limit: 10).count == 2)
    }

    @Test func `one table's failure is kept, and stops none of the others`() async throws {
        try await list(["a", "b"])
        _ = try await sync().cycle()
        let bad = TableIdentifier(namespace: ["db"], name: "a")
        try await list(["a", "b"], faults: [bad: .unavailable(reason: "away")])

        let report = try await sync().cycle()

        #expect(report?.unchanged == 1)
        #expect(report?.failed.count == 1)
        let kept = try await store.observation(of: TableName(database: "db", table: "a"))
        #expect(kept?.lastError?.contains("away") == true)
        let document = CachedDocument(
            try #require(kept), listed: CachedTable(name: TableName(database: "db", table: "a")),
            listedAt: nil,
            staleAfter: nil)
        let collection = document.status?.objectValue?["collection"]?.objectValue
        #expect(collection?["stale"] == true)
        #expect(collection?["source"] == "cached")
    }

    @Test func `a table that could never be read has a verdict, and no status`() async throws {
        let bad = TableIdentifier(namespace: ["db"], name: "a")
        try await list(["a"], faults: [bad: .unavailable(reason: "away")])
        let table = CachedTable(name: TableName(database: "db", table: "a"))

        _ = try await sync().cycle()

        let kept = try #require(try await store.observation(of: table.name))
        let document = CachedDocument(kept, listed: table, listedAt: nil, staleAfter: nil)
        if let status = document.status { Issue.record("\(status)") }
        let health = document.health.objectValue
        #expect(health?["health_status"] == "Unknown")
        #expect(health?["issues"] == [])
        let collection = health?["collection"]?.objectValue
        #expect(collection?["stale"] == true)
        #expect(collection?["last_error"]?.stringValue?.contains("away") == true)
    }

    @Test func `a look that took too long is kept as a failure`() async throws {
        try await list(["a"])
        let name = TableName(database: "db", table: "a")
        // It answers once the look is told to end.
        let (silence, answer) = AsyncStream.makeStream(of: Void.self)
        let silent = TestCatalog { for await _ in silence {} }
        let observer = TableObserver(
            inspector: TableInspector(catalog: silent, storage: LocalStorage()), store: store,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })

        let report = try await HealthSync(
            observer: observer, store: store,
            settings: HealthSyncSettings(databases: nil, limit: .milliseconds(1)),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            now: { clock.value }
        ).cycle()
        answer.finish()

        let reason = try #require(report?.failed[name])
        #expect(reason.contains("took longer"))
        let kept = try #require(try await store.observation(of: name))
        #expect(kept.lastError == reason)
    }

    @Test func `what was seen of a table that is gone stays, and is stale`() async throws {
        try await list(["a"])
        let table = TableName(database: "db", table: "a")
        _ = try await sync().cycle()
        let bad = TableIdentifier(namespace: ["db"], name: "a")
        try await list(["a"], faults: [bad: .noSuchTable(bad)])

        #expect(try await sync().cycle()?.vanished == 1)

        let seen = try #require(try await store.observation(of: table))
        #expect(seen.lastError == "the catalog has no such table any more")
        // And once the listing has noticed, whoever looked last.
        let look = RecordedObservation(
            observation: seen.observation, age: .zero, lastError: nil)
        let collection = CachedDocument(look, listed: nil, listedAt: nil, staleAfter: nil).status?
            .objectValue?[
                "collection"]?.objectValue
        #expect(collection?["stale"] == true)
        #expect(collection?["last_error"] == "the catalog has no such table any more")
    }

    @Test func `young looks and other databases are left alone`() async throws {
        try await list(["a"])
        #expect(try await sync(databases: ["other"]).cycle() == HealthSyncReport())
        _ = try await sync().cycle()
        clock.value = clock.value.advanced(by: .seconds(59))
        #expect(
            try await sync().cycle(unlessYounger: .seconds(60)) == HealthSyncReport())
        clock.value = clock.value.advanced(by: .seconds(1))
        #expect(try await sync().cycle(unlessYounger: .seconds(60))?.unchanged == 1)
    }

    @Test func `one cycle at a time`() async throws {
        try await list(["a"])
        let sync = try sync()
        let inner = try await store.withLock(.healthSync) { try await sync.cycle() }
        #expect(inner == .some(nil))
    }

    @Test func `a look is stale when the listing names another file, or when it is old`() {
        let look = RecordedObservation(
            observation: TableObservation(
                table: TableName(database: "db", table: "a"), metadataLocation: "v1",
                collectedAt: clock.value, status: ["collection": [:]], health: [:]),
            age: .seconds(100), lastError: nil)
        func isStale(
            _ listed: String?, _ limit: Duration?, listedAfter pause: Int = 0
        ) -> JSONValue? {
            CachedDocument(
                look,
                listed: CachedTable(name: look.observation.table, metadataLocation: listed),
                listedAt: clock.value.advanced(by: .seconds(pause)), staleAfter: limit
            ).status?.objectValue?["collection"]?.objectValue?["stale"]
        }
        #expect(isStale(nil, nil) == false)
        #expect(isStale("v1", .seconds(100)) == false)
        #expect(isStale("v1", .seconds(99)) == true)
        #expect(isStale("v2", nil) == true)
        // What was listed before the look says nothing of it.
        #expect(isStale("v2", nil, listedAfter: -1) == false)
    }
}
