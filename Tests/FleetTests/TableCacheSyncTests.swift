// SPDX-License-Identifier: Apache-2.0

import Fleet
import IcebergCatalog
import Jobs
import Logging
import ServiceLifecycle
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(15))) struct TableCacheSyncTests {
    private let cache = InMemoryJobStore()
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func sync(_ catalog: TestCatalog) -> TableCacheSync<TestCatalog, InMemoryJobStore> {
        TableCacheSync(catalog: catalog, cache: cache, logger: Self.logger)
    }

    private static func table(_ dotted: String) -> TableIdentifier {
        let parts = dotted.split(separator: ".").map(String.init)
        return TableIdentifier(namespace: parts.dropLast(), name: parts.last ?? "")
    }

    private func report(_ outcome: TableCacheSyncOutcome) throws -> TableCacheSyncReport {
        guard case .synced(let report) = outcome else {
            Issue.record("not synced: \(outcome)")
            return TableCacheSyncReport()
        }
        return report
    }

    @Test func `every table is cached with what steers its maintenance`() async throws {
        let catalog = TestCatalog()
        catalog.list([Self.table("lake.raw.events"), Self.table("a.b")])

        let report = try report(await sync(catalog).sync())

        #expect(report == TableCacheSyncReport(tableCount: 2))
        let tables = try await cache.cachedTables(database: nil)
        #expect(tables.map(\.name.description) == ["a.b", "lake.raw.events"])
        let events = try #require(tables.last)
        #expect(events.location == "file:/lake.raw.events")
        #expect(events.metadataLocation == "file:/lake.raw.events/v1.json")
        #expect(events.formatVersion == 2)
        #expect(events.tableUUID == "9c12d441-03fe-4693-9a96-a0705ddf69c1")
        #expect(
            events.properties == [
                "gc.enabled": "false", "icepack.maintenance_enabled": "true",
                "history.expire.max-snapshot-age-ms": "1",
            ])
        #expect(events.error == nil)
    }

    @Test func `a table that cannot be read keeps what was known and stops none of the others`()
        async throws
    {
        let catalog = TestCatalog()
        let bad = Self.table("a.bad")
        catalog.list([bad, Self.table("a.good")])
        _ = try await sync(catalog).sync()

        let fault = CatalogError.unreadableTable(bad, reason: "torn")
        let new = Self.table("a.new")
        catalog.list(
            [bad, new, Self.table("a.other")],
            faults: [bad: fault, new: .unavailable(reason: "away")])
        let report = try report(await sync(catalog).sync())

        #expect(Set(report.unreadable.keys.map(\.table)) == ["bad", "new"])
        let tables = try await cache.cachedTables(database: "a")
        #expect(tables.map(\.name.table) == ["bad", "new", "other"])
        #expect(tables[0].location == "file:/a.bad")
        #expect(tables[0].error == "a.bad cannot be read: torn")
        #expect(tables[1].location == nil)
        #expect(tables[1].error != nil)
        #expect(tables[2].error == nil)
    }

    @Test func `a table that is listed twice is one table`() async throws {
        let catalog = TestCatalog()
        catalog.list([Self.table("a.b"), Self.table("a.c"), Self.table("a.b")])

        let report = try report(await sync(catalog).sync())

        #expect(report == TableCacheSyncReport(tableCount: 2))
        let tables = try await cache.cachedTables(database: nil)
        #expect(tables.map(\.name.description) == ["a.b", "a.c"])
    }

    @Test func `what was known is asked for only where a table cannot be read`() async throws {
        let catalog = TestCatalog()
        let bad = Self.table("a.bad")
        let all = [bad, Self.table("a.good"), Self.table("a.new")]
        catalog.list(Array(all.prefix(2)))
        _ = try await sync(catalog).sync()
        #expect(!cache.calls.contains(.cachedTable))

        catalog.list(all, faults: [bad: .unavailable(reason: "away")])
        _ = try await sync(catalog).sync()

        #expect(cache.calls.count { $0 == .cachedTable } == 1)
        #expect(!cache.calls.contains(.cachedTables))
    }

    @Test func `a sync that cannot ask for what was known changes nothing`() async throws {
        let catalog = TestCatalog()
        let bad = Self.table("a.bad")
        catalog.list([bad, Self.table("a.good")])
        _ = try await sync(catalog).sync()
        catalog.list([bad], faults: [bad: .unavailable(reason: "away")])
        cache.inject(.every(.cachedTable, .beforeEffect))

        await #expect(
            throws: TableCacheSyncError.store(
                .unavailable(reason: "injected before cachedTable"))
        ) { try await sync(catalog).sync() }

        cache.inject(.none)
        #expect(try await cache.cachedTables(database: nil).count == 2)
    }

    @Test func `names that the API cannot say without doubt are left out and reported`()
        async throws
    {
        let catalog = TestCatalog()
        let odd = [
            TableIdentifier(namespace: ["a b"], name: "t"),
            TableIdentifier(namespace: ["a.b"], name: "t"),
            TableIdentifier(namespace: [], name: "t"),
            TableIdentifier(namespace: ["a"], name: "t.u"),
            TableIdentifier(namespace: ["a"], name: String(repeating: "t", count: 256)),
        ]
        let plain = TableIdentifier(namespace: ["a", "b"], name: "t")
        catalog.list(odd + [plain])

        let report = try report(await sync(catalog).sync())

        #expect(report.unnameable == odd)
        #expect(report.tableCount == 1)
        let name = TableName(database: "a.b", table: "t")
        #expect(try await cache.cachedTable(name) != nil)
        #expect(TableIdentifier(name) == plain)
    }

    @Test func `a table dropped between the listing and its load is left out`() async throws {
        let catalog = TestCatalog()
        let gone = Self.table("a.gone")
        catalog.list([gone, Self.table("a.t")], faults: [gone: .noSuchTable(gone)])

        let report = try report(await sync(catalog).sync())

        #expect(report.vanished == [TableName(database: "a", table: "gone")])
        #expect(report.tableCount == 1)
    }

    @Test func `a listing that is empty all at once is believed only after a while`() async throws {
        let catalog = TestCatalog()
        catalog.list([Self.table("a.t"), Self.table("a.u")])
        _ = try await sync(catalog).sync()
        catalog.list([])

        await #expect(throws: TableCacheSyncError.self) { try await sync(catalog).sync() }
        #expect(try await cache.cachedTables(database: nil).count == 2)

        cache.advance(by: TableCacheSync<TestCatalog, InMemoryJobStore>.emptyListingPatience)
        #expect(try report(await sync(catalog).sync()).tableCount == 0)
        #expect(try await cache.cachedTables(database: nil).isEmpty)
    }

    @Test(arguments: [true, false])
    func `a sync that fails keeps the last list`(inCatalog: Bool) async throws {
        let catalog = TestCatalog()
        catalog.list([Self.table("a.t")])
        _ = try await sync(catalog).sync()

        let expected: TableCacheSyncError
        if inCatalog {
            catalog.failListing(.unavailable(reason: "away"))
            expected = .catalog(.unavailable(reason: "away"))
        } else {
            catalog.list([Self.table("a.u")])
            cache.inject(.every(.replaceCachedTables, .beforeEffect))
            expected = .store(.unavailable(reason: "injected before replaceCachedTables"))
        }

        await #expect(throws: expected) { try await sync(catalog).sync() }
        cache.inject(.none)
        #expect(try await cache.cachedTables(database: nil).count == 1)
    }

    @Test func `no more than eight tables are loaded at once`() async throws {
        let (open, opener) = AsyncStream<Void>.makeStream()
        let shared = Gate(open)
        let catalog = TestCatalog { await shared.pass() }
        catalog.list((0..<40).map { Self.table("a.t\($0)") })
        let running = sync(catalog)

        async let outcome = running.sync()
        try await eventually("eight are loading") { catalog.mostLoading == 8 }
        opener.finish()

        #expect(try report(await outcome).tableCount == 40)
        #expect(catalog.mostLoading == 8)
    }

    @Test func `a table that takes too long counts as unreadable`() async throws {
        let catalog = TestCatalog {
            let (never, _) = AsyncStream<Void>.makeStream()
            for await _ in never {}
        }
        catalog.list([Self.table("a.slow")])
        let sync = TableCacheSync(
            catalog: catalog, cache: cache, loadLimit: .milliseconds(10), logger: Self.logger)

        let report = try report(await sync.sync())

        #expect(report.unreadable.count == 1)
        #expect(report.tableCount == 1)
    }

    @Test func `one sync runs at a time and a fresh list is not made again`() async throws {
        let catalog = TestCatalog()
        catalog.list([Self.table("a.t")])
        let sync = sync(catalog)

        let inner = try await cache.withLock(.tableSync) { try await sync.sync() }
        #expect(inner == .busyElsewhere)
        _ = try await sync.sync(unlessYounger: .seconds(10))
        #expect(try await sync.sync(unlessYounger: .seconds(10)) == .fresh)
        cache.advance(by: .seconds(10))
        _ = try report(await sync.sync(unlessYounger: .seconds(10)))
        #expect(catalog.lists == 2)
    }

    @Test func `the service syncs at once, again at its interval, and ends when told`() async throws
    {
        let catalog = TestCatalog()
        catalog.list([Self.table("a.t")])
        let service = TableCacheSyncService(
            sync: sync(catalog), interval: .milliseconds(2), logger: Self.logger)
        let group = ServiceGroup(configuration: .init(services: [service], logger: Self.logger))

        async let run: Void = group.run()
        // The store's clock stands still, so that every list after the first counts as fresh.
        let cache = cache
        try await eventually("it synced twice") {
            cache.advance(by: .seconds(1))
            return catalog.lists >= 2
        }
        await group.triggerGracefulShutdown()

        try await run
    }
}

/// Lets everybody through once its stream has ended.
private final class Gate: Sendable {
    private let opened: Task<Void, Never>

    init(_ stream: AsyncStream<Void>) {
        // Awaited by everybody who passes.
        opened = Task { for await _ in stream {} }
    }

    func pass() async { await opened.value }
}
