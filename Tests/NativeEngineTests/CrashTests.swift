// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import TestSupport
import Testing
import WireFormat

/// Kills the process at each of its effects in turn, before it and after it, and lets the next job
/// on the table find what is left.
@Suite struct CrashTests {
    private static func table() async throws -> TestTable {
        let table = try TestTable()
        for _ in 0..<3 { try await table.append() }
        table.point("t", at: 1, kind: "tag")
        try await table.commit([try await table.manifest([.init(path: try await table.file())])])
        table.statistics = [(2, try await table.file(in: "metadata"))]
        try await table.write()
        return table
    }

    /// One run that may die on the way.
    private static func run(
        _ table: TestTable, _ journal: MemoryJournal, _ crash: CrashPoint
    ) async -> MaintenanceError? {
        let engine = NativeEngine(
            catalog: CrashingCatalog(base: table.catalog, crash: crash),
            storage: CrashingStorage(base: LocalStorage(), crash: crash))
        do {
            _ = try await engine.run(
                table.request(["max_concurrent_deletes": 1]),
                in: TestTable.context(CrashingJournal(base: journal, crash: crash)))
            return nil
        } catch let error as MaintenanceError {
            return error
        } catch {
            return .unreadable(reason: "\(error)")
        }
    }

    @Test(arguments: 1...22, CrashPoint.Moment.allCases)
    func `after a crash anywhere the next run leaves nothing behind and nothing live is lost, P-21`(
        step: Int, moment: CrashPoint.Moment
    ) async throws {
        let table = try await Self.table()
        let journal = MemoryJournal()
        let crash = CrashPoint(at: step, moment)

        _ = await Self.run(table, journal, crash)
        let reached = table.reach(try await table.remaining())
        #expect(reached.isSubset(of: try await table.filesOnDisk()))

        // The second run may die as well; the third does not.
        _ = await Self.run(table, journal, CrashPoint(at: 2, moment))
        #expect(
            table.reach(try await table.remaining()).isSubset(of: try await table.filesOnDisk()))
        let error = await Self.run(table, journal, CrashPoint(at: 0, .before))

        #expect(error == nil)
        #expect(try await table.remaining() == [1, 4])
        #expect(try await table.filesOnDisk() == table.reach([1, 4]))
        #expect(journal.open.isEmpty)
    }

    @Test func `the steps that are crashed at are all there are`() async throws {
        let table = try await Self.table()
        let crash = CrashPoint(at: 0, .before)

        let error = await Self.run(table, MemoryJournal(), crash)

        #expect(error == nil)
        #expect(crash.steps.count <= 22)
        #expect(crash.steps.first == "journal")
        #expect(crash.steps.contains("commit"))
        #expect(crash.steps.last == "close")
    }

    @Test func `after a crash behind the commit the next attempt reports what the job did`()
        async throws
    {
        let expected = try await Self.table().expire().metrics
        let table = try await Self.table()
        let journal = MemoryJournal(isOwn: true)
        let steps = CrashPoint(at: 0, .before)
        _ = await Self.run(try await Self.table(), MemoryJournal(), steps)
        let commit = try #require(steps.steps.firstIndex(of: "commit")) + 1

        _ = await Self.run(table, journal, CrashPoint(at: commit, .after))
        let again = try await table.expire(journal: journal)

        #expect(expected["expired_snapshots_count"]?.intValue == 2)
        for column in expected.keys where column.hasPrefix("deleted_") || column.hasPrefix("exp") {
            #expect(again.metrics[column] == expected[column], "\(column)")
        }
        #expect(again.metrics["replayed_files_count"]?.intValue == 0)
        #expect(again.impact == "2 snapshots expired")
        #expect(again.message.contains("an earlier attempt had committed"))
        #expect(journal.open.isEmpty)
        let third = try await table.expire(journal: journal)
        #expect(third.metrics["expired_snapshots_count"]?.intValue == 0, "told once")
    }

    @Test func `what a crash left before its commit is not reported twice`() async throws {
        let table = try await Self.table()
        let journal = MemoryJournal(isOwn: true)
        let steps = CrashPoint(at: 0, .before)
        _ = await Self.run(try await Self.table(), MemoryJournal(), steps)
        let commit = try #require(steps.steps.firstIndex(of: "commit")) + 1

        _ = await Self.run(table, journal, CrashPoint(at: commit, .before))
        #expect(!journal.open.isEmpty)
        let again = try await table.expire(journal: journal)

        #expect(again.metrics["expired_snapshots_count"]?.intValue == 2)
        #expect(!again.message.contains("earlier"))
        #expect(journal.open.isEmpty)
    }

    @Test func `entries of files that are reached again are closed and the files stay`()
        async throws
    {
        let table = try await Self.table()
        let journal = MemoryJournal()
        let live = table.reach([1, 4]).sorted()
        let engine = NativeEngine(catalog: table.catalog, storage: LocalStorage())
        try await journal.plan(
            live.map { JournalledFile(path: $0, kind: .dataFile) }, tableUUID: TestTable.uuid)

        let report = try await engine.run(table.request(), in: TestTable.context(journal))

        #expect(report.metrics["replayed_files_count"]?.intValue == 0)
        #expect(live.allSatisfy(Set(try await table.filesOnDisk()).contains))
        #expect(journal.open.isEmpty)
    }

    @Test func `with gc-enabled off a replay removes nothing`() async throws {
        let table = try TestTable()
        try await table.append()
        table.properties["gc.enabled"] = "false"
        try await table.write()
        let journal = MemoryJournal()
        let stray = try await table.file("stray")
        try await journal.plan(
            [JournalledFile(path: stray, kind: .dataFile)], tableUUID: TestTable.uuid)

        try await table.expire(journal: journal)

        #expect(try await table.filesOnDisk().contains(stray))
        #expect(journal.open.isEmpty)
    }

    @Test func `entries of another table are not touched`() async throws {
        let table = try TestTable()
        try await table.append()
        try await table.write()
        let journal = MemoryJournal()
        let stray = try await table.file("stray")
        try await journal.plan(
            [JournalledFile(path: stray, kind: .dataFile)], tableUUID: "another")

        try await table.expire(journal: journal)

        #expect(try await table.filesOnDisk().contains(stray))
        #expect(journal.open == [stray])
    }
}
