// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import Synchronization
import Testing
import WireFormat

/// The three actions at every catalog, each with a call whose outcome nobody was told (P-30).
@Suite struct CommitUnknownTests {
    /// What the job says.
    enum Verdict { case committed, unknown, either }

    /// What the job says at a catalog after a fault.
    ///
    /// Who can look again finds out. A commit that was cut off before leaves nothing to find, and
    /// may still arrive. A folder's writer knows that it wrote nothing.
    static func verdict(_ kind: FailingCatalogKind, _ fault: CatalogFault) -> Verdict {
        switch (kind, fault) {
        case (.fileSystem, _): .committed
        case (_, .cutBefore): .unknown
        // It depends on how soon the server is back.
        case (.postgres, .cutAfter): .either
        case (_, .errorAfterSuccess), (_, .cutAfter): .committed
        }
    }

    @Test(arguments: FailingCatalogKind.available, CatalogFault.allCases)
    func `no live file is lost and no orphan goes unjournalled, and the next job finishes, P-30`(
        kind: FailingCatalogKind, fault: CatalogFault
    ) async throws {
        let table = try await Self.table()
        let catalog = try await kind.make(table)
        try await Self.run(catalog, table, fault, Self.verdict(kind, fault))
    }

    /// Four snapshots; a data file that only the first three reach, and a file that none reaches.
    private static func table() async throws -> ManifestTable {
        let waits = ["commit.retry.", "commit.status-check."].flatMap { prefix in
            ["min", "max"].map { ("\(prefix)\($0)-wait-ms", "1") }
        }
        let table = try await ManifestTable(
            .v2, properties: Dictionary(uniqueKeysWithValues: waits))
        for name in ["first", "second", "third", "fourth"] {
            let path = "\(table.location)/data/\(name).parquet"
            try await table.storage.write(
                Array(name.utf8), to: Location(path), condition: .absent)
            let gone = name == "fourth" ? try await table.manifests().last?.path : nil
            try await table.append(
                [ManifestTable.entry([.string("a")], path: path)],
                removing: gone.map { [$0] } ?? [])
        }
        try await table.storage.write(
            Array("stray".utf8), to: Location(stray(of: table)), condition: .absent)
        return table
    }

    private static func stray(of table: ManifestTable) -> String {
        "\(table.location)/data/stray.parquet"
    }

    private static func run<Bed: FailingCatalog>(
        _ bed: Bed, _ table: ManifestTable, _ fault: CatalogFault, _ verdict: Verdict
    ) async throws {
        let scene = Scene(bed: bed, table: table, journal: MemoryJournal())
        let before = try await scene.look()
        #expect(before.snapshotCount == 4 && before.reached.isSubset(of: before.onDisk))

        try await scene.commit(.expireSnapshots, ["retain_last": 1], fault, verdict)
        let expired = try await scene.look()
        #expect(expired.snapshotCount == 1)
        #expect(expired.entries == before.entries, "the current rows are as they were")

        try await scene.commit(.rewriteManifests, .null, fault, verdict)
        let rewritten = try await scene.look()
        #expect(rewritten.manifestCount == 1)
        #expect(rewritten.entries == before.entries)

        try await scene.removeOrphans(fault)
        let cleaned = try await scene.look()
        #expect(cleaned.entries == before.entries)
        #expect(cleaned.unreached.isEmpty, "what was journalled as unknown went at last")
    }
}

/// One table in one catalog, and what its jobs wrote down.
private struct Scene<Bed: FailingCatalog> {
    struct Look {
        var snapshotCount: Int
        var manifestCount: Int
        /// The current snapshot's, by path.
        var entries: [String: CompleteEntry]
        /// By any snapshot.
        var reached: Set<String> = []
        /// Without the version hint and what is in quarantine.
        var onDisk: Set<String> = []

        var unreached: Set<String> { onDisk.subtracting(reached) }
    }

    let bed: Bed
    let table: ManifestTable
    let journal: MemoryJournal

    private var stray: String { "\(table.location)/data/stray.parquet" }

    func look() async throws -> Look {
        let loaded = try await bed.catalog().loadTable(bed.table)
        let metadata = loaded.metadata
        var look = Look(
            snapshotCount: metadata.snapshots.count,
            manifestCount: try await table.manifests(of: metadata).count,
            entries: try await table.entries(of: metadata))
        look.reached.insert(loaded.metadataLocation.rawValue)
        let lists = ManifestListReader(storage: table.storage)
        for snapshot in metadata.snapshots {
            let list = try #require(snapshot.manifestList)
            look.reached.insert(list)
            for manifest in try await lists.manifests(in: Location(list)) {
                look.reached.insert(manifest.path)
                let type = try metadata.partitionType(of: metadata.partitionSpecs[1])
                let entries = try await CompleteManifestReader(
                    storage: table.storage, partition: type
                ).entries(in: manifest)
                look.reached.formUnion(
                    entries.filter(\.entry.isLive).map(\.entry.dataFile.filePath))
            }
        }
        for try await info in table.storage.list(Location(table.location)) {
            let path = info.location.rawValue
            let isKept = path.contains("/.icepack-quarantine/")
            if !path.hasSuffix("version-hint.text"), !isKept { look.onDisk.insert(path) }
        }
        // What the log names it may have lost; nobody needs it.
        look.reached.formUnion(look.onDisk.intersection(metadata.metadataLog.map(\.metadataFile)))
        return look
    }

