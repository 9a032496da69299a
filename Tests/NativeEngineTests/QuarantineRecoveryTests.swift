// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergCatalog
import IcebergSpec
import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// A job that dies does not come to its last step, which brings back what a commit took up; that
/// step is whoever's comes next.
@Suite struct QuarantineRecoveryTests {
    private static let taken = "data/p=1/slow"

    /// A table with orphans, of which one is committed while the job that moved it dies.
    private func crashed(
        at step: Int
    ) async throws -> (table: TestTable, taken: String) {
        let table = try await TestTable.withHistory()
        try await table.age()
        try await table.stray("data/p=0/orphan", bytes: [1])
        let taken = try await table.stray(Self.taken, bytes: [7, 7])
        try await table.stray("data/p=2/orphan", bytes: [2])
        let crash = CrashPoint(at: step, .after)
        let dying = NativeEngine(
            catalog: table.catalog, storage: DyingStorage(base: LocalStorage(), crash: crash))
        do {
            _ = try await dying.run(
                table.orphanRequest(), in: TestTable.orphanContext(job: "first"))
        } catch {
            #expect(crash.hasCrashed, "\(error)")
        }
        try await UncheckedTable(table: table).append(taken)
        return (table, taken)
    }

    private func engine(_ table: TestTable) -> NativeEngine<TestTable.Tables, LocalStorage> {
        NativeEngine(catalog: table.catalog, storage: LocalStorage())
    }

    /// Whatever comes next on the table.
    enum Next: CaseIterable, Sendable {
        case anotherJob, sameJob, sweep, restore
    }

    /// Every effect of the run but the last, after which the job is over.
    @Test(arguments: 1...10, Next.allCases)
    func `what was committed while a job died is back after whatever comes next, P-05`(
        step: Int, next: Next
    ) async throws {
        let (table, taken) = try await crashed(at: step)
        let engine = engine(table)
        let context = TestTable.orphanContext()

        switch next {
        case .anotherJob: try await table.removeOrphans(job: "second")
        case .sameJob: try await table.removeOrphans(job: "first")
        case .sweep:
            _ = try await engine.purge(
                TestTable.identifier,
                .movedBefore(TestTable.presentTime.advanced(by: .seconds(-86_400))), in: context)
        case .restore: try await restore(table, "first")
        }

        #expect(try await table.everything()[taken] == [7, 7])
        let held = try await engine.quarantine(of: TestTable.identifier)
        #expect(held.allSatisfy { !$0.isUnfinished })
        #expect(!table.heldNames(try await table.everything(withQuarantine: true)).contains("slow"))
    }

    private func restore(_ table: TestTable, _ job: String) async throws {
        do throws(MaintenanceError) {
            _ = try await engine(table).restore(
                TestTable.identifier, job: job, in: TestTable.orphanContext())
        } catch {
            // It died before it moved anything.
            guard case .refused(QuarantineCode.noSuchJob, _) = error else { throw error }
        }
    }

    @Test func `a retry keeps the records of the attempt before`() async throws {
        let (table, _) = try await crashed(at: 8)
        try await table.stray("data/later", bytes: [9])
        try await table.removeOrphans(job: "first")

        let held = try await engine(table).quarantine(of: TestTable.identifier)
        let change = try await engine(table).restore(
            TestTable.identifier, job: "first", in: TestTable.orphanContext())

        // And a metadata file that the test's commit took out of the log.
        #expect(held.map(\.fileCount) == [4])
        #expect(change.restoredCount == 4 && change.failedCount == 0)
        let all = try await table.everything()
        for name in ["data/p=0/orphan", "data/p=2/orphan", "data/later"] {
            #expect(all["\(table.location)/\(name)"] != nil, "\(name)")
        }
    }

    @Test func `where the table cannot be read everything comes back`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let manifest = try await table.stray("metadata/late.avro", bytes: [1, 2, 3])
        try await table.age()
        let crash = CrashPoint(at: 6, .after)
        let dying = NativeEngine(
            catalog: table.catalog, storage: DyingStorage(base: LocalStorage(), crash: crash))
        let request = try table.orphanRequest()
        await #expect(throws: MaintenanceError.self) {
            try await dying.run(request, in: TestTable.orphanContext(job: "first"))
        }
        #expect(try await table.everything()[manifest] == nil)
        // A commit of a manifest that is not there, as far as anybody can see.
        try await table.commit(
            table.manifests() + [
                .init(path: manifest, length: 3, count: 1, content: .data, specID: 0, live: [])
            ])
        try await table.write()

        let change = try await engine(table).restore(
            TestTable.identifier, job: "first", in: TestTable.orphanContext())

        #expect(change.restoredCount == 1)
        #expect(try await table.everything()[manifest] == [1, 2, 3])
    }
}

extension TestTable {
    /// The names of files that lie in quarantine.
    fileprivate func heldNames(_ everything: [String: [UInt8]]) -> Set<String> {
        Set(
            everything.keys.filter { $0.contains("/files/") }
                .map { Location($0).lastComponent })
    }
}
