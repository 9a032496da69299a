// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergCatalog
import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import Synchronization
import TestSupport
import Testing
import WireFormat

/// What was moved away comes back, or goes for good, and nothing in between is lost.
@Suite struct QuarantineTests {
    private func made(strays count: Int = 3) async throws -> (TestTable, [String: [UInt8]]) {
        let table = try await TestTable.withHistory()
        try await table.age()
        for index in 0..<count {
            try await table.stray("data/p=\(index)/orphan", bytes: [UInt8(index), 0, 255])
        }
        return (table, try await table.everything())
    }

    private func engine(
        _ table: TestTable
    ) -> NativeEngine<TestTable.Tables, LocalStorage> {
        NativeEngine(catalog: table.catalog, storage: LocalStorage())
    }

    @Test func `restore brings back everything byte for byte, P-18`() async throws {
        let (table, before) = try await made()
        try await table.removeOrphans(job: "a1")
        #expect(try await table.everything().count == before.count - 3)

        let held = try await engine(table).quarantine(of: TestTable.identifier)
        let change = try await engine(table).restore(
            TestTable.identifier, job: "a1", in: TestTable.orphanContext())

        #expect(held.map(\.jobID) == ["a1"] && held.map(\.fileCount) == [3])
        #expect(held.map(\.byteCount) == [9])
        #expect(change.restoredCount == 3 && change.failedCount == 0)
        #expect(try await table.everything(withQuarantine: true) == before)
        #expect(try await engine(table).quarantine(of: TestTable.identifier).isEmpty)
    }

    @Test func `a purge removes for good, one job or all or what is old enough`() async throws {
        let (table, _) = try await made()
        try await table.removeOrphans(job: "a1")
        try await table.stray("data/later")
        try await table.removeOrphans(job: "b2")
        let context = TestTable.orphanContext()
        let engine = engine(table)

        let none = try await engine.purge(
            TestTable.identifier,
            .movedBefore(TestTable.presentTime.advanced(by: .seconds(-3600))), in: context)
        let one = try await engine.purge(TestTable.identifier, .job("a1"), in: context)
        let held = try await engine.quarantine(of: TestTable.identifier)
        let rest = try await engine.purge(
            TestTable.identifier,
            .movedBefore(TestTable.presentTime.advanced(by: .seconds(3600))), in: context)

        #expect(none == QuarantineChange())
        #expect(one.purgedCount == 3 && one.purgedBytes == 9)
        #expect(held.map(\.jobID) == ["b2"])
        #expect(rest.purgedCount == 1)
        let left = try await table.everything(withQuarantine: true)
        #expect(!left.keys.contains { $0.contains("/.icepack-quarantine/") })
    }

    @Test func `a purge brings back what the table needs by now, P-05`() async throws {
        let (table, _) = try await made()
        let slow = try await table.stray("data/slow", bytes: [7])
        try await table.removeOrphans(job: "a1")
        try await UncheckedTable(table: table).append(slow)

        let change = try await engine(table).purge(
            TestTable.identifier, .all, in: TestTable.orphanContext())

        #expect(change.restoredCount == 1 && change.purgedCount == 3)
        #expect(try await table.everything()[slow] == [7])
    }

    @Test func `a job of which nothing is held is not found`() async throws {
        let (table, _) = try await made()
        for id in ["nobody", "../../data", ""] {
            let error = await #expect(throws: MaintenanceError.self) {
                try await engine(table).restore(
                    TestTable.identifier, job: id, in: TestTable.orphanContext())
            }
            guard case .refused(QuarantineCode.noSuchJob, _) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
    }

    @Test func `a file that is there again stays, and the moved one too`() async throws {
        let (table, _) = try await made(strays: 1)
        try await table.removeOrphans(job: "a1")
        let path = "\(table.location)/data/p=0/orphan"
        try await LocalStorage().write([1, 2], to: Location(path), condition: .none)

        let change = try await engine(table).restore(
            TestTable.identifier, job: "a1", in: TestTable.orphanContext())

        #expect(change.restoredCount == 0 && change.failedCount == 1)
        let all = try await table.everything(withQuarantine: true)
        #expect(all[path] == [1, 2])
        #expect(all.values.contains([0, 0, 255]))
    }

    @Test func `without a lease nothing moves`() async throws {
        let (table, before) = try await made()
        let context = TestTable.orphanContext { _ throws(MaintenanceError) in throw .fenceLost }

        await #expect(throws: MaintenanceError.fenceLost) {
            try await engine(table).run(table.orphanRequest(), in: context)
        }

        #expect(try await table.everything(withQuarantine: true) == before)
    }

    /// Every effect of a run, with a crash just before and just after it; the next run is another
    /// job's, or another attempt of the same.
    @Test(arguments: 1...14, CrashPoint.Moment.allCases)
    func `after a crash anywhere no file is lost, and the next run ends the job`(
        step: Int, moment: CrashPoint.Moment
    ) async throws {
        for next in ["second", "first"] {
            try await crash(step, moment, next: next)
        }
    }

    private func crash(
        _ step: Int, _ moment: CrashPoint.Moment, next: String
    ) async throws {
        let (table, before) = try await made()
        let crash = CrashPoint(at: step, moment)
        let dying = NativeEngine(
            catalog: table.catalog, storage: DyingStorage(base: LocalStorage(), crash: crash))
        do {
            _ = try await dying.run(
                table.orphanRequest(), in: TestTable.orphanContext(job: "first"))
        } catch {
            #expect(crash.hasCrashed, "\(error)")
        }

        let present = Set(try await table.everything(withQuarantine: true).values)
        #expect(Set(before.values).isSubset(of: present))
        try await table.removeOrphans(job: next)

        let held = try await engine(table).quarantine(of: TestTable.identifier)
        #expect(held.reduce(0) { $0 + $1.fileCount } == 3)
        #expect(held.allSatisfy { !$0.isUnfinished })
        for hold in held {
            _ = try await engine(table).restore(
                TestTable.identifier, job: hold.jobID, in: TestTable.orphanContext())
        }
        #expect(try await table.everything(withQuarantine: true) == before)
    }
}