    private func request(_ action: MaintenanceAction, _ options: JSONValue) throws -> ActionRequest
    {
        ActionRequest(
            table: bed.table, action: action,
            options: try ActionOptions.validating(options, for: action),
            now: action == .removeOrphanFiles ? TestTable.presentTime : TestTable.now)
    }

    @discardableResult
    private func run(
        _ action: MaintenanceAction, _ options: JSONValue, in catalog: some Catalog,
        job: String = "job"
    ) async throws -> ActionReport {
        try await NativeEngine(catalog: catalog, storage: table.storage).run(
            request(action, options),
            in: RunContext(
                confirmLease: { _ in }, report: { _ in }, journal: journal,
                attempt: AttemptLabel(jobID: job, attemptID: "attempt")))
    }

    /// Runs an action whose commit goes wrong, and then the next job.
    func commit(
        _ action: MaintenanceAction, _ options: JSONValue, _ fault: CatalogFault,
        _ expected: CommitUnknownTests.Verdict
    ) async throws {
        try await bed.failCommit(fault)
        var verdict = CommitUnknownTests.Verdict.committed
        do {
            try await run(action, options, in: bed.catalog())
        } catch MaintenanceError.commitUnknown {
            verdict = .unknown
        }
        try await bed.heal()

        if expected != .either { #expect(verdict == expected, "\(action) \(fault)") }
        let after = try await look()
        #expect(after.reached.isSubset(of: after.onDisk), "\(action): a live file was lost")
        let noted = Set(journal.all.filter { $0.state != .done }.map(\.path))
        #expect(
            after.unreached.subtracting([stray]).isSubset(of: noted),
            "\(action): an orphan that no journal knows")
        if verdict == .unknown {
            #expect(journal.open.isEmpty, "nothing may replay what may yet become the table")
        }

        try await run(action, options, in: bed.catalog())

        let last = try await look()
        #expect(last.reached.isSubset(of: last.onDisk))
        #expect(journal.open.isEmpty)
        let unknown = Set(journal.all.filter { $0.state == .unknown }.map(\.path))
        #expect(last.unreached.subtracting([stray]).isSubset(of: unknown))
    }

    /// Moves orphans away and cannot look at the table afterwards; then the next job.
    func removeOrphans(_ fault: CatalogFault) async throws {
        for path in try await look().onDisk { try TestTable.age(path, days: 10) }
        let before = try await look()
        let orphans = before.unreached
        #expect(orphans.contains(stray))
        let quarantine = "\(table.location)/.icepack-quarantine"
        let catalog = WatchingCatalog(base: try bed.catalog()) {
            if !FileManager.default.fileExists(atPath: orphans.first ?? "") {
                try await bed.failLooks(fault)
                return true
            }
            return false
        }

        await #expect(throws: MaintenanceError.self) {
            try await run(.removeOrphanFiles, .null, in: catalog)
        }
        try await bed.heal()

        let after = try await look()
        #expect(after.reached == before.reached && after.reached.isSubset(of: after.onDisk))
        let engine = NativeEngine(catalog: try bed.catalog(), storage: table.storage)
        let held = try await engine.quarantine(of: bed.table)
        #expect(held.map(\.jobID) == ["job"] && held.allSatisfy(\.isUnfinished))
        #expect(FileManager.default.fileExists(atPath: quarantine))

        try await run(.removeOrphanFiles, .null, in: bed.catalog(), job: "next")

        let ended = try await engine.quarantine(of: bed.table)
        #expect(ended.allSatisfy { !$0.isUnfinished })
        #expect(ended.reduce(0) { $0 + $1.fileCount } >= orphans.count)
        // Restored, everything is where it was; moved again, it is gone from the table's sight.
        for hold in ended {
            let context = TestTable.orphanContext(job: hold.jobID)
            _ = try await engine.restore(bed.table, job: hold.jobID, in: context)
        }
        #expect(try await look().onDisk == before.onDisk)
        try await run(.removeOrphanFiles, .null, in: bed.catalog(), job: "last")
    }
}

/// A catalog before each of whose looks something happens, until it says that this was enough.
private struct WatchingCatalog<Base: Catalog>: ForwardingCatalog {
    let base: Base
    let happen: @Sendable () async throws -> Bool
    private let isOver = Flag()

    init(base: Base, happen: @escaping @Sendable () async throws -> Bool) {
        self.base = base
        self.happen = happen
    }

    func loadTable(_ identifier: TableIdentifier) async throws(CatalogError) -> LoadedTable {
        if !isOver.isSet.withLock({ $0 }) {
            do {
                let isEnough = try await happen()
                isOver.isSet.withLock { $0 = isEnough }
            } catch {
                throw .unavailable(reason: "the test's own fault failed: \(error)")
            }
        }
        return try await base.loadTable(identifier)
    }
}

private final class Flag: Sendable {
    let isSet = Mutex(false)
}
