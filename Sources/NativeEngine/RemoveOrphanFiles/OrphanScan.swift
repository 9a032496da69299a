// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import SortedRuns
import WireFormat

/// Finds the orphans of a table; changes nothing.
///
/// 1. Load the table; refuse what cannot be looked through safely.
/// 2. Find the folders, and what other tables of the catalog have to do with them (P-01, P-03).
/// 3. List, or read the inventory, or take what another engine listed, into a sort on disk.
/// 4. Make sure that all table metadata found there is this table's.
/// 5. Load the table again, and sort every file that it needs, now or at 1 (P-06, P-07).
/// 6. Compare. What is listed, old and not needed is an orphan, unless it looks like a needed file.
///
/// Whatever cannot be read ends it with an error (P-08).
struct OrphanScan<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let options: RemoveOrphanFilesOptions
    let identifier: TableIdentifier
    let now: Timestamp
    /// What another engine found, instead of a listing.
    let candidates: [Location]?
    let report: @Sendable (ActionProgress) -> Void

    private var matching: PathMatching {
        PathMatching(
            equalSchemes: options.equalSchemes, equalAuthorities: options.equalAuthorities)
    }

    func run() async throws(MaintenanceError) -> OrphanFindings<Tables, Storage> {
        let table = try await engine.load(identifier)
        let ground = try await survey(table)
        let folder = try temporaryFolder()
        var listing = try await list(ground, in: folder)
        let known = MetadataOwnership(
            storage: engine.storage, metadata: table.metadata,
            adopted: Set(options.adoptedTableUUIDs.map { $0.lowercased() }),
            width: NativeEngineSettings.metadataReadWidth)
        try await known.check(listing.metadataFiles)

        var earlier = [table]
        for other in ground.enclosing { earlier.append(try await engine.load(other)) }
        var watched = WatchedTables(earlier, in: engine.catalog, with: engine.walk(report))
        let collector = LiveCollector(sorter(in: folder), matching)
        let current = try await watched.visitAll(and: earlier, collector)
        report(ActionProgress(phase: "comparing", done: 0, total: nil, unit: "files"))
        let comparison = try compare(&listing, collector, ground, in: folder)
        try await checkMissing(comparison.join, listing, ground)
        return finish(comparison, listing, ground, watched, current.first ?? table)
    }

    private func temporaryFolder() throws(MaintenanceError) -> TemporaryFolder {
        do throws(SortedRunsError) {
            return try TemporaryFolder(in: engine.settings.temporaryFolder)
        } catch {
            throw MaintenanceError(error)
        }
    }

    private func sorter(in folder: TemporaryFolder) -> RecordSorter {
        RecordSorter(in: folder, memoryBytes: engine.settings.sortBytes)
    }
}

/// Where orphans are looked for, and what was found out before.
struct OrphanGround {
    let roots: TableRoots
    /// The folders that are looked through.
    let scanned: [TableRoots.Root]
    let age: OrphanAge
    /// Folders of other tables within.
    let excluded: [TableRoots.Root]
    /// Tables whose folders lie around.
    let enclosing: [TableIdentifier]
}

/// What a scan found.
struct OrphanFindings<Tables: Catalog, Storage: ObjectStorage> {
    /// The table as it was after the listing.
    let table: LoadedTable
    let ground: OrphanGround
    /// The orphans in the order of their keys.
    let orphans: SortedRecords
    let orphanCount: Int
    let orphanBytes: Int64
    let listedCount: Int
    let youngCount: Int
    let keptCount: Int
    let liveCount: Int
    let outsideCount: Int
    let missingCount: Int
    let likeLiveCount: Int
    /// What to ask before anything goes.
    var watched: WatchedTables<Tables, Storage>
    let matching: PathMatching
    let warnings: [String]
}

// MARK: Before the listing

extension OrphanScan {
    private func survey(_ table: LoadedTable) async throws(MaintenanceError) -> OrphanGround {
        let properties = table.metadata.properties
        let roots = TableRoots(table.metadata, matching)
        let scanned: [TableRoots.Root]
        let age: OrphanAge
        do throws(OrphanRefusal) {
            guard ExpireSnapshotsPlanner.removesFiles(properties) else {
                throw .garbageCollectionOff
            }
            let encryption = ExpiryPreparation<Tables, Storage>.encryptionProperty
            if properties[encryption] != nil { throw .encrypted(property: encryption) }
            try options.check(isListed: candidates != nil)
            age = try OrphanAge(properties: properties, olderThan: options.olderThan, now: now)
            scanned = try roots.narrowed(to: options.location, matching)
            for root in scanned {
                try TableRoots.check(root, allowed: engine.settings.allowedPrefixes)
            }
        } catch {
            throw MaintenanceError(error)
        }
        let neighbours = try await Neighbours.find(
            around: roots.roots, of: identifier, in: engine.catalog,
            width: engine.settings.readWidth, options: options, matching: matching)
        for uuid in options.adoptedTableUUIDs {
            guard let owner = neighbours.uuids[uuid.lowercased()] else { continue }
            throw MaintenanceError(
                OrphanRefusal.adoptedAlive(uuid: uuid, table: owner.description))
        }
        return OrphanGround(
            roots: roots, scanned: scanned, age: age, excluded: neighbours.excluded,
            enclosing: neighbours.enclosing)
    }

