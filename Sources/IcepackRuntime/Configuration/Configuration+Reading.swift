// SPDX-License-Identifier: Apache-2.0

import Fleet
import Maintenance

extension Configuration {
    /// Checks every value and every rule between values.
    ///
    /// - Throws: ``ConfigurationProblems`` with all mistakes at once.
    public init(_ values: ConfigurationValues) throws(ConfigurationProblems) {
        var reader = ConfigurationReader(values)
        listen = Listen(host: reader.required(.host), port: reader.integer(.port, 0...65_535))
        store = Self.readStore(&reader)
        postgresPool = Self.readPool(&reader)
        catalog = Self.readCatalog(&reader)
        jobs = Self.readJobs(&reader)
        tableCache = Self.readTableCache(&reader)
        enrolment = Self.readEnrolment(&reader)
        healthSync = Self.readHealthSync(&reader)
        orchestrator = Self.readOrchestrator(&reader)
        cadenceHours = reader.integer(.maintenanceCadenceHours, 1...8760)
        actionOrder = Self.readActionOrder(&reader)
        s3 = Self.readS3(&reader)
        spark = Self.readSpark(&reader, catalogName: catalog.name)
        engine = Self.readEngine(&reader, hasSpark: spark != nil)
        apiURL = reader.required(.apiURL)
        if !apiURL.hasPrefix("http://"), !apiURL.hasPrefix("https://") {
            reader.fail(.apiURL, "must begin with http:// or https://, not \"\(apiURL)\"")
        }
        nativeMemoryBytes = reader.bytes(.nativeMemoryBytes, (16 << 20)...(1 << 46))
        let prefixes = reader.list(.removalPrefixes)
        for prefix in prefixes where !prefix.hasPrefix("/") && !prefix.contains(":/") {
            reader.fail(
                .removalPrefixes,
                "must be absolute paths or URLs such as s3://bucket/warehouse, not \"\(prefix)\"")
        }
        removalPrefixes = prefixes.isEmpty ? nil : prefixes
        quarantineDays = reader.integer(.quarantineDays, 1...3650)
        logging = LogSettings(
            level: reader.choice(.logLevel, .info), format: reader.choice(.logFormat, .text))
        self.values = values
        guard reader.problems.isEmpty else {
            throw ConfigurationProblems(problems: reader.problems)
        }
    }

    private static func readHealthSync(
        _ reader: inout ConfigurationReader
    ) -> HealthSyncOptions {
        let seconds = reader.integer(.healthSyncIntervalSeconds, 0...86_400)
        let databases = reader.databases(.healthSyncDatabases)
        let interval: Duration? = seconds == 0 ? nil : .seconds(seconds)
        // Where `serve` does not look itself, only its operator knows how often somebody does.
        let staleness =
            reader.required(.healthSyncStalenessSeconds) == "-1"
            ? interval.map { $0 * 2 }
            : reader.duration(.healthSyncStalenessSeconds, 1...604_800)
        return HealthSyncOptions(
            interval: interval, staleness: staleness,
            databases: databases.isEmpty ? nil : Set(databases),
            concurrency: reader.integer(.healthSyncConcurrency, 1...100))
    }

    private static func readOrchestrator(
        _ reader: inout ConfigurationReader
    ) -> OrchestrationSettings {
        let text = reader.required(.orchestratorSchedule)
        var schedule: CronSchedule?
        if text.lowercased() != "off" {
            do throws(InvalidCronSchedule) { schedule = try CronSchedule(text) } catch {
                reader.fail(.orchestratorSchedule, "is neither off nor a schedule: \(error)")
            }
        }
        return OrchestrationSettings(
            schedule: schedule, maxInFlight: reader.integer(.orchestratorMaxInFlight, 1...1000))
    }

    private static func readActionOrder(_ reader: inout ConfigurationReader) -> ActionOrder {
        do throws(InvalidActionOrder) {
            return try ActionOrder(reader.required(.actionOrder))
        } catch {
            reader.fail(.actionOrder, "is no order of actions: \(error)")
            return .cleanupFirst
        }
    }

    private static func readEngine(
        _ reader: inout ConfigurationReader, hasSpark: Bool
    ) -> EnginePreference {
        let preference = reader.choice(.engine, EnginePreference.auto)
        if preference == .spark, !hasSpark {
            reader.fail(.engine, "cannot be spark without a server: set ICEPACK_SPARK_HOST too")
        }
        return preference
    }

