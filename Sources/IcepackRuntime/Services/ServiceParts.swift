// SPDX-License-Identifier: Apache-2.0

public import Fleet
import Foundation
public import IcebergCatalog
import IcepackAPI
public import Jobs
public import Logging
import Maintenance
import ObjectStorage
public import ServiceLifecycle

/// The running parts of one process, made from its configuration.
///
/// The only place where adapters are joined to ports.
public struct ServiceParts<Store: JobStore, TableCatalog: Catalog>: Sendable {
    private let configuration: Configuration
    private let store: Store
    private let catalog: TableCatalog
    private let bridge: EngineBridge
    private let logger: Logger

    /// Joins a store and a catalog by a configuration.
    public init(
        configuration: Configuration, store: Store, catalog: TableCatalog, bridge: EngineBridge,
        logger: Logger
    ) {
        self.configuration = configuration
        self.store = store
        self.catalog = catalog
        self.bridge = bridge
        self.logger = logger
    }

    /// A worker; slots of one process count from 1.
    ///
    /// - Throws: ``Jobs/InvalidWorkerConfiguration``, which a checked configuration does not cause.
    public func worker(slot: Int) throws -> Worker<Store, ContinuousClock> {
        let host = ProcessInfo.processInfo.hostName
        let pid = ProcessInfo.processInfo.processIdentifier
        return Worker(
            store: store, id: WorkerID("\(host):\(pid):\(slot)"),
            configuration: try configuration.jobs.workerConfiguration, clock: ContinuousClock(),
            logger: logger, engine: bridge.actionEngine)
    }

    /// The sweeper; there is none while the service drains.
    public var sweeper: Sweeper<Store, ContinuousClock>? {
        guard !configuration.jobs.isDraining else { return nil }
        return Sweeper(
            store: store, policy: configuration.jobs.sweepPolicy,
            interval: configuration.jobs.sweep, clock: ContinuousClock(),
            inspect: bridge.holdInspector, logger: logger)
    }

    private var quarantine: QuarantineService<Store> {
        QuarantineService(store: store, bridge: bridge, jobs: configuration.jobs, logger: logger)
    }

    /// What purges quarantined files once their days are over; there is none while the service
    /// drains.
    public var quarantinePurge: QuarantinePurgeService<Store>? {
        guard !configuration.jobs.isDraining else { return nil }
        return QuarantinePurgeService(
            quarantine, store: store, days: configuration.quarantineDays, logger: logger)
    }

    /// What keeps the listing of the catalog fresh.
    public var tableCacheSync: some Service {
        TableCacheSyncService(
            sync: TableCacheSync(catalog: catalog, cache: store, logger: logger),
            interval: configuration.tableCache.refresh, logger: logger)
    }

    /// What looks at every table now and then; there is none where that is switched off.
    ///
    /// - Throws: ``StartupFailure`` for a storage that cannot be used as configured.
    public func healthSyncService() throws(StartupFailure) -> (any Service)? {
        guard let interval = configuration.healthSync.interval else { return nil }
        return HealthSyncService(sync: try makeHealthSync(), interval: interval, logger: logger)
    }

    /// Looks at every table once, and says what came of it; nil when another process is at it.
    ///
    /// - Throws: ``StartupFailure`` for a storage that cannot be used as configured, or
    ///   ``Fleet/HealthSyncError``.
    public func healthSyncOnce() async throws -> HealthSyncReport? {
        try await makeHealthSync().cycle()
    }

    /// Lists the catalog into the table cache, unless that was done lately.
    ///
    /// - Throws: ``Fleet/TableCacheSyncError``.
    public func syncTableCache() async throws(TableCacheSyncError) {
        _ = try await TableCacheSync(catalog: catalog, cache: store, logger: logger)
            .sync(unlessYounger: configuration.tableCache.refresh)
    }