    private func list(
        _ ground: OrphanGround, in folder: TemporaryFolder
    ) async throws(MaintenanceError) -> OrphanListing {
        let rules = ListedFileRules(
            metadataFolders: ground.roots.metadataFolders, excluded: ground.excluded,
            skipsHidden: options.skipsHidden)
        var listing = OrphanListing(
            roots: ground.scanned, rules: rules, matching: matching, age: ground.age,
            sorter: sorter(in: folder))
        if let candidates {
            try await listing.take(
                candidates, in: engine.storage, width: engine.settings.readWidth, report)
        } else if let inventory = options.inventory {
            try await listing.read(Location(inventory), in: engine.storage, report)
        } else {
            for root in ground.scanned {
                try await listing.list(root, in: engine.storage, report)
            }
        }
        return listing
    }
}

// MARK: After the listing

/// What comparing came to.
struct OrphanComparison {
    let join: OrphanJoin.Outcome
    let orphans: SortedRecords
    let count: Int
    let bytes: Int64
    let likeLiveCount: Int
}

extension OrphanScan {
    private func compare(
        _ listing: inout OrphanListing, _ collector: LiveCollector, _ ground: OrphanGround,
        in folder: TemporaryFolder
    ) throws(MaintenanceError) -> OrphanComparison {
        let likeness = LikenessHash()
        let (listed, live) = try Self.sorting { () throws(SortedRunsError) in
            (try listing.sorter.finish(), try collector.finish())
        }
        guard let live else { throw .unreadable(reason: "the needed files were sorted twice") }
        var join = try OrphanJoin(roots: ground.scanned, likeness: likeness).run(
            listed: listed, live: live, orphans: sorter(in: folder), unlisted: sorter(in: folder))
        let count = join.orphans.count
        let hasUnlisted = join.unlisted.count > 0
        let orphans = try Self.sorting { () throws(SortedRunsError) in try join.orphans.finish() }
        guard count > 0, hasUnlisted else {
            return OrphanComparison(
                join: join, orphans: orphans, count: count, bytes: join.orphanBytes,
                likeLiveCount: 0)
        }
        let unlisted = try Self.sorting { () throws(SortedRunsError) in
            try join.unlisted.finish()
        }
        var left = try LikenessCheck(
            matching: matching, likeness: likeness, mode: options.prefixMismatch
        ).run(
            orphans: orphans, unlisted: unlisted, byName: sorter(in: folder),
            rest: sorter(in: folder))
        let leftCount = left.orphans.count
        return OrphanComparison(
            join: join,
            orphans: try Self.sorting { () throws(SortedRunsError) in try left.orphans.finish() },
            count: leftCount, bytes: left.orphanBytes, likeLiveCount: left.keptCount)
    }

    private static func sorting<Value>(
        _ body: () throws(SortedRunsError) -> Value
    ) throws(MaintenanceError) -> Value {
        do throws(SortedRunsError) { return try body() } catch { throw MaintenanceError(error) }
    }

    /// Needed files that were not listed are a damaged table, or half a listing (P-13).
    private func checkMissing(
        _ join: OrphanJoin.Outcome, _ listing: OrphanListing, _ ground: OrphanGround
    ) async throws(MaintenanceError) {
        // Another engine names orphans, not what the table needs.
        guard join.missingCount > 0, candidates == nil else { return }
        guard listing.count > 0 else {
            let roots = ground.scanned.map(\.location.rawValue).joined(separator: ", ")
            throw MaintenanceError(
                OrphanRefusal.incompleteListing(
                    "nothing was found in \(roots), where the table has \(join.missingCount) "
                        + "files; does the store allow listing?"))
        }
        // An inventory is as old as it is.
        guard options.inventory == nil else { return }
        for location in join.missing {
            let found: ObjectInfo?
            do throws(StorageError) { found = try await engine.storage.stat(location) } catch {
                throw MaintenanceError(error)
            }
            // What was written since is no wonder.
            guard let found, ground.age.isOldEnough(found.modifiedMilliseconds) else { continue }
            throw MaintenanceError(
                OrphanRefusal.incompleteListing("\(location) is there and was not listed"))
        }
    }

    private func finish(
        _ comparison: OrphanComparison, _ listing: OrphanListing, _ ground: OrphanGround,
        _ watched: WatchedTables<Tables, Storage>, _ table: LoadedTable
    ) -> OrphanFindings<Tables, Storage> {
        let join = comparison.join
        var warnings = ground.age.warnings + ground.roots.skipped
        if join.outsideCount > 0, options.location == nil {
            warnings.append(
                "the table needs \(ReportWording.count(join.outsideCount, "file")) in none of its "
                    + "folders, where orphans are not looked for")
        }
        if join.missingCount > 0, candidates == nil {
            warnings.append(
                "not found: \(ReportWording.count(join.missingCount, "file")) that the table needs")
        }
        return OrphanFindings(
            table: table, ground: ground, orphans: comparison.orphans,
            orphanCount: comparison.count, orphanBytes: comparison.bytes,
            listedCount: listing.count, youngCount: listing.youngCount,
            keptCount: listing.keptCount, liveCount: join.liveCount,
            outsideCount: join.outsideCount,
            missingCount: candidates == nil ? join.missingCount : 0,
            likeLiveCount: comparison.likeLiveCount, watched: watched, matching: matching,
            warnings: warnings)
    }
}
