// SPDX-License-Identifier: Apache-2.0

/// Which target may import which: docs/ARCHITECTURE.md as a table that a program can read.
///
/// Adapters (catalogs, stores, engines) are named by `IcepackRuntime` alone, and by
/// `Demonstration`, which makes tables; no target below the tests names what supports tests.
enum LayerRule {
    /// Our targets, with those of ours that each may import.
    static let layers: [String: Set<String>] = [
        "WireFormat": [],
        "Compression": ["CBrotli", "CLZ4", "CSnappy", "CZlib", "CZstd"],
        "Digests": ["COpenSSL"],
        "ParquetFormat": ["Compression", "RowSets"],
        "AvroFormat": ["Compression", "WireFormat"],
        "IcebergSpec": ["WireFormat"],
        "ObjectStorage": [],
        "AWSSigning": ["Digests", "WireFormat"],
        "HTTPExchange": ["AWSSigning", "WireFormat"],
        "S3Storage": ["AWSSigning", "Digests", "HTTPExchange", "ObjectStorage", "WireFormat"],
        "SortedRuns": [],
        "RowSets": [],
        "Postgres": ["CPQ"],
        "IcebergCatalog": ["Compression", "IcebergSpec", "ObjectStorage", "WireFormat"],
        "SQLCatalog": [
            "IcebergCatalog", "IcebergSpec", "ObjectStorage", "Postgres", "WireFormat",
        ],
        "FileSystemCatalog": ["IcebergCatalog", "IcebergSpec", "ObjectStorage", "WireFormat"],
        "GlueCatalog": [
            "HTTPExchange", "IcebergCatalog", "IcebergSpec", "ObjectStorage", "WireFormat",
        ],
        "RESTCatalog": [
            "HTTPExchange", "IcebergCatalog", "IcebergSpec", "ObjectStorage", "WireFormat",
        ],
        "IcebergTable": [
            "AvroFormat", "Compression", "IcebergCatalog", "IcebergSpec", "ObjectStorage",
            "RowSets", "WireFormat",
        ],
        "Maintenance": [
            "AvroFormat", "IcebergCatalog", "IcebergSpec", "IcebergTable", "ObjectStorage",
            "WireFormat",
        ],
        "NativeEngine": [
            "AvroFormat", "Compression", "IcebergCatalog", "IcebergSpec", "IcebergTable",
            "Maintenance", "ObjectStorage", "ParquetFormat", "RowSets", "SortedRuns",
            "WireFormat",
        ],
        "Demonstration": [
            "FileSystemCatalog", "IcebergCatalog", "IcebergSpec", "IcebergTable", "NativeEngine",
            "ObjectStorage", "ParquetFormat", "WireFormat",
        ],
        "HiveServer2": [],
        "SparkEngine": [
            "HiveServer2", "IcebergCatalog", "IcebergSpec", "IcebergTable", "Maintenance",
            "ObjectStorage", "WireFormat",
        ],
        "Jobs": ["WireFormat"],
        "PostgresStore": ["Jobs", "Postgres", "WireFormat"],
        "SQLiteStore": ["Jobs", "WireFormat"],
        "Fleet": [
            "IcebergCatalog", "IcebergSpec", "IcebergTable", "Jobs", "Maintenance",
            "ObjectStorage", "WireFormat",
        ],
        "IcepackAPI": ["Digests", "Fleet", "Jobs", "Maintenance", "WireFormat"],
        "IcepackRuntime": [
            "AWSSigning", "FileSystemCatalog", "Fleet", "GlueCatalog", "HTTPExchange",
            "HiveServer2", "IcebergCatalog", "IcebergSpec", "IcebergTable", "IcepackAPI", "Jobs",
            "Maintenance",
            "NativeEngine", "ObjectStorage", "Postgres", "PostgresStore", "RESTCatalog",
            "S3Storage", "SQLCatalog", "SQLiteStore", "SparkEngine", "WireFormat",
        ],
        "icepack": [
            "CMalloc", "Demonstration", "Fleet", "IcebergCatalog", "IcepackAPI", "IcepackRuntime",
            "Jobs", "Maintenance", "ObjectStorage", "WireFormat",
        ],
        "TidyRules": [],
        "tidy": ["TidyRules"],
    ]

