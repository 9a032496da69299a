// SPDX-License-Identifier: Apache-2.0

import Foundation
import HiveServer2
public import IcebergCatalog
import IcebergSpec
import IcebergTable
public import Logging
import Maintenance
import NativeEngine
public import ObjectStorage
import SparkEngine

extension Configuration {
    /// The engines that this process can run actions with, the native one first.
    ///
    /// - Throws: ``StartupFailure`` for a Spark server that cannot be spoken to as configured, or
    ///   an environment of AWS that has mistakes.
    public func makeBridge(
        catalog: some Catalog, storage: StorageRouter, logger: Logger
    ) throws(StartupFailure) -> EngineBridge {
        let storages = try makeTableStorages(usual: storage)
        let native = nativeEngine(catalog, storage, storages)
        var engines: [any MaintenanceEngine] = [native]
        var shutdown: @Sendable () async -> Void = {}
        if let spark {
            let client = try spark.client()
            let web = SparkWebApplications(spark.endpoints)
            engines.append(
                SparkEngine(
                    server: HiveServer2Server(
                        client: client, place: "\(spark.host):\(spark.port)",
                        secrets: [spark.password].compactMap(\.self)),
                    applications: spark.isWatched ? web : nil, catalog: catalog,
                    storage: storage, settings: spark.engineSettings,
                    orphanGuard: native, clock: ContinuousClock(), logger: logger))
            shutdown = {
                await client.shutdown()
                do { try await web.shutdown() } catch {
                    logger.debug("spark.shutdown", metadata: ["error": "\(error)"])
                }
            }
        }
        return EngineBridge(
            engines: engines, preference: engine, lease: jobs.lease, keeper: native,
            filePlan: { request throws(MaintenanceError) in
                var storage = storage
                if let storages {
                    do throws(TableStorages.Failure) {
                        storage = try await storages.storage(of: request.table, in: catalog)
                    } catch {
                        throw MaintenanceError(error)
                    }
                }
                return try await FilePlanner(catalog: catalog, storage: storage).plan(request)
            },
            tablePreference: { table throws(MaintenanceError) in
                try await Self.preference(of: table, in: catalog, logger)
            },
            shutdown: shutdown)
    }

    private func nativeEngine(
        _ catalog: some Catalog, _ storage: StorageRouter, _ storages: TableStorages?
    ) -> any MaintenanceEngine & OrphanGuard & QuarantineKeeper {
        let settings = NativeEngineSettings(
            memoryBytes: nativeMemoryBytes,
            allowedPrefixes: removalPrefixes.map { AllowedPrefixes($0) } ?? .everywhere,
            temporaryFolder: FileManager.default.temporaryDirectory.path)
        return if let storages {
            LendingEngine(catalog: catalog, storages: storages, settings: settings)
        } else {
            NativeEngine(catalog: catalog, storage: storage, settings: settings)
        }
    }

    /// What the table's properties say; nil where they say nothing.
    private static func preference(
        of table: TableIdentifier, in catalog: some Catalog, _ logger: Logger
    ) async throws(MaintenanceError) -> EnginePreference? {
        let loaded: LoadedTable
        do throws(CatalogError) { loaded = try await catalog.loadTable(table) } catch {
            throw MaintenanceError(TableStorages.Failure.catalog(error))
        }
        var reader = PolicyReader(loaded.metadata.properties)
        let preference = reader.choice("engine", as: EnginePreference.self)?.value
        for warning in reader.warnings {
            logger.warning(
                "policy_ignored", metadata: ["table.name": "\(table)", "reason": "\(warning)"])
        }
        return preference
    }
}

extension Configuration.SparkSettings {
    /// Whether there is an interface to watch and stop applications by.
    fileprivate var isWatched: Bool { uiURL != nil || adminURL != nil }

    fileprivate func client() throws(StartupFailure) -> HiveServer2Client {
        let configuration = HiveServer2Configuration(
            host: host, port: port, transport: transport == .binary ? .binary : .http(),
            authentication: authentication == .plain
                // SASL PLAIN wants some password even where nobody checks it.
                ? .plain(user: user, password: password ?? user) : .nosasl,
            tls: usesTLS ? .on(authorities: certificateFile) : .off)
        do throws(HiveServer2Error) { return try HiveServer2Client(configuration) } catch {
            throw StartupFailure("the Spark server cannot be used as configured: \(error)")
        }
    }

    fileprivate var endpoints: SparkWebEndpoints {
        SparkWebEndpoints(
            interface: uiURL, administration: adminURL, sessionUser: user,
            user: password == nil ? nil : user, password: password)
    }

    fileprivate var engineSettings: SparkSettings {
        SparkSettings(
            catalog: catalog, sharing: server == .kyuubi ? .perJob : .shared,
            iceberg: icebergVersion,
            locations: LocationMapping(schemes: ["s3": locationScheme]),
            operationLimit: operationLimit)
    }
}