    private static func readEnrolment(_ reader: inout ConfigurationReader) -> Enrolment {
        let allowlist = reader.databases(.maintenanceAllowlist)
        return Enrolment(
            allowlist: allowlist.isEmpty ? nil : allowlist,
            mode: reader.choice(.enrollment, .optOut))
    }

    private static func readStore(_ reader: inout ConfigurationReader) -> StoreLocation {
        let text = reader.required(.store)
        let isExplicit = reader.values.values[.store]?.origin != .builtIn
        if let host = reader.text(.postgresHost) {
            if isExplicit {
                reader.fail(.postgresHost, "and the key store are both set: set one of them")
            }
            return .postgres(
                PostgresParts(
                    host: host, port: reader.integer(.postgresPort, 1...65_535),
                    database: reader.required(.postgresDatabase),
                    user: reader.required(.postgresUser), password: reader.text(.postgresPassword)))
        }
        for key in [
            ConfigurationKey.postgresPort, .postgresDatabase, .postgresUser, .postgresPassword,
        ]
        where reader.values.values[key].map({ $0.origin != .builtIn }) ?? false {
            reader.fail(
                key,
                "has no effect without ICEPACK_POSTGRES_HOST: set that too, or use ICEPACK_STORE")
        }
        if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") {
            return .postgresURL(text)
        }
        guard text.hasPrefix("sqlite:"), let path = sqlitePath(text) else {
            reader.fail(
                .store, "must be sqlite:PATH or a postgres:// URL, not \"\(text.prefix(16))…\"")
            return .sqlite(path: "")
        }
        return .sqlite(path: path)
    }

    /// The path of `sqlite:relative`, `sqlite:/absolute` or `sqlite:////absolute`.
    private static func sqlitePath(_ text: String) -> String? {
        var path = String(text.dropFirst("sqlite:".count))
        if path.hasPrefix("///") { path = String(path.dropFirst(3)) }
        return path.isEmpty || path.hasPrefix("//") ? nil : path
    }

    private static func readPool(_ reader: inout ConfigurationReader) -> PostgresPoolLimits {
        let limits = PostgresPoolLimits(
            minimum: reader.integer(.postgresMinConnections, 0...1000),
            maximum: reader.integer(.postgresMaxConnections, 1...1000),
            healthCheckTimeout: reader.duration(.postgresHealthCheckTimeoutSeconds, 0.05...60))
        if limits.minimum > limits.maximum {
            reader.fail(
                .postgresMinConnections,
                "(\(limits.minimum)) must not exceed postgres_max_connections (\(limits.maximum))")
        }
        return limits
    }

    private static func readJobs(_ reader: inout ConfigurationReader) -> JobSettings {
        let known = reader.problems.count
        let lease = reader.duration(.leaseSeconds, 1...86_400)
        let heartbeat = reader.duration(.heartbeatSeconds, 0.05...28_800)
        let areLeasesKnown = reader.problems.count == known
        let jobs = JobSettings(
            maxConcurrent: reader.integer(.maxConcurrentJobs, 0...256),
            lease: lease,
            heartbeat: heartbeat,
            sweep: reader.duration(.sweepSeconds, 0.1...86_400),
            maxAttempts: reader.integer(.maxAttempts, 1...100),
            retryDelay: reader.duration(.retryDelaySeconds, 0...86_400),
            poll: reader.duration(.pollSeconds, 0.05...3600),
            isDraining: reader.boolean(.drainMode))
        // A value that did not parse stands for nothing that a rule could be checked on.
        if areLeasesKnown, jobs.heartbeat * 3 >= jobs.lease {
            reader.fail(
                .heartbeatSeconds,
                "must be under a third of lease_seconds, so that one lost heartbeat loses no job")
        }
        return jobs
    }

    private static func readTableCache(_ reader: inout ConfigurationReader) -> TableCacheSettings {
        let refresh = reader.duration(.tableCacheRefreshSeconds, 1...86_400)
        if reader.required(.tableCacheStalenessSeconds) == "-1" {
            return TableCacheSettings(refresh: refresh, staleness: refresh * 2)
        }
        let staleness = reader.duration(.tableCacheStalenessSeconds, 1...604_800)
        return TableCacheSettings(refresh: refresh, staleness: staleness)
    }
}
