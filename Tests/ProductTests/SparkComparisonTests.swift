// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import WireFormat

/// The native engine beside Iceberg's own procedure on Spark, on one table restored at one path.
///
/// Needs `make test-spark`, which installs Spark; `make test` skips it.
@Suite(.serialized, .enabled(if: Oracles.comparesWithSpark, "run it with make test-spark"))
struct SparkComparisonTests {
    @Test(.timeLimit(.minutes(10)), arguments: Share.of(["pyiceberg", "spark"], 1))
    func `expiry keeps the same snapshots and removes the same files as Spark's procedure`(
        writer: String
    ) async throws {
        let scratch = try Product.makeFolder()
        defer { try? FileManager.default.removeItem(at: scratch) }

        let report = try await Oracles.run(
            "compare_expiry.py",
            [
                "--writer", writer, "--icepack", try Product.executable(), "--spark-python",
                try Oracles.sparkPython(), "--scratch", scratch.path,
            ])

        #expect(report.objectValue?["differences"] == [], "\(report)")
    }
}
