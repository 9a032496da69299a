// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
import IcebergSpec
public import Logging
public import Maintenance
public import ObjectStorage
import WireFormat

/// Has Spark carry out actions, by calling Iceberg's own procedures.
///
/// One session and one statement for each action. What Spark says of a statement is believed only
/// as far as it goes: a statement that did not end by itself is stopped together with the jobs that
/// Iceberg started below it, and what it committed is read from the table.
public struct SparkEngine<
    Server: SparkSQLServer, Applications: SparkApplications, Tables: Catalog,
    Storage: ObjectStorage, Time: Clock
>: MaintenanceEngine where Time.Duration == Duration {
    let server: Server
    /// Nil where neither Spark's interface nor Kyuubi's administration is configured.
    let applications: Applications?
    let catalog: Tables
    let storage: Storage
    let settings: SparkSettings
    /// Decides about the orphans that Spark lists; nil where nobody does, and Spark only looks.
    let orphanGuard: (any OrphanGuard)?
    let clock: Time
    let logger: Logger

    /// The engine's name.
    public let name = SparkEngineName.value
    /// The actions it can run: all five.
    public let actions = Set(MaintenanceAction.allCases)
    /// What it does not take of them, by the version of Iceberg in Spark.
    public let limits: EngineLimits

    /// The most rows of a result; orphan files are listed one in a row.
    static var mostRows: Int { 1_000_000 }

    /// Works with a server on the tables of a catalog, which must be the one that Spark's catalog
    /// of the configured name stands for.
    ///
    /// - Parameter storage: where the tables' files are; it is only looked at, to name what a
    ///   stopped statement left behind.
    /// - Parameter orphanGuard: what moves the orphans that Spark lists.
    public init(
        server: Server, applications: Applications?, catalog: Tables, storage: Storage,
        settings: SparkSettings, orphanGuard: (any OrphanGuard)? = nil, clock: Time,
        logger: Logger
    ) {
        self.server = server
        self.applications = applications
        self.catalog = catalog
        self.storage = storage
        self.settings = settings
        self.orphanGuard = orphanGuard
        self.clock = clock
        self.logger = logger
        limits =
            SparkCapabilities(iceberg: settings.iceberg, guardsOrphans: orphanGuard != nil).limits
    }

    /// Stops what an earlier attempt left, or adopts it; then calls the procedure and follows it to
    /// its end.
    ///
    /// Cancelling the task stops Spark too, which takes up to ``SparkPace/stopLimit``, or
    /// ``SparkPace/longestStop`` where only silence tells.
    public func run(
        _ request: ActionRequest, in context: RunContext
    ) async throws(MaintenanceError) -> ActionReport {
        if let inherited = context.tracking.inherited,
            let report = try await takeOver(inherited, for: request, in: context)
        {
            return report
        }
        return try await start(request, in: context)
    }

    /// The table as it is now.
    func load(_ identifier: TableIdentifier) async throws(MaintenanceError) -> LoadedTable {
        do throws(CatalogError) {
            return try await catalog.loadTable(identifier)
        } catch {
            switch error {
            case .noSuchTable:
                throw .refused(code: "no_such_table", reason: error.description)
            case .unreadableTable:
                throw .unreadable(reason: error.description)
            case .unavailable:
                throw .unavailable(reason: error.description)
            case .denied:
                throw .refused(code: "catalog_denied", reason: error.description)
            }
        }
    }

    /// The procedure's call for a request.
    func call(
        _ request: ActionRequest, on table: LoadedTable, for attempt: AttemptLabel
    ) throws(MaintenanceError) -> (statement: String, warnings: [String]) {
        for member in request.options.values.members {
            if let reason = limits.refusedOptions[request.action]?[member.key] {
                throw .refused(code: "invalid_option", reason: reason)
            }
        }
        let arguments = try ProcedureArguments(
            request.action, options: request.options, properties: table.metadata.properties,
            now: request.now, locations: settings.locations)
        let mark = StatementMark(
            jobID: attempt.jobID, attemptID: attempt.attemptID, table: request.table.description,
            action: request.action.rawValue)
        let call = ProcedureCall(
            catalog: settings.catalog, table: request.table, procedure: request.action.rawValue,
            arguments: arguments.arguments, mark: mark)
        return (try call.statement(), arguments.warnings)
    }

    /// Refuses what Spark would do otherwise than every engine has to.
    func checkExpiry(
        _ request: ActionRequest, on table: LoadedTable
    ) throws(MaintenanceError) -> ExpireSnapshotsPlan {
        guard ExpireSnapshotsPlanner.removesFiles(table.metadata.properties) else {
            throw .refused(
                code: "gc_disabled",
                reason: "\(request.table) has \(ExpireSnapshotsPlanner.gcProperty) off, and Spark "
                    + "then expires nothing; use the native engine, which keeps the files")
        }
        let plan: ExpireSnapshotsPlan
        do throws(ExpireSnapshotsRefusal) {
            plan = try ExpireSnapshotsPlanner.plan(
                table.metadata, options: ExpireSnapshotsOptions(request.options),
                now: request.now)
        } catch {
            switch error {
            case .referenced:
                throw .refused(code: "snapshot_referenced", reason: error.description)
            case .property:
                throw .refused(code: "unreadable_property", reason: error.description)
            }
        }
        // Spark knows nothing of the positions that Flink's jobs look for (P-23).
        let held = plan.retained.contains { snapshot in
            if case .flinkJob = snapshot.reason { true } else { false }
        }
        guard !held else {
            throw .refused(
                code: "flink_position",
                reason: "a Flink job will look for a snapshot that Spark would expire; use the "
                    + "native engine, which keeps it")
        }
        return plan
    }
}