    private func makeObserver() throws(StartupFailure) -> TableObserver<
        TableCatalog, StorageRouter, Store
    > {
        let usual = try configuration.makeStorage()
        let storages = try configuration.makeTableStorages(usual: usual)
        let inspector = TableInspector(catalog: catalog) {
            [catalog] table throws(StorageError) -> StorageRouter in
            guard let storages else { return usual }
            return try storages.storage(of: table) { () async throws(CatalogError) in
                try await catalog.loadTable(table.identifier).storageAccess
            }
        }
        return TableObserver(inspector: inspector, store: store, logger: logger)
    }

    private func makeHealthSync() throws(StartupFailure) -> HealthSync<
        TableCatalog, StorageRouter, Store
    > {
        HealthSync(
            observer: try makeObserver(), store: store,
            settings: HealthSyncSettings(
                databases: configuration.healthSync.databases
                    ?? configuration.enrolment.allowlist.map { Set($0) },
                concurrency: configuration.healthSync.concurrency),
            logger: logger, now: { .now })
    }

    /// The REST API.
    ///
    /// - Throws: ``StartupFailure`` for a storage that cannot be used as configured.
    public func apiServer(
        onListening: @escaping @Sendable (Int) async -> Void
    ) throws(StartupFailure) -> some Service {
        let reporter = TableReporter(
            observer: try makeObserver(),
            recommender: Recommender(
                store: store, enrolment: configuration.enrolment, order: configuration.actionOrder,
                router: bridge.router, defaults: configuration.policyDefaults))
        var limits = APILimits()
        limits.storePingLimit = configuration.postgresPool.healthCheckTimeout
        return APIServer(
            configuration: APIConfiguration(
                store: store,
                planner: { [bridge] table, action, options throws(MaintenanceError) in
                    try await bridge.plan(table, action, options)
                },
                inspector: { table, document throws(InspectionError) in
                    try await reporter.document(document, of: table, now: .now)
                },
                quarantine: quarantine.access(days: configuration.quarantineDays),
                router: bridge.router, order: configuration.actionOrder,
                enrolment: configuration.enrolment, isDraining: configuration.jobs.isDraining,
                lockLease: configuration.jobs.lease,
                tableCacheStaleness: configuration.tableCache.staleness,
                observationStaleness: configuration.healthSync.staleness, limits: limits,
                now: { .now }, logger: logger),
            host: configuration.listen.host, port: configuration.listen.port,
            onListening: onListening)
    }
}

extension Configuration {
    /// What decides where a table's properties say nothing.
    var policyDefaults: PolicyDefaults {
        PolicyDefaults(
            cadenceHours: EffectiveValue(Int64(cadenceHours), origin(.maintenanceCadenceHours)),
            engine: EffectiveValue(engine, origin(.engine)),
            enrollment: EffectiveValue(enrolment.mode.rawValue, origin(.enrollment)),
            allowlist: EffectiveValue(enrolment.allowlist, origin(.maintenanceAllowlist)))
    }

    private func origin(_ key: ConfigurationKey) -> ValueOrigin {
        switch values.values[key]?.origin {
        case .environment: .environment(key.environmentName)
        case .file: .file(key.rawValue)
        case .builtIn, nil: .byDefault
        }
    }
}

extension Configuration.JobSettings {
    /// How a worker holds, retries and gives up jobs.
    public var workerConfiguration: WorkerConfiguration {
        get throws(InvalidWorkerConfiguration) {
            try workerConfiguration(maxAttempts: maxAttempts)
        }
    }

    /// The same with another number of attempts.
    public func workerConfiguration(
        maxAttempts: Int
    ) throws(InvalidWorkerConfiguration) -> WorkerConfiguration {
        try WorkerConfiguration(
            lease: lease, heartbeat: heartbeat, maxAttempts: maxAttempts, retryDelay: retryDelay,
            pollInterval: poll)
    }

    /// The limits of a sweep.
    public var sweepPolicy: SweepPolicy {
        SweepPolicy(maxAttempts: maxAttempts, retryDelay: retryDelay)
    }
}
