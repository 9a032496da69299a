// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import IcebergCatalog
import IcepackRuntime
import Jobs
import Logging
import ObjectStorage
import ServiceLifecycle
import Synchronization
import UnixSignals

/// What every command that touches the store begins with.
struct Startup {
    let configuration: Configuration
    let logger: Logger

    init(_ options: ConfigurationOptions) throws { self.init(try options.load()) }

    init(_ configuration: Configuration) {
        self.configuration = configuration
        let logging = configuration.logging
        logger = Logger(label: "icepack") { label in
            LineLogHandler(
                label: label, format: logging.format,
                level: Logger.Level(rawValue: logging.level.rawValue) ?? .info)
        }
    }

    /// The store with its schema brought up to date.
    func migratedStore() async throws -> any JobStore {
        try await reporting { () async throws -> any JobStore in
            let store = try configuration.makeStore(logger: logger)
            try await store.migrate()
            return store
        }
    }

    private func catalog() throws -> (any Catalog, EngineBridge) {
        do {
            let storage = try configuration.makeStorage()
            let catalog = try configuration.makeCatalog(storage: storage)
            return (
                catalog,
                try configuration.makeBridge(
                    catalog: catalog, storage: storage, logger: logger)
            )
        } catch {
            Console.note("icepack: \(error)")
            throw ExitStatus.configuration.exit
        }
    }

    /// Runs the body with the catalog and the engines over it, which are shut down after it.
    func withCatalog<Value>(
        _ body: (any Catalog, EngineBridge) async throws -> Value
    ) async throws -> Value {
        let (catalog, bridge) = try catalog()
        let value: Value
        do {
            value = try await body(catalog, bridge)
        } catch {
            await bridge.shutdown()
            throw error
        }
        await bridge.shutdown()
        return value
    }

    /// Runs the body; a store that fails ends the process with a sentence and a status.
    func reporting<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let failure as StartupFailure {
            Console.note("icepack: \(failure)")
            throw ExitStatus.configuration.exit
        } catch let error as JobStoreError {
            Console.note("icepack: \(Self.sentence(error))")
            switch error {
            case .corrupt: throw ExitStatus.configuration.exit
            case .fenced, .unavailable, .outcomeUnknown: throw ExitStatus.unavailable.exit
            }
        }
    }

    private static func sentence(_ error: JobStoreError) -> String {
        switch error {
        case .fenced: "another worker has taken the job"
        case .unavailable(let reason): "the job store cannot be reached: \(reason)"
        case .outcomeUnknown(let reason): "the job store did not answer: \(reason)"
        case .corrupt(let reason): "the job store cannot be used: \(reason)"
        }
    }

    /// Runs services until they end or the process is told to stop.
    func run(_ services: [any Service], within limit: Duration) async throws {
        var group = ServiceGroupConfiguration(
            services: services.map {
                .init(
                    service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup)
            },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
        group.maximumGracefulShutdownDuration = limit
        group.maximumCancellationDuration = .seconds(1)
        try await ServiceGroup(configuration: group).run()
    }

    /// Does one thing while the process heeds SIGTERM; nil where it was not done to its end.
    func once<Value: Sendable>(
        within limit: Duration, _ body: @escaping @Sendable () async -> Value
    ) async throws -> Value? {
        let pass = Pass(body)
        try await run([pass], within: limit)
        return pass.value
    }

    private var quiet: Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }
}

/// Does one thing and keeps what came of it.
private final class Pass<Value: Sendable>: Service {
    private let body: @Sendable () async -> Value
    private let outcome = Mutex<Value?>(nil)

    init(_ body: @escaping @Sendable () async -> Value) { self.body = body }

    var value: Value? { outcome.withLock { $0 } }

    func run() async {
        let value = await body()
        outcome.withLock { $0 = value }
    }
}

/// Lets the signals through that a careless parent may have blocked; a daemon that never sees
/// SIGTERM can only be killed.
func unblockTerminationSignals() {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGINT)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
}
