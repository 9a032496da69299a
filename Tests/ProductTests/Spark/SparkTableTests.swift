// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import WireFormat

/// Tables of every format version that a real Spark made: version 1, position deletes, deletion
/// vectors, specs that changed, branches and tags.
///
/// Needs `make test-spark-tables`, which installs Spark; `make test` skips it.
@Suite(.serialized, .enabled(if: Oracles.comparesWithSpark, "run it with make test-spark-tables"))
struct SparkTableTests {
    @Test(.timeLimit(.minutes(8)))
    func `every engine reads the same rows after each of our actions, and Spark goes on writing`()
        async throws
    {
        let report = try await maintain("maintain_spark_tables.py")

        #expect(report["differences"] == [], "\(report)")
        #expect(report["tables"] == ["v1", "positions", "vectors", "evolved", "branched"])
        print("spark tables: \(report["seconds"]?.text() ?? "no times")")
    }

    /// Four tables; `ICEPACK_SPARK_SHAPES` says how many otherwise, and 50 are all.
    private static let shapes =
        ProcessInfo.processInfo.environment["ICEPACK_SPARK_SHAPES"].flatMap(Int.init) ?? 4

    @Test(.timeLimit(.minutes(60)))
    func `P-43, P-44, P-47: files of tables of every shape are rewritten, and rows stay`()
        async throws
    {
        let report = try await maintain(
            "maintain_matrix.py", ["--tables", String(Self.shapes)])

        #expect(report["differences"] == [], "\(report)")
        let count = try #require(report["tables"]?.intValue)
        #expect(count > 0)
        // Some engines cannot read some shapes; none may be lost without a word.
        for engine in ["duckdb", "pyiceberg", "datafusion"] {
            let read = try #require(report["readers"]?.objectValue?[engine]?.intValue)
            #expect(read >= count / 3, "\(engine) reads \(read) of \(count) tables")
        }
        print("spark shapes: \(JSONValue.object(report).text())")
    }

    /// Runs a program that makes tables with Spark in a folder of its own.
    private func maintain(
        _ program: String, _ more: [String] = []
    ) async throws -> JSONObject {
        let scratch = FileManager.default.temporaryDirectory
            .appending(path: "icepack-spark-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: scratch) }
        let report = try await Oracles.run(
            program,
            [
                "--icepack", try Product.executable(), "--spark-python",
                try Oracles.sparkPython(), "--scratch", scratch.path,
            ] + more)
        return try #require(report.objectValue)
    }

    @Test(.timeLimit(.minutes(8)))
    func `Spark and our actions take turns on the tables of a REST catalog`() async throws {
        let folder = try Product.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let catalog = try await RESTServer.shared().makeCatalog(folder: folder.path)

        let report = try await Oracles.runOnSpark(
            "spark_rest.py", ["--uri", catalog.uri, "--icepack", try Product.executable()])

        #expect(report.objectValue?["differences"] == [], "\(report)")
        #expect(report.objectValue?["tables"] == ["plain", "deleted"])
    }
}
