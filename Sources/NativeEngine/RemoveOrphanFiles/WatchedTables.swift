// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import Synchronization

/// The table, and those whose folders hold its folders: what any of them needs stays.
///
/// Asked again and again while orphans go (P-05, P-06). Of what a commit adds after the scan the
/// names are remembered: equal names keep a file too many, never one too few.
struct WatchedTables<Tables: Catalog, Storage: ObjectStorage> {
    private struct Watched {
        let identifier: TableIdentifier
        let journalKey: String
        /// Nil until the table's files were visited.
        var metadataLocation: Location?
        var walked = WalkedTable()
    }

    private let catalog: Tables
    private let walk: ReachabilityWalk<Storage>
    private var tables: [Watched]
    private let newNames = NameCollector()

    /// Watches tables of which nothing was read yet.
    init(
        _ tables: [LoadedTable], in catalog: Tables, with walk: ReachabilityWalk<Storage>
    ) {
        self.catalog = catalog
        self.walk = walk
        self.tables = tables.map {
            Watched(identifier: $0.identifier, journalKey: $0.journalKey, metadataLocation: nil)
        }
    }

    /// Visits every file that the tables need now, and what `earlier` needed besides (P-06).
    mutating func visitAll(
        and earlier: [LoadedTable], _ collector: LiveCollector
    ) async throws(MaintenanceError) -> [LoadedTable] {
        let sink: ReachabilityWalk<Storage>.LiveFileSink = {
            batch throws(ReachabilityError) in try collector.add(&batch)
        }
        var current: [LoadedTable] = []
        for index in tables.indices {
            let table = try await load(tables[index])
            try await visit(table, at: index, sink)
            tables[index].metadataLocation = table.metadataLocation
            for before in earlier where before.identifier == table.identifier {
                try await visit(before, at: index, sink)
            }
            current.append(table)
        }
        return current
    }

    /// Looks whether there were commits; their files are known from now on.
    ///
    /// - Returns: how many names are known that were not when the scan ended.
    mutating func refresh() async throws(MaintenanceError) -> Int {
        let names = newNames
        let sink: ReachabilityWalk<Storage>.LiveFileSink = {
            batch throws(ReachabilityError) in names.add(&batch)
        }
        for index in tables.indices {
            let table = try await load(tables[index])
            guard table.metadataLocation != tables[index].metadataLocation else { continue }
            try await visit(table, at: index, sink)
            tables[index].metadataLocation = table.metadataLocation
        }
        return names.count
    }

    /// Whether a file may be one that was committed since the scan.
    func isNeededNow(_ location: Location) -> Bool { newNames.contains(location) }

    private mutating func visit(
        _ table: LoadedTable, at index: Int,
        _ sink: @escaping ReachabilityWalk<Storage>.LiveFileSink
    ) async throws(MaintenanceError) {
        var walked = tables[index].walked
        do throws(ReachabilityError) {
            try await walk.forEachLiveFile(
                of: table.metadata, at: table.metadataLocation, after: &walked, sink)
        } catch {
            throw MaintenanceError(error)
        }
        tables[index].walked = walked
    }

    private func load(_ watched: Watched) async throws(MaintenanceError) -> LoadedTable {
        let table: LoadedTable
        do throws(CatalogError) { table = try await catalog.loadTable(watched.identifier) } catch {
            throw MaintenanceError(error)
        }
        guard table.journalKey == watched.journalKey else {
            throw .unreadable(
                reason: "\(watched.identifier) is another table now; nothing more was removed")
        }
        return table
    }
}

/// Names of files, as hashes, that many tasks add to.
///
/// A class, because tasks share it; the lock is held for a batch, never across an `await`.
private final class NameCollector: Sendable {
    private let names = Mutex<Set<UInt64>>([])
    private let likeness = LikenessHash()

    var count: Int { names.withLock { $0.count } }

    func add(_ batch: inout PathBatch<Void>) {
        names.withLock { names in
            batch.drain { path, _ in _ = names.insert(likeness.name(of: path)) }
        }
    }

    func contains(_ location: Location) -> Bool {
        var path = location.rawValue
        let hash = path.withUTF8 { likeness.name(of: UnsafeRawBufferPointer($0)) }
        return names.withLock { $0.contains(hash) }
    }
}
