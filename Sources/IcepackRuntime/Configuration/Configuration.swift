// SPDX-License-Identifier: Apache-2.0

public import Fleet
import Foundation
public import Maintenance

/// The whole configuration, typed and checked once; nothing else in the program reads the
/// environment.
public struct Configuration: Sendable {
    /// Where the API listens.
    public let listen: Listen
    /// Where state is kept.
    public let store: StoreLocation
    /// Connections to Postgres.
    public let postgresPool: PostgresPoolLimits
    /// Where tables are found.
    public let catalog: CatalogSettings
    /// How jobs are run.
    public let jobs: JobSettings
    /// How the listing of the catalog is kept fresh.
    public let tableCache: TableCacheSettings
    /// When every table is looked at, and which.
    public let healthSync: HealthSyncOptions
    /// When the whole fleet is maintained, and how much of it at once.
    public let orchestrator: OrchestrationSettings
    /// The hours between two runs on a table whose properties do not say.
    public let cadenceHours: Int
    /// Which tables are maintained unasked.
    public let enrolment: Enrolment
    /// The order in which a job's actions run.
    public let actionOrder: ActionOrder
    /// Which engine is wanted.
    public let engine: EnginePreference
    /// Where the client commands find the API.
    public let apiURL: String
    /// The most memory that the native engine may use for one action, in bytes.
    public let nativeMemoryBytes: Int
    /// Where files may be removed; nil is everywhere that tables name.
    public let removalPrefixes: [String]?
    /// What is configured of the S3 API.
    public let s3: S3Options
    /// Days after which what was moved to quarantine may be removed for good.
    public let quarantineDays: Int
    /// The Spark server; nil if there is none.
    public let spark: SparkSettings?
    /// What is logged, and how.
    public let logging: LogSettings
    /// The texts it was made of, for `icepack config`.
    public let values: ConfigurationValues

    /// Where the API listens.
    public struct Listen: Hashable, Sendable {
        /// An address or a host name.
        public let host: String
        /// 0 takes any free port.
        public let port: Int
    }

    /// Where state is kept.
    public enum StoreLocation: Hashable, Sendable {
        /// A file.
        case sqlite(path: String)
        /// A server, as a URL.
        case postgresURL(String)
        /// A server, in parts.
        case postgres(PostgresParts)
    }

    /// A Postgres server in parts.
    public struct PostgresParts: Hashable, Sendable {
        /// Host name, address, or the folder of a Unix socket.
        public let host: String
        /// TCP port.
        public let port: Int
        /// Database.
        public let database: String
        /// Role.
        public let user: String
        /// Never shown.
        public let password: String?
    }

    /// Connections to Postgres.
    public struct PostgresPoolLimits: Hashable, Sendable {
        /// Kept open.
        public let minimum: Int
        /// Never exceeded.
        public let maximum: Int
        /// After which a silent server counts as gone.
        public let healthCheckTimeout: Duration
    }

    /// Where tables are found.
    public struct CatalogSettings: Hashable, Sendable {
        /// Which adapter.
        public let kind: CatalogKind
        /// The catalog's own name; part of the key in SQL catalogs.
        public let name: String
        /// What the adapter connects to.
        public let uri: String?
        /// The root of the tables: a path or a URI.
        public let warehouse: String
        /// The account whose Glue Data Catalog it is; nil for the one that signs.
        public let glueID: String?
        /// How a REST catalog is spoken to; nil for another kind.
        public let rest: RESTCatalogOptions?
    }

    /// The catalogs that can be spoken to.
    public enum CatalogKind: String, CaseIterable, Hashable, Sendable {
        /// The Hadoop catalog's layout in a folder.
        case filesystem
        /// Tables of the JDBC catalog in SQLite or Postgres.
        case sql
        /// A server of the Iceberg REST protocol.
        case rest
        /// AWS Glue.
        case glue
    }

    /// How jobs are run.
    public struct JobSettings: Hashable, Sendable {
        /// In-process workers of `serve`; 0 for none.
        public let maxConcurrent: Int
        /// How long a claim lasts without renewal.
        public let lease: Duration
        /// How often it is renewed.
        public let heartbeat: Duration
        /// How often lapsed claims are looked for.
        public let sweep: Duration
        /// Attempts before a job is abandoned.
        public let maxAttempts: Int
        /// Delay before the second attempt; doubles for each later one.
        public let retryDelay: Duration
        /// How often an idle worker looks even without a signal.
        public let poll: Duration
        /// Whether submissions are refused and nobody sweeps.
        public let isDraining: Bool
    }

    /// How the listing of the catalog is kept fresh.
    public struct TableCacheSettings: Hashable, Sendable {
        /// Time between syncs.
        public let refresh: Duration
        /// Age past which `/readyz` says no.
        public let staleness: Duration
    }

    /// When every table is looked at, and which.
    public struct HealthSyncOptions: Hashable, Sendable {
        /// How often `serve` does it; nil for never.
        public let interval: Duration?
        /// The age from which a kept look is called stale; nil where nothing renews it.
        public let staleness: Duration?
        /// The databases to look at; nil for the allowlist, or all.
        public let databases: Set<String>?
        /// Tables that are looked at at once.
        public let concurrency: Int
    }

    /// When the whole fleet is maintained, and how much of it at once.
    public struct OrchestrationSettings: Hashable, Sendable {
        /// When `serve` does it; nil for never.
        public let schedule: CronSchedule?
        /// Jobs under way at once.
        public let maxInFlight: Int
    }

    /// What is logged, and how.
    public struct LogSettings: Hashable, Sendable {
        /// From which level on.
        public let level: LogLevel
        /// How a line looks.
        public let format: LogFormat
    }

    /// Levels in falling verbosity.
    public enum LogLevel: String, CaseIterable, Hashable, Sendable {
        case trace, debug, info, notice, warning, error
    }

    /// How a log line looks.
    public enum LogFormat: String, CaseIterable, Hashable, Sendable {
        /// For people.
        case text
        /// One JSON object a line.
        case json
    }
}

extension Configuration {
    /// Whether somebody set a store, or the default one's file is there.
    public var hasStore: Bool {
        switch store {
        case .sqlite(let path):
            values.values[.store]?.origin != .builtIn
                || FileManager.default.fileExists(atPath: path)
        case .postgresURL, .postgres: true
        }
    }
}
