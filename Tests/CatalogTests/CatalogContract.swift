// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergCatalog
import IcebergSpec
import ObjectStorage
import StorageTestSupport
import Synchronization
import Testing

/// What every catalog must do.
struct CatalogContract {
    let bed: any CatalogBed
    let storage = FaultyStorage(LocalStorage())
    let table = TableIdentifier("db.t")

    func setUp(
        snapshots: [Int64] = [1, 2, 3], properties: [String: String] = [:],
        previousFiles: [String] = []
    ) async throws -> any Catalog {
        let sample = SampleTable(
            location: bed.location(table), snapshots: snapshots, properties: properties,
            previousFiles: previousFiles)
        try await bed.add(table, sample)
        return try await bed.catalog(storage)
    }

    func set(_ key: String, _ value: String = "1") -> TableUpdate {
        .setProperties(TableProperties([key: value]))
    }

    /// Tables of all levels, in order, whether or not they can be read.
    func lists() async throws {
        let names = ["a.b.c.t", "db.t", "db.t2", "db2.t"]
        for name in names.reversed() {
            let identifier = TableIdentifier(name)
            try await bed.add(identifier, SampleTable(location: bed.location(identifier)))
        }
        let broken = TableIdentifier("db.broken")
        try await bed.add(broken, SampleTable(location: bed.location(broken)))
        let file = try #require(try bed.metadataFiles(broken).first)
        try await LocalStorage().write(
            Array("{".utf8), to: bed.location(broken).appending("metadata/" + file),
            condition: .none)
        let catalog = try await bed.catalog(storage)

        #expect(
            try await catalog.listTables().map(\.description)
                == ["a.b.c.t", "db.broken", "db.t", "db.t2", "db2.t"])
        #expect(
            try await catalog.loadTable(TableIdentifier("a.b.c.t")).metadata.snapshots.count == 3)
        await #expect {
            try await catalog.loadTable(broken)
        } throws: { error in
            if case .unreadableTable(broken, _) = error as? CatalogError { true } else { false }
        }
    }

    /// What is not there.
    func missingTable() async throws {
        let catalog = try await setUp()

        for name in ["db.none", "none.t", "db.t.t", "t", "db.metadata", "db/t", "..", "db..."] {
            let identifier = TableIdentifier(name)
            await #expect(throws: CatalogError.noSuchTable(identifier), "\(name)") {
                try await catalog.loadTable(identifier)
            }
        }
        let gone = LoadedTable(
            identifier: TableIdentifier("db.none"), metadataLocation: Location("/x"),
            metadata: try await catalog.loadTable(table).metadata)
        let outcome = await catalog.commit(
            [set("a")], requirements: [], to: gone.identifier, base: gone)
        guard case .refused(.rejected) = outcome else {
            Issue.record("a commit to a missing table was \(outcome)")
            return
        }
    }

    /// A commit is what the next reader finds, with its past in the log.
    func commits() async throws {
        let catalog = try await setUp()
        let base = try await catalog.loadTable(table)

        let outcome = await catalog.commit(
            [.removeSnapshots([1]), set("a")], requirements: [.assertTableUUID(SampleTable.uuid)],
            to: table, base: base)

        guard case .committed(let after) = outcome else {
            Issue.record("the commit was \(outcome)")
            return
        }
        let found = try await bed.catalog(storage).loadTable(table)
        #expect(found.metadata == after.metadata)
        #expect(found.metadataLocation == after.metadataLocation)
        #expect(found.metadata.snapshots.map(\.id) == [2, 3])
        #expect(found.metadata.properties["a"] == "1")
        #expect(found.metadata.metadataLog.map(\.metadataFile) == [base.metadataLocation.rawValue])
        #expect(found.metadata.lastUpdatedMilliseconds > 2000)
        #expect(try bed.metadataFiles(table).count == 2)
    }

    /// A guard that is closed when the commit is due leaves table and folder as they were.
    func closedGuard() async throws {
        let catalog = try await setUp()
        let base = try await catalog.loadTable(table)

        let outcome = await catalog.commit(
            [set("a")], requirements: [], to: table, base: base, under: CommitGuard { false })

        guard case .refused(.rejected) = outcome else {
            Issue.record("the commit was \(outcome)")
            return
        }
        let found = try await bed.catalog(storage).loadTable(table)
        #expect(found.metadataLocation == base.metadataLocation)
        #expect(try bed.metadataFiles(table).count == 1)
    }

    /// Whoever keeps account of metadata files knows each of them before anybody can see it, and
    /// until it is the table's or gone.
    func notes() async throws {
        let catalog = try await setUp()
        let base = try await catalog.loadTable(table)
        let open = Mutex<Set<Location>>([])
        let account = CommitFiles(
            willWrite: { location, table in
                #expect(table.metadataLocation == base.metadataLocation)
                #expect(!FileManager.default.fileExists(atPath: location.rawValue))
                open.withLock { _ = $0.insert(location) }
            },
            isSettled: { location in open.withLock { _ = $0.remove(location) } })
        func commit(_ files: CommitFiles, isOpen: Bool) async -> CommitOutcome {
            await catalog.commit(
                [set("a")], requirements: [], to: table, base: base,
                under: CommitGuard(files: files) { isOpen })
        }

        // Nobody took note of it: nothing is written.
        let mute = CommitFiles(
            willWrite: { _, _ throws(CommitRefusal) in throw .unavailable(reason: "no journal") },
            isSettled: { _ in })
        guard case .refused(.unavailable) = await commit(mute, isOpen: true) else {
            Issue.record("a commit that nobody took note of was made")
            return
        }
        #expect(try bed.metadataFiles(table).count == 1)

        // Refused, and removed again.
        _ = await commit(account, isOpen: false)
        #expect(open.withLock { $0 }.isEmpty)
        #expect(try bed.metadataFiles(table).count == 1)

        // Refused, and still there: it stays noted.
        storage.inject(StorageFault(.remove, .before))
        _ = await commit(account, isOpen: false)
        let left = try #require(open.withLock { $0 }.first)
        #expect(try bed.metadataFiles(table).contains(left.lastComponent))

        // Committed.
        guard case .committed(let after) = await commit(account, isOpen: true) else {
            Issue.record("the commit was not made")
            return
        }
        #expect(open.withLock { $0 } == [left])
        #expect(after.metadataLocation != left)
    }

    /// Nothing to change is no commit.
    func emptyCommit() async throws {
        let catalog = try await setUp()
        let base = try await catalog.loadTable(table)

        let outcome = await catalog.commit([], requirements: [], to: table, base: base)

        guard case .committed(let after) = outcome else {
            Issue.record("the empty commit was \(outcome)")
            return
        }
        #expect(after.metadataLocation == base.metadataLocation)
        #expect(try bed.metadataFiles(table).count == 1)
    }

    /// Whoever planned on an older version is told so, and leaves nothing behind.
    func staleBase() async throws {
        let catalog = try await setUp()
        let base = try await catalog.loadTable(table)
        _ = await catalog.commit([set("first")], requirements: [], to: table, base: base)
        let files = try bed.metadataFiles(table)

        let outcome = await catalog.commit([set("second")], requirements: [], to: table, base: base)

        guard case .refused(.conflict) = outcome else {
            Issue.record("a commit on a stale base was \(outcome)")
            return
        }
        #expect(try bed.metadataFiles(table) == files)
        #expect(try await catalog.loadTable(table).metadata.properties["second"] == nil)
    }

    /// What does not hold or does not fit changes nothing.
    func refusals() async throws {
        let catalog = try await setUp()
        let base = try await catalog.loadTable(table)

        let requirement = await catalog.commit(
            [set("a")], requirements: [.assertRefSnapshotID(ref: "main", snapshotID: 2)],
            to: table, base: base)
        let update = await catalog.commit(
            [.removeSnapshots([77])], requirements: [], to: table, base: base)
        let codec = await catalog.commit(
            [set("write.metadata.compression-codec", "brotli"), set("a")], requirements: [],
            to: table, base: base)

        guard case .refused(.conflict) = requirement, case .refused(.rejected) = update else {
            Issue.record("the outcomes were \(requirement) and \(update)")
            return
        }
        if case .unknown = codec { Issue.record("an odd codec is no unknown outcome") }
        let after = try await catalog.loadTable(table)
        if case .refused = codec { #expect(after.metadataLocation == base.metadataLocation) }
    }

    /// Of many who commit to one version, one gets in; nobody is lost over many rounds.
    func concurrentCommitters() async throws {
        _ = try await setUp()
        let rounds = 5
        let committers = 6
        for round in 0..<rounds {
            let base = try await bed.catalog(storage).loadTable(table)
            let winners = try await withThrowingTaskGroup(of: Int.self) { group in
                for committer in 0..<committers {
                    group.addTask {
                        let outcome = try await bed.catalog(storage).commit(
                            [set("round-\(round)", "\(committer)")], requirements: [], to: table,
                            base: base)
                        switch outcome {
                        case .committed: return 1
                        case .refused(.conflict): return 0
                        case .refused, .unknown:
                            Issue.record("\(outcome)")
                            return 0
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(winners == 1)
        }
        let end = try await bed.catalog(storage).loadTable(table).metadata

        #expect((0..<rounds).allSatisfy { end.properties["round-\($0)"] != nil })
        #expect(end.metadataLog.count == rounds)
        #expect(try bed.metadataFiles(table).count == rounds + 1)
    }

    /// A storage that fails before or after any write leaves a whole table and a true outcome.
    func faults() async throws {
        let catalog = try await setUp()
        for (index, moment) in [StorageFault.Moment.before, .after].enumerated() {
            let base = try await catalog.loadTable(table)
            storage.inject(StorageFault(.write, moment, of: "metadata.json"))

            let outcome = await catalog.commit(
                [set("fault-\(index)")], requirements: [], to: table, base: base)

            let after = try await catalog.loadTable(table).metadata
            switch outcome {
            case .committed: #expect(moment == .after && after.properties["fault-\(index)"] == "1")
            case .refused(.unavailable): #expect(after == base.metadata)
            case .refused, .unknown: Issue.record("a fault \(moment) the write was \(outcome)")
            }
            // Nothing is left that a later commit would stumble over.
            let next = await catalog.commit(
                [set("next-\(index)")], requirements: [], to: table,
                base: try await catalog.loadTable(table))
            guard case .committed = next else {
                Issue.record("the commit after a fault was \(next)")
                return
            }
        }
    }

    /// A table whose metadata cannot be fetched for now is not broken.
    func passingFault() async throws {
        let catalog = try await setUp()
        storage.inject(StorageFault(.read, .before, of: "metadata.json"))

        await #expect {
            try await catalog.loadTable(table)
        } throws: { error in
            if case .unavailable = error as? CatalogError { true } else { false }
        }
        #expect(try await catalog.loadTable(table).metadata.snapshots.count == 3)
    }

    /// Compressed where the table asks for it, and read whatever the name.
    func compressedMetadata() async throws {
        let catalog = try await setUp(properties: ["write.metadata.compression-codec": "gzip"])
        let base = try await catalog.loadTable(table)

        _ = await catalog.commit([set("a")], requirements: [], to: table, base: base)

        let after = try await catalog.loadTable(table)
        #expect(after.metadata.properties["a"] == "1")
        #expect(after.metadataLocation.rawValue.hasSuffix(".gz.metadata.json"))
        let bytes = try await LocalStorage().read(after.metadataLocation, limit: 10_000)
        let isCompressed = bytes.starts(with: [0x1F, 0x8B])
        #expect(isCompressed)
    }

    /// Files that fell out of the log go if the table wants that, and nothing else does (P-19).
    func droppedMetadata() async throws {
        let folder = bed.location(table).appending("metadata")
        let own = folder.appending("00000-old.metadata.json")
        let foreign = bed.scratch.appending("elsewhere/00000-old.metadata.json")
        let odd = folder.appending("snap-1.avro")
        for location in [own, foreign, odd] {
            try await LocalStorage().write([1], to: location, condition: .none)
        }
        let catalog = try await setUp(
            properties: [
                "write.metadata.delete-after-commit.enabled": "true",
                "write.metadata.previous-versions-max": "1",
            ], previousFiles: [own, foreign, odd].map(\.rawValue))
        let base = try await catalog.loadTable(table)

        _ = await catalog.commit([set("a")], requirements: [], to: table, base: base)

        #expect(try await catalog.loadTable(table).metadata.metadataLog.count == 1)
        #expect(try await LocalStorage().stat(own) == nil)
        #expect(try await LocalStorage().stat(foreign) != nil)
        #expect(try await LocalStorage().stat(odd) != nil)
        #expect(try await LocalStorage().stat(base.metadataLocation) != nil)
    }

    /// Nothing goes unless both the table and `gc.enabled` allow it (P-15).
    func keptMetadata() async throws {
        let own = bed.location(table).appending("metadata/00000-old.metadata.json")
        try await LocalStorage().write([1], to: own, condition: .none)
        let catalog = try await setUp(
            properties: [
                "write.metadata.delete-after-commit.enabled": "true", "gc.enabled": "false",
                "write.metadata.previous-versions-max": "1",
            ], previousFiles: [own.rawValue])
        let base = try await catalog.loadTable(table)

        _ = await catalog.commit([set("a")], requirements: [], to: table, base: base)

        #expect(try await LocalStorage().stat(own) != nil)
    }
}
