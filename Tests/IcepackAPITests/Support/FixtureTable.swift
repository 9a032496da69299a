// SPDX-License-Identifier: Apache-2.0

import Fleet
import Foundation
import IcebergCatalog
import IcebergSpec
import IcepackAPI
import Jobs
import Maintenance
import ObjectStorage
import TestSupport
import WireFormat

/// A catalog whose every table is one that another project wrote.
struct FixtureTable: Catalog {
    static let folder = "data/persistent/hive_partitioned_table/metadata"

    let name = "fixtures"
    let root: URL

    init() throws { root = try Fixtures.url("iceberg-tables") }

    func listTables() async throws(CatalogError) -> [TableIdentifier] { [] }

    func loadTable(_ identifier: TableIdentifier) async throws(CatalogError) -> LoadedTable {
        do {
            let folder = root.appending(path: Self.folder)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            guard let newest = names.filter({ $0.hasSuffix(".metadata.json") }).max() else {
                throw CatalogError.noSuchTable(identifier)
            }
            return LoadedTable(
                identifier: identifier, metadataLocation: Location("\(Self.folder)/\(newest)"),
                metadata: try TableMetadata(
                    parsing: Array(try Data(contentsOf: folder.appending(path: newest)))))
        } catch {
            throw .unavailable(reason: "\(error)")
        }
    }

    func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement],
        to identifier: TableIdentifier, base: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome {
        .refused(.rejected(reason: "a fixture never changes"))
    }

    /// What the service makes of it.
    func reporter(
        _ store: InMemoryJobStore
    ) throws -> TableReporter<FixtureTable, LocalStorage, InMemoryJobStore> {
        TableReporter(
            observer: TableObserver(
                inspector: TableInspector(
                    catalog: self, storage: try LocalStorage(relativeTo: Location(root.path))),
                store: store, logger: .silent),
            recommender: Recommender(
                store: store, enrolment: Enrolment(), order: .cleanupFirst, router: .everything))
    }
}
