// SPDX-License-Identifier: Apache-2.0

/// Every key that this program understands, spelled as in the YAML file; in the environment it is
/// in upper case behind `ICEPACK_`.
public enum ConfigurationKey: String, CaseIterable, Sendable {
    case host, port, store
    case postgresHost = "postgres_host"
    case postgresPort = "postgres_port"
    case postgresDatabase = "postgres_database"
    case postgresUser = "postgres_user"
    case postgresPassword = "postgres_password"
    case postgresMinConnections = "postgres_min_connections"
    case postgresMaxConnections = "postgres_max_connections"
    case postgresHealthCheckTimeoutSeconds = "postgres_health_check_timeout_seconds"
    case catalogType = "catalog_type"
    case catalogName = "catalog_name"
    case catalogURI = "catalog_uri"
    case catalogWarehouse = "catalog_warehouse"
    case catalogToken = "catalog_token"
    case catalogCredential = "catalog_credential"
    case catalogScope = "catalog_scope"
    case catalogOAuth2ServerURI = "catalog_oauth2_server_uri"
    case catalogSigV4 = "catalog_sigv4"
    case catalogSigningName = "catalog_signing_name"
    case catalogSigningRegion = "catalog_signing_region"
    case catalogGlueID = "catalog_glue_id"
    case catalogAccessDelegation = "catalog_access_delegation"
    case catalogTLSCAFile = "catalog_tls_ca_file"
    case maxConcurrentJobs = "max_concurrent_jobs"
    case leaseSeconds = "lease_seconds"
    case heartbeatSeconds = "heartbeat_seconds"
    case sweepSeconds = "sweep_seconds"
    case maxAttempts = "max_attempts"
    case retryDelaySeconds = "retry_delay_seconds"
    case pollSeconds = "poll_seconds"
    case drainMode = "drain_mode"
    case actionOrder = "action_order"
    case tableCacheRefreshSeconds = "table_cache_refresh_seconds"
    case tableCacheStalenessSeconds = "table_cache_staleness_seconds"
    case maintenanceAllowlist = "maintenance_allowlist"
    case maintenanceCadenceHours = "maintenance_cadence_hours"
    case healthSyncIntervalSeconds = "health_sync_interval_seconds"
    case healthSyncStalenessSeconds = "health_sync_staleness_seconds"
    case healthSyncDatabases = "health_sync_databases"
    case healthSyncConcurrency = "health_sync_concurrency"
    case orchestratorSchedule = "orchestrator_schedule"
    case orchestratorMaxInFlight = "orchestrator_max_in_flight"
    case enrollment
    case engine
    case apiURL = "api_url"
    case nativeMemoryBytes = "native_memory_bytes"
    case removalPrefixes = "removal_prefixes"
    case s3Endpoint = "s3_endpoint"
    case s3PathStyle = "s3_path_style"
    case s3ConditionalWrites = "s3_conditional_writes"
    case quarantineDays = "quarantine_days"
    case sparkHost = "spark_host"
    case sparkPort = "spark_port"
    case sparkTransport = "spark_transport"
    case sparkAuth = "spark_auth"
    case sparkUser = "spark_user"
    case sparkPassword = "spark_password"
    case sparkCatalog = "spark_catalog"
    case sparkTLS = "spark_tls"
    case sparkTLSCAFile = "spark_tls_ca_file"
    case sparkUIURL = "spark_ui_url"
    case sparkAdminURL = "spark_admin_url"
    case sparkServer = "spark_server"
    case sparkIcebergVersion = "spark_iceberg_version"
    case sparkLocationScheme = "spark_location_scheme"
    case socketTimeoutMs = "socket_timeout_ms"
    case logLevel = "log_level"
    case logFormat = "log_format"

    /// The name in the environment.
    public var environmentName: String { "ICEPACK_" + rawValue.uppercased() }

    /// The value where nobody set one; nil where there is none.
    public var defaultText: String? {
        switch self {
        case .host: "127.0.0.1"
        case .port: "8000"
        case .store: "sqlite:./icepack-data/icepack.db"
        case .postgresHost, .postgresPassword: nil
        case .postgresPort: "5432"
        case .postgresDatabase, .postgresUser: "icepack"
        case .postgresMinConnections: "4"
        case .postgresMaxConnections: "20"
        case .postgresHealthCheckTimeoutSeconds: "2.0"
        case .catalogType: "filesystem"
        case .catalogName: "default"
        case .catalogURI, .catalogToken, .catalogCredential, .catalogScope,
            .catalogOAuth2ServerURI, .catalogSigningRegion, .catalogGlueID, .catalogTLSCAFile:
            nil
        case .catalogWarehouse: "./warehouse"
        case .catalogSigV4: "false"
        case .catalogSigningName: "execute-api"
        case .catalogAccessDelegation: "vended-credentials"
        case .maxConcurrentJobs: "2"
        case .leaseSeconds: "1800"
        case .heartbeatSeconds, .sweepSeconds: "60"
        case .maxAttempts: "3"
        case .retryDelaySeconds: "30"
        case .pollSeconds: "5"
        case .drainMode: "false"
        case .actionOrder: "cleanup-first"
        case .tableCacheRefreshSeconds: "300"
        case .tableCacheStalenessSeconds, .healthSyncStalenessSeconds: "-1"
        case .maintenanceAllowlist, .removalPrefixes, .healthSyncDatabases: nil
        case .maintenanceCadenceHours: "24"
        case .healthSyncIntervalSeconds: "900"
        case .healthSyncConcurrency: "10"
        case .orchestratorSchedule: "off"
        case .orchestratorMaxInFlight: "20"
        case .enrollment: "opt-out"
        case .engine: "auto"
        case .apiURL: "http://127.0.0.1:8000"
        case .nativeMemoryBytes: "512 MiB"
        case .s3Endpoint, .s3PathStyle: nil
        case .s3ConditionalWrites: "proven"
        case .quarantineDays: "7"
        case .sparkHost, .sparkPort, .sparkPassword, .sparkCatalog, .sparkUIURL, .sparkAdminURL,
            .sparkTLSCAFile:
            nil
        case .sparkTransport: "binary"
        case .sparkAuth: "plain"
        case .sparkUser: "icepack"
        case .sparkTLS: "false"
        case .sparkServer: "kyuubi"
        case .sparkIcebergVersion: "1.10"
        case .sparkLocationScheme: "s3a"
        case .socketTimeoutMs: "7200000"
        case .logLevel: "info"
        case .logFormat: "text"
        }
    }

    /// Whether the value is never shown.
    public var isSecret: Bool {
        let secrets: Set<ConfigurationKey> = [
            .postgresPassword, .sparkPassword, .catalogToken, .catalogCredential,
        ]
        return secrets.contains(self)
    }
}
