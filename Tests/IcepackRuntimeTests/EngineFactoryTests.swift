// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import Logging
import Maintenance
import ObjectStorage
import Testing

@testable import IcepackRuntime

/// The engines as a configuration makes them.
@Suite struct EngineFactoryTests {
    /// A catalog that never answers with a table.
    private struct Failing: Catalog {
        let name = "failing"
        let error: CatalogError

        func listTables() async throws(CatalogError) -> [TableIdentifier] { throw error }

        func loadTable(
            _ identifier: TableIdentifier
        ) async throws(CatalogError) -> LoadedTable { throw error }

        func commit(
            _ updates: [TableUpdate], requirements: [TableRequirement],
            to identifier: TableIdentifier, base: LoadedTable, under commitGuard: CommitGuard
        ) async -> CommitOutcome {
            .refused(.rejected(reason: "nothing is committed here"))
        }
    }

    private static let table = TableIdentifier(namespace: ["db"], name: "t")

    @Test(arguments: [
        (CatalogError.unavailable(reason: "down"), "unavailable"),
        (.noSuchTable(table), "no_such_table"), (.denied(reason: "no"), "catalog_denied"),
        (.unreadableTable(table, reason: "no JSON"), "unreadable"),
    ])
    func `a table that cannot be read has no engine that could be guessed`(
        error: CatalogError, expected: String
    ) async throws {
        let bridge = try Configuration(ConfigurationValues(environment: [:])).makeBridge(
            catalog: Failing(error: error), storage: StorageRouter(plainPaths: nil, schemes: [:]),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })

        do throws(MaintenanceError) {
            let (engine, _) = try await bridge.engine(
                for: RoutedAction(.expireSnapshots), on: Self.table)
            Issue.record("\(engine.name) was chosen")
        } catch {
            switch error {
            case .unavailable: #expect(expected == "unavailable")
            case .unreadable: #expect(expected == "unreadable")
            case .refused(let code, _): #expect(expected == code)
            case .conflict, .commitUnknown, .fenceLost, .cancelled, .stillRunning:
                Issue.record("\(error)")
            }
        }
        await bridge.shutdown()
    }
}