    /// Modules of others that only these targets may import.
    static let guests: [String: Set<String>] = [
        "ArgumentParser": ["icepack"],
        "AsyncHTTPClient": ["HTTPExchange", "HiveServer2", "S3Storage", "SparkEngine", "icepack"],
        "GRDB": ["SQLCatalog", "SQLiteStore"],
        "Hummingbird": ["IcepackAPI", "IcepackRuntime"],
        "NIOSSL": ["HTTPExchange", "HiveServer2"],
        "Yams": ["IcepackRuntime"],
    ]

    /// Targets without input or output, which take the essentials of Foundation at most.
    static let pure: Set<String> = [
        "AWSSigning", "AvroFormat", "Compression", "Digests", "IcebergCatalog", "IcebergSpec",
        "IcebergTable", "Jobs", "Maintenance", "ParquetFormat", "WireFormat",
    ]

    static func check(_ file: SourceFile) -> [Issue] {
        guard file.isSwift, !file.isTest, let target = file.target else { return [] }
        guard let allowed = layers[target] else {
            let message = "\(target) is not in the layer table of LayerRule.swift"
            return [file.issue("layer", line: 1, message)]
        }
        return imports(in: file).compactMap { module, line in
            guard let reason = refusal(of: module, in: target, allowed: allowed) else {
                return nil
            }
            return file.issue("layer", line: line, reason)
        }
    }

    private static func refusal(
        of module: String, in target: String, allowed: Set<String>
    ) -> String? {
        if module == "Foundation", pure.contains(target) {
            return "\(target) is pure: import FoundationEssentials at most"
        }
        if module == "Testing" || module == "XCTest" || module == "TestSupport" {
            return "\(target) imports \(module), which is for tests"
        }
        if let hosts = guests[module], !hosts.contains(target) {
            return "\(target) may not import \(module); only \(hosts.sorted()) may"
        }
        let isOurs = layers[module] != nil || layers.values.contains { $0.contains(module) }
        guard isOurs, module != target, !allowed.contains(module) else { return nil }
        return "\(target) may not import \(module): see docs/ARCHITECTURE.md"
    }

    private static func imports(in file: SourceFile) -> [(module: String, line: Int)] {
        var found: [(String, Int)] = []
        for index in file.tokens.indices.dropLast() where file.tokens[index].isWord("import") {
            // `import struct Module.Type` names the kind first.
            let kinds: Set<String> = ["struct", "enum", "class", "func", "protocol", "typealias"]
            let next = kinds.contains(file.tokens[index + 1].text) ? index + 2 : index + 1
            guard next < file.tokens.count, file.tokens[next].kind == .word else { continue }
            found.append((file.tokens[next].text, file.tokens[index].line))
        }
        return found
    }

    /// Every target with a folder under `Sources` has its row in the architecture, and the
    /// other way round.
    static func architecture(_ files: [SourceFile]) -> [Issue] {
        let path = "docs/ARCHITECTURE.md"
        guard let document = files.first(where: { $0.path == path }) else {
            return [Issue(path: path, line: 1, rule: "layer", message: "the file is missing")]
        }
        var rows: [String: Int] = [:]
        for (index, line) in document.lines.enumerated() where line.hasPrefix("### `") {
            let names = line.split(separator: "`").enumerated().filter { $0.offset % 2 == 1 }
            for name in names { rows[String(name.element)] = index + 1 }
        }
        let targets = Set(
            files.filter { $0.path.hasPrefix("Sources/") && $0.isSwift }.compactMap(\.target))
        let missing = targets.filter { rows[$0] == nil }.sorted().map {
            document.issue("layer", line: 1, "no paragraph `### \\`\($0)\\`` for the target")
        }
        let stale = rows.filter { !targets.contains($0.key) }.sorted { $0.value < $1.value }.map {
            document.issue("layer", line: $0.value, "there is no target \($0.key)")
        }
        return missing + stale
    }
}
