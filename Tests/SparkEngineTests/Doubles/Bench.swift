// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import Logging
import Maintenance
import SparkEngine
import Synchronization
import TestSupport
import Testing
import WireFormat

/// A catalog of one table, which a test changes as Spark would.
final class OneTable: Catalog {
    let name = "test"
    private let state: Mutex<(table: LoadedTable, error: CatalogError?, loads: Int)>

    init(_ table: TestTable) throws { state = Mutex((try table.loaded(), nil, 0)) }

    func set(_ table: TestTable) throws {
        let loaded = try table.loaded()
        state.withLock { $0.table = loaded }
    }

    func fail(with error: CatalogError?) { state.withLock { $0.error = error } }

    func listTables() async throws(CatalogError) -> [TableIdentifier] { [TestTable.identifier] }

    func loadTable(_ identifier: TableIdentifier) async throws(CatalogError) -> LoadedTable {
        let (table, error) = state.withLock { state in
            state.loads += 1
            return (state.table, state.error)
        }
        if let error { throw error }
        return table
    }

    func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement],
        to identifier: TableIdentifier, base: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome {
        .refused(.rejected(reason: "this engine never commits"))
    }
}

/// What an engine asks of a job, written down.
final class Notebook: Sendable {
    private struct State {
        var kept: [JSONValue?] = []
        var aftermaths: [EngineAftermath] = []
        var progress: [ActionProgress] = []
        var leases: [Duration] = []
        var keepErrors: [Int: MaintenanceError] = [:]
        var leaseError: MaintenanceError?
    }

    private let state = Mutex(State())

    var kept: [JSONValue?] { state.withLock(\.kept) }
    var aftermaths: [EngineAftermath] { state.withLock(\.aftermaths) }
    var progress: [ActionProgress] { state.withLock(\.progress) }
    var leases: [Duration] { state.withLock(\.leases) }

    /// The write with this number fails.
    func failKeeping(_ number: Int, with error: MaintenanceError) {
        state.withLock { $0.keepErrors[number] = error }
    }

    func failLease(with error: MaintenanceError) { state.withLock { $0.leaseError = error } }

    func context(inheriting inherited: JSONValue? = nil) -> RunContext {
        RunContext(
            confirmLease: { [self] needed throws(MaintenanceError) in
                let error = state.withLock { state in
                    state.leases.append(needed)
                    return state.leaseError
                }
                if let error { throw error }
            },
            report: { [self] progress in state.withLock { $0.progress.append(progress) } },
            journal: NoEntries(), attempt: TestTable.attempt,
            tracking: EngineTracking(
                inherited: inherited,
                keep: { [self] value throws(MaintenanceError) in
                    let error = state.withLock { state in
                        state.kept.append(value)
                        return state.keepErrors[state.kept.count]
                    }
                    if let error { throw error }
                },
                note: { [self] aftermath in
                    state.withLock { $0.aftermaths.append(aftermath) }
                }))
    }
}

/// Nothing was ever journalled.
private struct NoEntries: MaintenanceJournal {
    func plan(
        _ files: [JournalledFile], tableUUID: String
    ) async throws(MaintenanceError) {}

    func close(paths: [String]) async throws(MaintenanceError) {}

    func markUnknown() async throws(MaintenanceError) {}

    func openEntries(
        tableUUID: String, after id: Int64, limit: Int
    ) async throws(MaintenanceError) -> [OpenJournalledFile] { [] }

    func closeReplayed(_ ids: [Int64]) async throws(MaintenanceError) {}
}

/// An engine with everything around it.
struct Bench: Sendable {
    typealias Engine = SparkEngine<
        ScriptedServer, ScriptedApplications, OneTable, ScriptedStorage, ManualClock
    >

    let server: ScriptedServer
    let applications: ScriptedApplications?
    let tables: OneTable
    let storage = ScriptedStorage()
    let notebook = Notebook()
    let clock = ManualClock()
    let engine: Engine

    init(
        _ script: ScriptedServer.Script = .init(),
        applications: ScriptedApplications.Script? = .init(),
        table: TestTable = TestTable(snapshots: [.init(id: 1)]),
        sharing: SparkSettings.Sharing = .shared, pace: SparkPace = SparkPace(),
        orphanGuard: (any OrphanGuard)? = nil
    ) throws {
        server = ScriptedServer(script)
        self.applications = applications.map(ScriptedApplications.init)
        tables = try OneTable(table)
        engine = Engine(
            server: server, applications: self.applications, catalog: tables, storage: storage,
            settings: SparkSettings(catalog: "lab", sharing: sharing, pace: pace),
            orphanGuard: orphanGuard, clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Runs an action while the clock moves on by itself.
    func run(
        _ action: MaintenanceAction = .rewriteDataFiles, _ options: JSONValue = .null,
        inheriting inherited: JSONValue? = nil
    ) async throws -> Result<ActionReport, MaintenanceError> {
        let request = try TestTable.request(action, options)
        return try await moving {
            do throws(MaintenanceError) {
                return .success(
                    try await engine.run(request, in: notebook.context(inheriting: inherited)))
            } catch {
                return .failure(error)
            }
        }
    }

    /// Runs an action that is cancelled once its statement has been asked about.
    func runCancelled(
        _ action: MaintenanceAction = .rewriteDataFiles
    ) async throws -> MaintenanceError? {
        let request = try TestTable.request(action)
        return try await moving {
            let task = Task { () -> MaintenanceError? in
                do throws(MaintenanceError) {
                    _ = try await engine.run(request, in: notebook.context())
                    return nil
                } catch {
                    return error
                }
            }
            try await eventually("the statement runs") { server.log.contains("status") }
            task.cancel()
            return await task.value
        }
    }

    /// Runs an action that is cancelled, after which nobody can tell whether Spark has stopped.
    ///
    /// - Returns: why not.
    func doubtAfterCancel(
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let error = try await runCancelled()
        let reason: String? = if case .stillRunning(let reason) = error { reason } else { nil }
        return try #require(
            reason, "Spark was said to have stopped", sourceLocation: sourceLocation)
    }

    /// Runs the body while the clock goes from sleeper to sleeper.
    func moving<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        // Whatever ends the body, time goes on until it has ended: a stop cannot be cancelled.
        try await clock.jumping {
            try await withDeadline("the engine ends", limit: .seconds(120)) { try await body() }
        }
    }

    /// What becomes of what an attempt before left, when its job is over.
    func settled(_ saved: SavedOperation? = nil) async throws -> EngineAftermath {
        let state = try (saved ?? self.saved()).json
        let engine = engine
        let aftermath = try await moving {
            await engine.settleAbandoned(TestTable.identifier, state: state)
        }
        return try #require(aftermath)
    }

    /// What an attempt before left.
    func saved(
        _ action: MaintenanceAction = .rewriteDataFiles, operation: String? = "operation of old",
        application: String? = "app-1", isCalled: Bool = true, isShown: Bool = true,
        base: TestTable = TestTable(snapshots: [.init(id: 1)])
    ) throws -> SavedOperation {
        SavedOperation(
            table: TestTable.identifier, action: action,
            attempt: TestTable.earlier, session: "old", operation: operation,
            application: application, isCalled: isCalled, isShown: isShown,
            base: TableBase(try base.loaded()), startedAt: TestTable.now)
    }
}
