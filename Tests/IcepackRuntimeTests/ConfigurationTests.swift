// SPDX-License-Identifier: Apache-2.0

import Maintenance
import Testing

@testable import IcepackRuntime

@Suite struct ConfigurationTests {
    private func problems(
        _ environment: [String: String], file: [(key: String, text: String)] = []
    ) -> [String] {
        do {
            _ = try Configuration(ConfigurationValues(environment: environment, file: file))
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test func `defaults need nothing`() throws {
        let configuration = try Configuration(ConfigurationValues(environment: [:]))

        #expect(configuration.listen == .init(host: "127.0.0.1", port: 8000))
        #expect(configuration.store == .sqlite(path: "./icepack-data/icepack.db"))
        #expect(configuration.catalog.kind == .filesystem)
        #expect(configuration.jobs.lease == .seconds(1800))
        #expect(configuration.tableCache.staleness == .seconds(600))
        #expect(configuration.nativeMemoryBytes == 512 << 20)
    }

    @Test func `the environment wins over the file and the file over the default`() throws {
        let file = [(key: "port", text: "9000"), (key: "max_attempts", text: "7")]
        let configuration = try Configuration(
            ConfigurationValues(environment: ["ICEPACK_PORT": "9001"], file: file))

        #expect(configuration.listen.port == 9001)
        #expect(configuration.jobs.maxAttempts == 7)
    }

    @Test(
        arguments: [
            ("900", "-1", 1800), ("0", "-1", nil), ("0", "3600", 3600), ("900", "60", 60),
        ] as [(String, String, Int?)])
    func `looks grow stale after two intervals, or when the operator says`(
        interval: String, staleness: String, expected: Int?
    ) throws {
        let configuration = try Configuration(
            ConfigurationValues(environment: [
                "ICEPACK_HEALTH_SYNC_INTERVAL_SECONDS": interval,
                "ICEPACK_HEALTH_SYNC_STALENESS_SECONDS": staleness,
            ]))

        #expect(configuration.healthSync.staleness == expected.map { Duration.seconds($0) })
    }

    @Test func `settings say whether the environment or the file has them`() throws {
        let defaults = try Configuration(
            ConfigurationValues(
                environment: ["ICEPACK_MAINTENANCE_ALLOWLIST": "a,b"],
                file: [(key: "engine", text: "native")])
        ).policyDefaults

        #expect(defaults.allowlist.value == ["a", "b"])
        #expect(defaults.allowlist.origin.text == "environment ICEPACK_MAINTENANCE_ALLOWLIST")
        #expect(defaults.engine.origin.text == "file engine")
        #expect(defaults.enrollment.origin.text == "default")
    }

    @Test func `all mistakes are told at once`() {
        let found = problems([
            "ICEPACK_PORT": "eighty", "ICEPACK_MAX_CONCURENT_JOBS": "2",
            "ICEPACK_DRAIN_MODE": "maybe",
            "ICEPACK_ACTION_ORDER": "expire_snapshots", "ICEPACK_HEARTBEAT_SECONDS": "600",
        ])

        #expect(found.count == 5)
        #expect(found.contains { $0.contains("did you mean ICEPACK_MAX_CONCURRENT_JOBS?") })
        #expect(found.contains { $0.contains("\"eighty\"") })
    }

    @Test(arguments: [
        ("ICEPACK_PORT", "65536"), ("ICEPACK_PORT", "-1"), ("ICEPACK_MAX_CONCURRENT_JOBS", "257"),
        ("ICEPACK_LEASE_SECONDS", "0.5"), ("ICEPACK_LEASE_SECONDS", "nan"),
        ("ICEPACK_NATIVE_MEMORY_BYTES", "1 KiB"), ("ICEPACK_NATIVE_MEMORY_BYTES", "many"),
        ("ICEPACK_STORE", "mysql://x"), ("ICEPACK_STORE", "sqlite:"),
        ("ICEPACK_CATALOG_TYPE", "sql"),
        ("ICEPACK_CATALOG_TYPE", "hive"), ("ICEPACK_CATALOG_URI", "sqlite:x"),
        ("ICEPACK_POSTGRES_PASSWORD", "x"), ("ICEPACK_POSTGRES_MIN_CONNECTIONS", "21"),
        ("ICEPACK_API_URL", "localhost:8000"), ("ICEPACK_LOG_LEVEL", "loud"),
        ("ICEPACK_REMOVAL_PREFIXES", "warehouse"),
        ("ICEPACK_ORCHESTRATOR_SCHEDULE", "daily"), ("ICEPACK_ORCHESTRATOR_SCHEDULE", "0 0 30 2 *"),
        ("ICEPACK_ORCHESTRATOR_MAX_IN_FLIGHT", "0"),
        ("ICEPACK_ORCHESTRATOR_MAX_IN_FLIGHT", "1001"),
        ("ICEPACK_MAINTENANCE_ALLOWLIST", ","), ("ICEPACK_MAINTENANCE_ALLOWLIST", "db.*"),
        ("ICEPACK_MAINTENANCE_ALLOWLIST", "a, b c"), ("ICEPACK_HEALTH_SYNC_DATABASES", "a;b"),
    ])
    func `a value out of its limits is one mistake`(key: String, text: String) {
        #expect(problems([key: text]).count == 1)
    }

    @Test(arguments: [
        ("ICEPACK_PORT", "0"), ("ICEPACK_PORT", "65535"), ("ICEPACK_MAX_CONCURRENT_JOBS", "0"),
        ("ICEPACK_MAX_CONCURRENT_JOBS", "256"), ("ICEPACK_NATIVE_MEMORY_BYTES", "16MiB"),
        ("ICEPACK_DRAIN_MODE", "ON"), ("ICEPACK_STORE", "sqlite:////tmp/x.db"),
        ("ICEPACK_STORE", "postgres://u:p@h/d"), ("ICEPACK_POSTGRES_HOST", "/run/postgresql"),
        ("ICEPACK_ACTION_ORDER", "compact-first"), ("ICEPACK_PORT", ""),
        ("ICEPACK_REMOVAL_PREFIXES", "/w, s3://b/w, file:/w"),
        ("ICEPACK_ORCHESTRATOR_SCHEDULE", "OFF"), ("ICEPACK_ORCHESTRATOR_SCHEDULE", "@daily"),
        ("ICEPACK_ORCHESTRATOR_MAX_IN_FLIGHT", "1"),
        ("ICEPACK_ORCHESTRATOR_MAX_IN_FLIGHT", "1000"),
        ("ICEPACK_MAINTENANCE_ALLOWLIST", ""), ("ICEPACK_MAINTENANCE_ALLOWLIST", "a.b, c-d,"),
    ])
    func `a value at its limit is taken`(key: String, text: String) {
        #expect(problems([key: text]) == [])
    }

    @Test func `variables that Kubernetes adds for a Service named icepack are no mistake`() throws
    {
        let environment = [
            "ICEPACK_PORT": "tcp://10.0.0.1:8000", "ICEPACK_SERVICE_HOST": "10.0.0.1",
            "ICEPACK_PORT_8000_TCP_PROTO": "tcp", "ICEPACK_SERVICE_PORT_HTTP": "8000",
        ]

        let configuration = try Configuration(ConfigurationValues(environment: environment))

        #expect(configuration.listen.port == 8000)
    }

    @Test(arguments: [
        ("postgres://u:secret@h:5432/d", "postgres://u:********@h:5432/d"),
        ("postgres://u@h/d?password=secret&x=1", "postgres://u@h/d?password=********&x=1"),
        (
            "postgres://h/d?sslpassword=a&password=b&x=1",
            "postgres://h/d?sslpassword=********&password=********&x=1"
        ),
        ("postgresql+psycopg2://u:se/cret@h/d", "postgresql+psycopg2://u:********@h/d"),
        ("postgres://u:a?b@h/d?Token=x", "postgres://u:********@h/d?Token=********"),
        ("postgres://u:p@h/d?password=s@x", "postgres://u:********@x"),
        ("sqlite:./a:b@c.db", "sqlite:./a:b@c.db"),
    ])
    func `a password is never shown`(text: String, expected: String) {
        #expect(ConfigurationValues.withoutPassword(text) == expected)
    }

    @Test func `a YAML file is flat`() throws {
        let members = try ConfigurationFile.parse(
            "catalog_type: sql\nmaintenance_allowlist: [a, b]\nport: 8080\ncatalog_uri: ~\n",
            named: "x")

        #expect(
            members.map(\.key) == ["catalog_type", "maintenance_allowlist", "port", "catalog_uri"])
        #expect(members.map(\.text) == ["sql", "a,b", "8080", ""])
    }

    @Test(arguments: ["catalog:\n  type: sql\n", "- a\n- b\n", "a: [\n", "a: &x [*x]\n"])
    func `a file that is not flat YAML is refused`(text: String) {
        #expect(throws: ConfigurationProblem.self) { try ConfigurationFile.parse(text, named: "x") }
    }

    @Test func `an empty file is no mistake`() throws {
        #expect(try ConfigurationFile.parse("", named: "x").isEmpty)
        #expect(try ConfigurationFile.parse("# nothing\n", named: "x").isEmpty)
    }

    @Test func `a file longer than the limit is refused`() {
        let text = String(repeating: "#", count: ConfigurationFile.maximumBytes + 1)

        #expect(throws: ConfigurationProblem.self) { try ConfigurationFile.parse(text, named: "x") }
    }
}
