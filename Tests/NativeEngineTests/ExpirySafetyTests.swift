// SPDX-License-Identifier: Apache-2.0

import FileSystemCatalog
import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import Synchronization
import TestSupport
import Testing
import WireFormat

@Suite struct ExpirySafetyTests {
    /// Runs and returns the error, which there must be.
    private func failure(
        _ run: () async throws -> ActionReport
    ) async -> MaintenanceError? {
        do {
            let report = try await run()
            Issue.record("it succeeded: \(report.message)")
            return nil
        } catch let error as MaintenanceError {
            return error
        } catch {
            Issue.record("it threw \(error)")
            return nil
        }
    }

    private func threeSnapshots() async throws -> TestTable {
        let table = try TestTable()
        for _ in 0..<3 { try await table.append() }
        try await table.commit([try await table.manifest([.init(path: try await table.file())])])
        return table
    }

    @Test(arguments: ["snap-1.avro", "snap-4.avro", "/m2.avro", "/m8.avro"])
    func `a list or manifest that is missing stops everything before any change, P-08`(
        name: String
    ) async throws {
        let table = try await threeSnapshots()
        try await table.write()
        let all = try await table.filesOnDisk()
        let gone = try #require(all.first { $0.hasSuffix(name) })
        _ = await LocalStorage().remove([Location(gone)])
        let journal = MemoryJournal()

        let error = await failure { try await table.expire(journal: journal) }

        guard case .unreadable(let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains(gone))
        #expect(try await table.remaining() == [1, 2, 3, 4])
        #expect(try await table.filesOnDisk() == all.subtracting([gone]))
        #expect(journal.all.isEmpty)
    }

