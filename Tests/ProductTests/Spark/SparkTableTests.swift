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
        let scratch = FileManager.default.temporaryDirectory
            .appending(path: "icepack-spark-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: scratch) }

        let report = try await Oracles.run(
            "maintain_spark_tables.py",
            [
                "--icepack", try Product.executable(), "--spark-python",
                try Oracles.sparkPython(), "--scratch", scratch.path,
            ])

        #expect(report.objectValue?["differences"] == [], "\(report)")
        #expect(
            report.objectValue?["tables"]
                == ["v1", "positions", "vectors", "evolved", "branched"])
        print("spark tables: \(report.objectValue?["seconds"]?.text() ?? "no times")")
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
