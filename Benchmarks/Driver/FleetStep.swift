// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Fleet
import FoundationEssentials
import IcebergSpec
import Jobs
import Logging
import Maintenance
import ObjectStorage
import Postgres
import PostgresStore
import WireFormat

/// One step of looking after a fleet of simulated tables, in a process of its own, as a CronJob
/// would run it.
struct FleetStep: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet",
        abstract: "List simulated tables, look at them, or select what to maintain.")

    /// What is done.
    enum Step: String, CaseIterable, ExpressibleByArgument {
        /// The catalog's tables go into the table cache.
        case sync
        /// One cycle of looks.
        case health
        /// The orchestrator asks for every recommendation and submits nothing.
        case select
    }

    @Argument(help: "sync, health or select.")
    var step: Step

    @Option(help: "A postgres:// URL.")
    var store: String

    @Option(help: "A metadata file with local manifests; every table has them.")
    var metadata: String

    @Option(help: "How many tables there are.")
    var tables = 50_000

    func run() async throws {
        // As the service has it where nobody configures it.
        let store = PostgresStore(
            try PostgresConfiguration(url: store),
            limits: PostgresPool.Limits(minimumConnections: 4, maximumConnections: 20))
        try await store.migrate()
        let bytes = try await LocalStorage().read(
            Location(metadata), limit: TableMetadata.maximumByteCount)
        guard let template = try JSONValue(parsing: bytes).objectValue else {
            throw Unexpected(description: "\(metadata) is no object")
        }
        let fleet = SimulatedFleet(
            catalog: SimulatedCatalog(tables: tables, template: template), store: store)
        let began = ContinuousClock.now
        var report = JSONObject()
        switch step {
        case .sync: report["tables"] = .integer(try await fleet.sync())
        case .health: report["cycle"] = try await fleet.look()
        case .select: report["run"] = .object(await fleet.select().json)
        }
        report["seconds"] = .double((ContinuousClock.now - began) / .seconds(1))
        report["catalog_loads"] = .integer(fleet.catalog.loads)
        report["storage_reads"] = .integer(fleet.storage.reads)
        await store.shutdown()
        print(JSONValue.object(report).text())
    }
}

/// The parts of the service that look after tables, over a simulated catalog.
private struct SimulatedFleet {
    let catalog: SimulatedCatalog
    let store: PostgresStore
    let storage = CountingStorage(LocalStorage())
    let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }

    private var observer:
        TableObserver<SimulatedCatalog, CountingStorage<LocalStorage>, PostgresStore>
    {
        TableObserver(
            inspector: TableInspector(catalog: catalog, storage: storage), store: store,
            logger: logger)
    }

    /// How many tables the listing has.
    func sync() async throws -> Int {
        let sync = TableCacheSync(catalog: catalog, cache: store, logger: logger)
        guard case .synced(let report) = try await sync.sync() else {
            throw Unexpected(description: "somebody else holds the lock of the sync")
        }
        return report.tableCount
    }

    /// What one cycle of looks did.
    func look() async throws -> JSONValue {
        let sync = HealthSync(
            observer: observer, store: store, settings: HealthSyncSettings(databases: nil),
            logger: logger, now: { .current })
        guard let report = try await sync.cycle() else {
            throw Unexpected(description: "somebody else holds the lock of the cycle")
        }
        return report.json
    }

    /// What the orchestrator selected.
    func select() async -> OrchestratorRun {
        let router = EngineRouter(engines: [
            EngineCapability(name: "native", actions: Set(MaintenanceAction.allCases))
        ])
        let service = DirectMaintenance(
            reporter: TableReporter(
                observer: observer,
                recommender: Recommender(
                    store: store, enrolment: Enrolment(), order: .cleanupFirst, router: router)),
            store: store)
        return await Orchestrator(
            service: service, settings: OrchestratorSettings(isDryRun: true, name: "bench"),
            clock: ContinuousClock(), now: { .current }
        ).run()
    }
}

/// The service as the orchestrator sees it, without the network between them.
private struct DirectMaintenance: MaintenanceService {
    let reporter: TableReporter<SimulatedCatalog, CountingStorage<LocalStorage>, PostgresStore>
    let store: PostgresStore

    func tables() async throws(MaintenanceServiceError) -> [ListedTable] {
        try await keeping { () throws(JobStoreError) in
            try await store.cachedTables(database: nil)
                .filter { Enrolment().skipReason(for: $0) == nil }.map { ListedTable($0.name) }
        }
    }

    func recommendation(
        for table: TableName
    ) async throws(MaintenanceServiceError) -> RecommendedWork {
        let document: JSONValue
        do throws(InspectionError) {
            document = try await reporter.document(.recommendation, of: table, now: .current)
        } catch {
            throw .unavailable(reason: error.description)
        }
        guard let work = RecommendedWork(document) else {
            throw .refused(reason: "a recommendation came back in an unknown form")
        }
        return work
    }

    func submit(
        _ actions: [String], on table: TableName, key: String
    ) async throws(MaintenanceServiceError) -> SubmissionReply { .draining }

    func job(_ id: String) async throws(MaintenanceServiceError) -> JobState {
        throw .notFound(reason: "nothing was submitted")
    }

    func record(
        _ run: OrchestratorRun, isRepeat: Bool
    ) async throws(MaintenanceServiceError) {
        _ = try await keeping { () throws(JobStoreError) in try await store.record(run) }
    }

    private func keeping<Value>(
        _ body: () async throws(JobStoreError) -> Value
    ) async throws(MaintenanceServiceError) -> Value {
        do throws(JobStoreError) { return try await body() } catch {
            throw .unavailable(reason: "\(error)")
        }
    }
}

extension Timestamp {
    /// The time by this machine's clock.
    fileprivate static var current: Timestamp {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    }
}
