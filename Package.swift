// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// Compiler settings that every target of ours shares.
///
/// Warnings are errors.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// Settings of what computes most in tests.
///
/// Continuous integration optimizes it in its debug builds as well, which spares a fifth of the
/// tests' time; elsewhere such builds keep their assertions.
let hot: [SwiftSetting] =
    strict + (Context.environment["ICEPACK_OPTIMIZE"] == "1" ? [.unsafeFlags(["-O"])] : [])

extension Target {
    /// A library target under `Sources/`.
    static func library(
        _ name: String, _ dependencies: [Dependency] = [], settings: [SwiftSetting] = strict
    ) -> Target {
        .target(name: name, dependencies: dependencies, swiftSettings: settings)
    }

    /// A test target under `Tests/`.
    static func tests(
        _ name: String, _ dependencies: [Dependency] = [], exclude: [String] = []
    ) -> Target {
        .testTarget(
            name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
    }

    /// A C library that Debian provides.
    static func system(_ name: String, pkgConfig: String, apt: String) -> Target {
        .systemLibrary(
            name: name, path: "Sources/System/\(name)",
            pkgConfig: pkgConfig.isEmpty ? nil : pkgConfig,
            providers: [.apt([apt])])
    }
}

extension Target.Dependency {
    static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
    static let asyncHTTPClient = product(name: "AsyncHTTPClient", package: "async-http-client")
    static let grdb = product(name: "GRDB", package: "GRDB.swift")
    static let httpTypes = product(name: "HTTPTypes", package: "swift-http-types")
    static let hummingbird = product(name: "Hummingbird", package: "hummingbird")
    static let logging = product(name: "Logging", package: "swift-log")
    static let hummingbirdCore = product(name: "HummingbirdCore", package: "hummingbird")
    static let nio = product(name: "NIOCore", package: "swift-nio")
    static let nioEmbedded = product(name: "NIOEmbedded", package: "swift-nio")
    static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
    static let nioHTTPTypes = product(name: "NIOHTTPTypes", package: "swift-nio-extras")
    static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
    static let nioSSL = product(name: "NIOSSL", package: "swift-nio-ssl")
    static let nioTLS = product(name: "NIOTLS", package: "swift-nio")
    static let serviceLifecycle = product(
        name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let subprocess = product(name: "Subprocess", package: "swift-subprocess")
    static let systemPackage = product(name: "SystemPackage", package: "swift-system")
    static let unixSignals = product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let yams = product(name: "Yams", package: "Yams")
}

let package = Package(
    name: "icepack",
    products: [.executable(name: "icepack", targets: ["icepack"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        // C libraries from Debian.
        .system("CBrotli", pkgConfig: "", apt: "libbrotli-dev"),
        .system("CLZ4", pkgConfig: "liblz4", apt: "liblz4-dev"),
        .system("CMalloc", pkgConfig: "", apt: "libc6-dev"),
        .system("COpenSSL", pkgConfig: "libcrypto", apt: "libssl-dev"),
        .system("CPQ", pkgConfig: "libpq", apt: "libpq-dev"),
        .system("CSnappy", pkgConfig: "", apt: "libsnappy-dev"),
        .system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
        .system("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),

        // Formats and values: no I/O.
        .library("WireFormat", settings: hot),
        .library(
            "Compression", ["CBrotli", "CLZ4", "CSnappy", "CZlib", "CZstd"], settings: hot),
        .library("AvroFormat", ["Compression", "WireFormat"], settings: hot),
        .library("IcebergSpec", ["WireFormat"]),
        .library("SortedRuns", settings: hot),
        .library("RowSets", settings: hot),
        .library("Digests", ["COpenSSL"]),
        .library("ParquetFormat", ["Compression", "RowSets"], settings: hot),

        // Storage and catalogs.
        .library("ObjectStorage"),
        .library("AWSSigning", ["Digests", "WireFormat"]),
        .library(
            "HTTPExchange",
            ["AWSSigning", "WireFormat", .asyncHTTPClient, .nio, .nioHTTP1, .nioPosix, .nioSSL]),
        .library(
            "S3Storage",
            [
                "AWSSigning", "Digests", "HTTPExchange", "ObjectStorage", "WireFormat",
                .asyncHTTPClient, .logging, .nio, .nioHTTP1,
            ]),
        .library("Postgres", ["CPQ"]),
        .library("IcebergCatalog", ["Compression", "IcebergSpec", "ObjectStorage", "WireFormat"]),
        .library(
            "SQLCatalog",
            ["IcebergCatalog", "IcebergSpec", "ObjectStorage", "Postgres", "WireFormat", .grdb]),
        .library(
            "FileSystemCatalog", ["IcebergCatalog", "IcebergSpec", "ObjectStorage", "WireFormat"]),
        .library(
            "GlueCatalog",
            ["HTTPExchange", "IcebergCatalog", "IcebergSpec", "ObjectStorage", "WireFormat"]),
        .library(
            "RESTCatalog",
            ["HTTPExchange", "IcebergCatalog", "IcebergSpec", "ObjectStorage", "WireFormat"]),

        // Tables and what is done to them.
        .library(
            "IcebergTable",
            [
                "AvroFormat", "Compression", "IcebergCatalog", "IcebergSpec", "ObjectStorage",
                "RowSets", "WireFormat",
            ]),
        .library(
            "Maintenance",
            [
                "AvroFormat", "IcebergCatalog", "IcebergSpec", "IcebergTable", "ObjectStorage",
                "WireFormat",
            ]),
        .library(
            "NativeEngine",
            [
                "AvroFormat", "Compression", "IcebergCatalog", "IcebergSpec", "IcebergTable",
                "Maintenance", "ObjectStorage", "ParquetFormat", "RowSets", "SortedRuns",
                "WireFormat",
            ]),

        .library(
            "Demonstration",
            [
                "FileSystemCatalog", "IcebergCatalog", "IcebergSpec", "IcebergTable",
                "NativeEngine", "ObjectStorage", "ParquetFormat", "WireFormat",
            ]),

        // Spark, as the engine for what outgrows one machine.
        .library(
            "HiveServer2", [.asyncHTTPClient, .nio, .nioHTTP1, .nioPosix, .nioSSL, .nioTLS]),
        .library(
            "SparkEngine",
            [
                "HiveServer2", "IcebergCatalog", "IcebergSpec", "IcebergTable", "Maintenance",
                "ObjectStorage", "WireFormat", .asyncHTTPClient, .logging, .nio, .nioHTTP1,
            ]),

        // Jobs and their stores.
        .library("Jobs", ["WireFormat", .logging]),
        .target(
            name: "PostgresStore", dependencies: ["Jobs", "Postgres", "WireFormat", .logging],
            resources: [.embedInCode("Migrations"), .embedInCode("Statements")],
            swiftSettings: strict),
        .target(
            name: "SQLiteStore", dependencies: ["Jobs", "WireFormat", .grdb, .logging],
            resources: [.embedInCode("Migrations")], swiftSettings: strict),

        // Services.
        .library(
            "Fleet",
            [
                "IcebergCatalog", "IcebergSpec", "IcebergTable", "Jobs", "Maintenance",
                "ObjectStorage", "WireFormat",
                .logging, .serviceLifecycle,
            ]),
        .target(
            name: "IcepackAPI",
            dependencies: [
                "Digests", "Fleet", "Jobs", "Maintenance", "WireFormat", .httpTypes, .hummingbird,
                .hummingbirdCore, .logging, .nio, .nioHTTP1, .nioHTTPTypes, .serviceLifecycle,
            ],
            resources: [.embedInCode("OpenAPI/openapi.json")], swiftSettings: strict),
        .library(
            "IcepackRuntime",
            [
                "AWSSigning", "FileSystemCatalog", "Fleet", "GlueCatalog", "HTTPExchange",
                "HiveServer2", "IcebergCatalog", "IcebergSpec", "IcebergTable", "IcepackAPI",
                "Jobs", "Maintenance", "NativeEngine", "ObjectStorage", "Postgres", "PostgresStore",
                "RESTCatalog", "S3Storage", "SQLCatalog", "SQLiteStore", "SparkEngine",
                "WireFormat", .hummingbird, .logging, .serviceLifecycle,
                .unixSignals, .yams,
            ]),
        .executableTarget(
            name: "icepack",
            dependencies: [
                "CMalloc", "Demonstration", "Fleet", "IcebergCatalog", "IcepackAPI",
                "IcepackRuntime", "Jobs", "Maintenance", "ObjectStorage", "WireFormat",
                .argumentParser, .asyncHTTPClient, .logging, .nio, .nioHTTP1, .serviceLifecycle,
                .unixSignals,
            ],
            swiftSettings: strict),

        // What `make bench` needs from inside.
        .executableTarget(
            name: "icepack-bench",
            dependencies: [
                "Fleet", "IcebergCatalog", "IcebergSpec", "IcebergTable", "Jobs", "Maintenance",
                "ObjectStorage", "Postgres", "PostgresStore", "WireFormat", .argumentParser,
                .logging,
            ],
            path: "Benchmarks/Driver", swiftSettings: strict),
        .executableTarget(
            name: "parquet-bench", dependencies: ["ParquetFormat", "RowSets", .argumentParser],
            path: "Benchmarks/Parquet", swiftSettings: strict),

        // The house style, as a program.
        .target(name: "TidyRules", path: "Tools/TidyRules", swiftSettings: strict),
        .executableTarget(
            name: "tidy", dependencies: ["TidyRules"], path: "Tools/tidy", swiftSettings: strict),

        // Tests.
        .target(
            name: "TestSupport",
            dependencies: [
                "Jobs", "WireFormat", .asyncHTTPClient, .logging, .nio, .nioHTTP1, .subprocess,
            ],
            path: "Tests/TestSupport", swiftSettings: strict),
        .tests("TidyTests", ["TidyRules"]),
        .tests("WireFormatTests", ["TestSupport", "WireFormat"]),
        .tests("CompressionTests", ["Compression", "TestSupport"]),
        .tests(
            "AvroFormatTests", ["AvroFormat", "Compression", "TestSupport", "WireFormat"],
            exclude: ["Goldens"]),
        .tests("SortedRunsTests", ["SortedRuns", "TestSupport"]),
        .tests("RowSetsTests", ["RowSets", "TestSupport"]),
        .tests(
            "ParquetFormatTests",
            [
                "Compression", "ParquetFormat", "RowSets", "TestSupport", "WireFormat",
                "parquet-bench", .subprocess,
            ]),
        .tests("IcebergSpecTests", ["IcebergSpec", "TestSupport", "WireFormat"]),
        .target(
            name: "StorageTestSupport", dependencies: ["ObjectStorage"],
            path: "Tests/StorageTestSupport", swiftSettings: strict),
        .tests("ObjectStorageTests", ["ObjectStorage", "StorageTestSupport", "TestSupport"]),
        .tests("DigestsTests", ["Digests"]),
        .tests("AWSSigningTests", ["AWSSigning", "TestSupport"]),
        .tests(
            "S3StorageTests",
            [
                "AWSSigning", "ObjectStorage", "S3Storage", "StorageTestSupport", "TestSupport",
                "WireFormat", .asyncHTTPClient, .logging, .nio, .nioHTTP1, .nioPosix, .subprocess,
            ]),
        .tests(
            "CatalogTests",
            [
                "AWSSigning", "FileSystemCatalog", "GlueCatalog", "HTTPExchange",
                "IcebergCatalog", "IcebergSpec", "IcebergTable", "ObjectStorage", "Postgres",
                "RESTCatalog", "SQLCatalog",
                "StorageTestSupport", "TestSupport", "WireFormat", .grdb, .subprocess,
            ]),
        .tests(
            "IcebergTableTests",
            [
                "AvroFormat", "Compression", "IcebergCatalog", "IcebergSpec", "IcebergTable",
                "ObjectStorage", "RowSets", "StorageTestSupport", "TestSupport", "WireFormat",
            ],
            exclude: ["Goldens"]),
        .tests(
            "MaintenanceTests",
            [
                "IcebergCatalog", "IcebergSpec", "IcebergTable", "Maintenance", "ObjectStorage",
                "StorageTestSupport", "TestSupport", "WireFormat",
            ]),
        .tests(
            "NativeEngineTests",
            [
                "AWSSigning", "AvroFormat", "Compression", "FileSystemCatalog", "GlueCatalog",
                "HTTPExchange", "IcebergCatalog", "IcebergSpec", "IcebergTable", "Maintenance",
                "NativeEngine", "ObjectStorage", "ParquetFormat", "RESTCatalog", "RowSets",
                "SQLCatalog", "StorageTestSupport", "TestSupport", "WireFormat", .grdb,
            ]),
        .tests(
            "HiveServer2Tests",
            [
                "HiveServer2", "TestSupport", .nio, .nioHTTP1, .nioPosix, .nioSSL, .subprocess,
            ]),
        .tests(
            "SparkEngineTests",
            [
                "HiveServer2", "IcebergCatalog", "IcebergSpec", "Maintenance", "ObjectStorage",
                "SparkEngine", "TestSupport", "WireFormat", .logging, .nio, .nioHTTP1, .nioPosix,
            ]),
        .tests("JobsTests", ["Jobs", "TestSupport", "WireFormat", .logging]),
        .tests("PostgresTests", ["Postgres", "TestSupport"]),
        .tests(
            "JobStoreTests",
            [
                "Jobs", "Postgres", "PostgresStore", "SQLiteStore", "TestSupport", "WireFormat",
                .grdb, .logging,
            ]),
        .tests(
            "FleetTests",
            [
                "Fleet", "IcebergCatalog", "IcebergSpec", "Jobs", "Maintenance", "ObjectStorage",
                "TestSupport", "WireFormat", .logging, .serviceLifecycle,
            ]),
        .tests(
            "IcepackAPITests",
            [
                "Fleet", "IcebergCatalog", "IcebergSpec", "IcepackAPI", "Jobs", "Maintenance",
                "ObjectStorage", "TestSupport", "WireFormat", .asyncHTTPClient, .httpTypes,
                .hummingbird, .hummingbirdCore, .logging, .nio, .nioEmbedded, .nioHTTP1,
                .nioHTTPTypes, .nioPosix,
                .serviceLifecycle,
            ]),
        .tests(
            "IcepackRuntimeTests",
            [
                "AWSSigning", "GlueCatalog", "HTTPExchange", "IcebergCatalog", "IcebergSpec",
                "IcepackRuntime", "Jobs",
                "Maintenance", "ObjectStorage", "RESTCatalog", "S3Storage", "TestSupport",
                "WireFormat", .logging,
            ]),
        // The product as a user runs it: the built executable, in processes of its own.
        .tests(
            "ProductTests",
            [
                "HiveServer2", "IcebergCatalog", "IcebergSpec", "Jobs", "Maintenance", "Postgres",
                "SparkEngine", "TestSupport", "WireFormat", "icepack", .asyncHTTPClient,
                .grdb, .nio, .nioHTTP1, .subprocess, .systemPackage,
            ]),
    ]
)

// libFuzzer brings the entry point, so that the fuzzer links in `make fuzz` alone. What it feeds is
// fed by the tests as well, whose target has the files then.
if Context.environment["ICEPACK_FUZZ"] != nil {
    package.targets.removeAll { $0.name == "ParquetFormatTests" }
    package.targets.append(
        .executableTarget(
            name: "parquet-fuzz", dependencies: ["ParquetFormat", "RowSets"],
            path: "Tests/ParquetFormatTests/Fuzzing", swiftSettings: strict))
}