    @Test(arguments: ["AGS1", "not avro", ""])
    func `a manifest that cannot be understood stops everything`(text: String) async throws {
        let table = try await threeSnapshots()
        try await table.write()
        let manifest = try #require(table.manifests().first)
        try await LocalStorage().write(
            Array(text.utf8), to: Location(manifest.path), condition: .none)
        let all = try await table.filesOnDisk()

        let error = await failure { try await table.expire() }

        guard case .unreadable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try await table.filesOnDisk() == all)
        #expect(try await table.remaining().count == 4)
    }

    @Test func `an encrypted table is refused, P-16`() async throws {
        let table = try await threeSnapshots()
        table.properties["encryption.key-id"] = "k"
        try await table.write()

        let error = await failure { try await table.expire() }

        guard case .refused(code: "encrypted_table", _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a table that needs more memory than allowed is refused with the setting's name`()
        async throws
    {
        let table = try await threeSnapshots()
        try await table.write()
        let engine = NativeEngine(
            catalog: table.catalog, storage: LocalStorage(),
            settings: .init(memoryBytes: 300_000))

        let error = await failure {
            try await engine.run(table.request(), in: TestTable.context(MemoryJournal()))
        }

        guard case .refused(code: "out_of_memory", let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("ICEPACK_NATIVE_MEMORY_BYTES"))
        #expect(try await table.remaining().count == 4)
    }

    @Test(arguments: 1...9)
    func `a removal that fails is counted, stays in the journal and is done by the next run`(
        number: Int
    ) async throws {
        let table = try await threeSnapshots()
        try await table.write()
        let unreachable = table.reach([1, 2, 3]).subtracting(table.reach([4])).sorted()
        let victim = unreachable[number - 1]
        let storage = FaultyStorage(LocalStorage())
        storage.inject(StorageFault(.remove, .before, of: victim))
        let journal = MemoryJournal()

        let report = try await table.expire(journal: journal, storage: storage)

        #expect(report.metrics["failed_files_count"]?.intValue == 1)
        #expect(report.message.contains("deleted 8 files; 1 file could not be deleted"))
        #expect(journal.open == [victim])
        #expect(try await table.filesOnDisk() == table.reach([4]).union([victim]))

        let again = try await table.expire(journal: journal)

        #expect(again.metrics["replayed_files_count"]?.intValue == 1)
        #expect(try await table.filesOnDisk() == table.reach([4]))
        #expect(journal.open.isEmpty)
    }

    @Test func `a file that was removed though the reply got lost counts as gone the next time`()
        async throws
    {
        let table = try await threeSnapshots()
        try await table.write()
        let storage = FaultyStorage(LocalStorage())
        storage.inject(StorageFault(.remove, .after, of: "snap-1.avro"))
        let journal = MemoryJournal()

        try await table.expire(journal: journal, storage: storage)
        #expect(journal.open.count == 1)
        let again = try await table.expire(journal: journal)

        #expect(again.metrics["replayed_files_count"]?.intValue == 0)
        #expect(journal.open.isEmpty)
    }

    @Test func `hostile metadata cannot make its own files candidates`() async throws {
        let table = try TestTable()
        let kept = try await table.manifest([.init(path: try await table.file())])
        let current = "\(table.location)/metadata/v1.metadata.json"
        let hint = "\(table.location)/metadata/version-hint.text"
        let hostile = try await table.manifest(
            [current, hint, kept.path].map { .init(path: $0) })
        try await table.commit([hostile])
        try await table.commit([kept])
        try await table.write()

        let report = try await table.expire()

        let storage = LocalStorage()
        for path in [current, hint, kept.path] {
            #expect(try await storage.stat(Location(path)) != nil)
        }
        #expect(report.metrics["deleted_data_files_count"]?.intValue == 0)
    }

    @Test(arguments: 1...5)
    func `a cancelled job stops, and the next one finishes what was committed`(
        call: Int
    ) async throws {
        let table = try await threeSnapshots()
        try await table.write()
        let journal = MemoryJournal()
        let counter = Counter()
        let engine = NativeEngine(catalog: table.catalog, storage: LocalStorage())
        let request = try table.request()

        let task = Task {
            try await engine.run(
                request,
                in: TestTable.context(journal) { (_) async throws(MaintenanceError) in
                    if counter.next() == call { withUnsafeCurrentTask { $0?.cancel() } }
                })
        }
        let error = await failure { try await task.value }

        #expect(error == .cancelled)
        let isCommitted = try await table.remaining() == [4]
        #expect(try await table.filesOnDisk().isSuperset(of: table.reach([4])))
        #expect(isCommitted == (call >= 4))
        try await table.expire(journal: journal)
        #expect(try await table.filesOnDisk() == table.reach([4]))
        #expect(journal.open.isEmpty)
    }

    @Test func `a lease that ends between its confirmation and the commit keeps it out, P-33`()
        async throws
    {
        let table = try await threeSnapshots()
        try await table.write()
        let all = try await table.filesOnDisk()
        let journal = MemoryJournal()
        let context = RunContext(
            confirmLease: { _ throws(MaintenanceError) in }, report: { _ in }, journal: journal,
            attempt: AttemptLabel(jobID: "job", attemptID: "attempt"),
            commitGuard: CommitGuard { false })
        let engine = NativeEngine(catalog: table.catalog, storage: LocalStorage())

        let error = await failure { try await engine.run(table.request(), in: context) }

        #expect(error == .fenceLost)
        #expect(try await table.remaining() == [1, 2, 3, 4])
        #expect(try await table.filesOnDisk() == all)
        try await table.expire(journal: journal)
        #expect(try await table.filesOnDisk() == table.reach([4]))
        #expect(journal.open.isEmpty)
    }

    @Test func `a stop after the commit tells what was done`() async throws {
        let table = try await threeSnapshots()
        try await table.write()
        let counter = Counter()
        let noted = Mutex<EngineAftermath?>(nil)
        let context = RunContext(
            confirmLease: { _ throws(MaintenanceError) in
                // Batches of the journal and the commit come first.
                if counter.next() >= 6 { throw .fenceLost }
            }, report: { _ in }, journal: MemoryJournal(),
            attempt: AttemptLabel(jobID: "job", attemptID: "attempt"),
            tracking: EngineTracking(
                inherited: nil, keep: { _ throws(MaintenanceError) in },
                note: { note in noted.withLock { $0 = note } }))
        let engine = NativeEngine(catalog: table.catalog, storage: LocalStorage())

        let error = await failure { try await engine.run(table.request(), in: context) }

        #expect(error == .fenceLost)
        #expect(try await table.remaining() == [4])
        let aftermath = try #require(noted.withLock { $0 })
        #expect(aftermath.state == .stopped && aftermath.filesLeftBehindCount > 0)
        #expect(aftermath.note?.contains("Expired 3 snapshots") == true, "\(aftermath)")
    }

    @Test(arguments: 1...6)
    func `a worker whose lease is gone changes nothing more`(call: Int) async throws {
        let table = try await threeSnapshots()
        try await table.write()
        let journal = MemoryJournal()
        let counter = Counter()
        let storage = RecordingStorage(base: LocalStorage())
        let removedAtLoss = Mutex<Int?>(nil)

        let error = await failure {
            try await table.expire(journal: journal, storage: storage) {
                (_) async throws(MaintenanceError) in
                guard counter.next() >= call else { return }
                removedAtLoss.withLock { $0 = $0 ?? storage.removed.count }
                throw .fenceLost
            }
        }

        #expect(error == .fenceLost)
        #expect(storage.removed.count == removedAtLoss.withLock { $0 })
        let isCommitted = try await table.remaining() == [4]
        #expect(isCommitted || storage.removed.isEmpty)
        try await table.expire(journal: journal)
        #expect(try await table.filesOnDisk() == table.reach([4]))
        #expect(journal.open.isEmpty)
    }
}

@Suite struct OtherWriterTests {
    /// Adds a snapshot to main as another writer would, between two steps of ours.
    private static func append(
        id: Int64, list: String, through catalog: TestTable.Tables
    ) async throws {
        let loaded = try await catalog.loadTable(TestTable.identifier)
        let snapshot = Snapshot(
            id: id, parentID: loaded.metadata.currentSnapshotID,
            sequenceNumber: loaded.metadata.lastSequenceNumber + 1,
            timestampMilliseconds: 1_500_000_000_000, manifestList: list,
            summary: SnapshotSummary(operation: "append"), schemaID: 0)
        let outcome = await catalog.commit(
            [
                .addSnapshot(snapshot),
                .setSnapshotRef(name: "main", SnapshotReference(snapshotID: id, kind: .branch)),
            ], requirements: [], to: TestTable.identifier, base: loaded)
        guard case .committed = outcome else {
            throw MaintenanceError.conflict(reason: "\(outcome)")
        }
    }

    @Test(arguments: [InterferingCatalog<TestTable.Tables>.Moment.beforeCommit, .afterCommit])
    func `a file that another writer takes up around our commit stays, P-21`(
        moment: InterferingCatalog<TestTable.Tables>.Moment
    ) async throws {
        let table = try TestTable()
        let path = try await table.file("again")
        let other = try await table.file("gone")
        let old = try await table.manifest([.init(path: path)])
        try await table.commit([old, try await table.manifest([.init(path: other)])])
        try await table.commit([try await table.manifest([.init(path: try await table.file())])])
        try await table.write()
        // The other writer's list has the expiring snapshot's own manifest, and the file again.
        try await table.snapshot(
            parent: 2, manifests: [old, try await table.manifest([.init(path: path)])])
        let journal = MemoryJournal()
        let list = try #require(table.snapshots.last?.list)
        let others = table.catalog
        let catalog = InterferingCatalog(base: others) { when, commit in
            guard when == moment, commit == 1 else { return }
            try await Self.append(id: 3, list: list, through: others)
        }
        let engine = NativeEngine(catalog: catalog, storage: LocalStorage())

        try await _ = engine.run(
            table.request(["retain_last": 1]), in: TestTable.context(journal))

        let left = try await table.filesOnDisk()
        let remaining = try await table.remaining()
        #expect(table.reach(remaining).isSubset(of: left))
        #expect(left.contains(path))
        #expect(left.contains(old.path))
        #expect(!left.contains(other))
        #expect(journal.open.isEmpty)
        #expect(remaining == (moment == .beforeCommit ? [3] : [2, 3]))
    }

    @Test func `a lost reply is resolved from the table, and the files go`() async throws {
        let table = try TestTable()
        for _ in 0..<2 { try await table.append() }
        try await table.commit([try await table.manifest([])])
        try await table.write()
        let catalog = LosingCatalog(base: table.catalog)
        let journal = MemoryJournal()

        let report = try await NativeEngine(catalog: catalog, storage: LocalStorage()).run(
            table.request(), in: TestTable.context(journal))

        #expect(report.impact == "2 snapshots expired")
        #expect(try await table.filesOnDisk() == table.reach([3]))
        #expect(journal.open.isEmpty)
    }

    @Test func `a commit whose outcome stays unknown deletes nothing, then or ever`() async throws {
        let table = try TestTable()
        for _ in 0..<2 { try await table.append() }
        try await table.commit([try await table.manifest([])])
        try await table.write()
        let before = try await table.filesOnDisk()
        let journal = MemoryJournal()
        let catalog = LosingCatalog(base: table.catalog, canRead: false)

        do {
            _ = try await NativeEngine(catalog: catalog, storage: LocalStorage()).run(
                table.request(), in: TestTable.context(journal))
            Issue.record("it succeeded")
        } catch {
            guard case .commitUnknown(let reason) = error as? MaintenanceError else {
                Issue.record("\(error)")
                return
            }
            #expect(!reason.isEmpty)
        }
        #expect(journal.all.allSatisfy { $0.state == .unknown })
        try await table.expire(journal: journal)
        #expect(try await table.filesOnDisk() == before)
    }
}

/// A catalog whose commits land and whose replies get lost.
private struct LosingCatalog<Base: Catalog>: ForwardingCatalog {
    let base: Base
    var canRead = true
    private let commits = Counter()
    private let loads = Counter()

    init(base: Base, canRead: Bool = true) {
        self.base = base
        self.canRead = canRead
    }

    func loadTable(_ identifier: TableIdentifier) async throws(CatalogError) -> LoadedTable {
        // The run loads once to replay and once to plan; after that it reads back.
        if loads.next() > 2, !canRead { throw .unavailable(reason: "the catalog is down") }
        return try await base.loadTable(identifier)
    }

    func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement], to identifier: TableIdentifier,
        base table: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome {
        _ = await base.commit(
            updates, requirements: requirements, to: identifier, base: table,
            under: commitGuard)
        return .unknown(reason: "the reply got lost", metadataLocation: nil)
    }
}
