// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import TestSupport
import Testing
import WireFormat

/// Memory follows the budget and not the files, seen from outside: rewriting runs in processes of
/// its own, and the system says what each had at most.
///
/// One after the other: several at once would take a gigabyte.
@Suite(.serialized, .enabled(if: Oracles.isAvailable, "\(Oracles.reason)"))
struct MemoryBudgetTests {
    private static let budget: Int64 = 256 << 20
    private static let ways = ["copy", "stitch", "filter", "encode"]

    /// The most memory that rewriting some files took.
    private static func peak(
        _ way: String, _ inputs: [String], in folder: URL
    ) async throws -> Int64 {
        let runner = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let program = URL(fileURLWithPath: runner).deletingLastPathComponent()
            .appending(path: "parquet-bench").path
        let output = folder.appending(path: "output.parquet").path
        let result = try await Subprocess.run(
            .name("env"),
            arguments: Arguments([program, "--memory", "\(budget)", way, output] + inputs),
            output: .bytes(limit: 1 << 16), error: .string(limit: 1 << 16))
        try #require(
            result.terminationStatus.isSuccess, "\(way) \(inputs[0]): \(result.standardError)")
        let report = try JSONValue(parsing: result.standardOutput)
        return try #require(report.objectValue?["peak_bytes"]?.int64Value)
    }

    private static func expectWithinBudget(kind: String, copies: Int, share: String) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "icepack-memory-\(UInt32.random(in: 0...(.max)))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let made = try await Oracles.run(
            "make_large_pages.py", [folder.path, "--share", share, "--kind", kind])
        let path = try #require(made.objectValue?[kind]?.stringValue)
        for way in ways {
            let peak = try await peak(
                way, [String](repeating: path, count: copies), in: folder)
            #expect(peak < budget, "\(way) of \(kind) took \(peak >> 20) MiB")
        }
    }

    // `make bench` has those with millions of values, which take minutes without optimisation.
    @Test(arguments: ["strings", "single", "unfolded", "nulls"])
    func
        `large pages, and those that stand for hundreds of megabytes, are rewritten within 256 MiB`(
            kind: String
        ) async throws
    {
        try await Self.expectWithinBudget(kind: kind, copies: 2, share: "1")
    }

    @Test func `hundreds of files with many row groups are rewritten within 256 MiB`()
        async throws
    {
        try await Self.expectWithinBudget(kind: "groups", copies: 200, share: "0.02")
    }
}
