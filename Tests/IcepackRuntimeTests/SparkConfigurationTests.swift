// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import IcepackRuntime

@Suite struct SparkConfigurationTests {
    private func configuration(_ environment: [String: String]) throws -> Configuration {
        try Configuration(ConfigurationValues(environment: environment))
    }

    private func problems(_ environment: [String: String]) -> [String] {
        do {
            _ = try Configuration(ConfigurationValues(environment: environment))
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test func `without a host there is no Spark server`() throws {
        #expect(try configuration([:]).spark == nil)
    }

    @Test func `a host is enough`() throws {
        let spark = try #require(try configuration(["ICEPACK_SPARK_HOST": "kyuubi"]).spark)

        #expect(spark.port == 10_009)
        #expect(spark.transport == .binary && spark.authentication == .plain)
        #expect(spark.catalog == "default" && spark.user == "icepack")
        #expect(spark.server == .kyuubi && "\(spark.icebergVersion)" == "1.10")
        #expect(spark.locationScheme == "s3a" && spark.operationLimit == .seconds(7200))
        #expect(!spark.usesTLS && spark.uiURL == nil && spark.adminURL == nil)
    }

    @Test func `HTTP has a port of its own, and the catalog's name is Spark's too`() throws {
        let spark = try #require(
            try configuration([
                "ICEPACK_SPARK_HOST": "kyuubi", "ICEPACK_SPARK_TRANSPORT": "http",
                "ICEPACK_CATALOG_NAME": "lake", "ICEPACK_SPARK_UI_URL": "http://spark:4040/",
            ]
            ).spark)

        #expect(spark.port == 10_010)
        #expect(spark.catalog == "lake")
        #expect(spark.uiURL == "http://spark:4040")
    }

    @Test func `spark can be asked for only with a server`() throws {
        #expect(problems(["ICEPACK_ENGINE": "spark"]).count == 1)
        #expect(problems(["ICEPACK_ENGINE": "spark", "ICEPACK_SPARK_HOST": "kyuubi"]).isEmpty)
    }

    @Test(arguments: [
        ("ICEPACK_SPARK_TRANSPORT", "thrift"), ("ICEPACK_SPARK_AUTH", "kerberos"),
        ("ICEPACK_SPARK_PORT", "0"), ("ICEPACK_SPARK_TLS", "perhaps"),
        ("ICEPACK_SPARK_TLS_CA_FILE", "ca.pem"), ("ICEPACK_SPARK_UI_URL", "spark:4040"),
        ("ICEPACK_SPARK_ADMIN_URL", "kyuubi"), ("ICEPACK_SPARK_SERVER", "livy"),
        ("ICEPACK_SPARK_ICEBERG_VERSION", "1"), ("ICEPACK_SPARK_ICEBERG_VERSION", "1.x"),
        ("ICEPACK_SPARK_ICEBERG_VERSION", "1.8"), ("ICEPACK_SPARK_ICEBERG_VERSION", "1.10.2"),
        ("ICEPACK_SPARK_LOCATION_SCHEME", "s3a://"), ("ICEPACK_SOCKET_TIMEOUT_MS", "999"),
        // Beyond it a table would be freed under a statement that may still run.
        ("ICEPACK_SOCKET_TIMEOUT_MS", "82800001"),
    ])
    func `a bad value names its key`(key: String, value: String) {
        let found = problems(["ICEPACK_SPARK_HOST": "kyuubi", key: value])

        #expect(found.count == 1 && found[0].contains(key), "\(found)")
    }

    @Test func `what has no effect is refused`() {
        let found = problems([
            "ICEPACK_SPARK_USER": "x", "ICEPACK_SPARK_UI_URL": "http://spark:4040",
        ])

        #expect(found.count == 2 && found.allSatisfy { $0.contains("ICEPACK_SPARK_HOST") })
    }

    @Test func `HTTP always names a user`() {
        let found = problems([
            "ICEPACK_SPARK_HOST": "kyuubi", "ICEPACK_SPARK_TRANSPORT": "http",
            "ICEPACK_SPARK_AUTH": "nosasl",
        ])

        #expect(found.count == 1 && found[0].contains("ICEPACK_SPARK_AUTH"))
    }

    @Test func `the password is never shown`() throws {
        #expect(ConfigurationKey.sparkPassword.isSecret)
    }
}
