// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import WireFormat

/// A rewrite that commits some groups soon and then sorts for long: what tests interrupt.
struct SlowRewrite: Sendable {
    static let table = "big.slow"
    /// Enough to sort for some ten seconds, so that there is time to do things to it.
    private static let rows = 400_000

    let fixture: SparkFixture
    let web: SparkWeb

    /// Makes the table unless an earlier test on this server has.
    static func makeTable(on server: SparkThriftServer) async throws {
        guard !FileManager.default.fileExists(atPath: "\(server.labWarehouse)/big/slow") else {
            return
        }
        let shell = try await SparkShell.open(server)
        try await shell.run(SparkTables.slow("lab.\(table)", rows: rows))
        await shell.close()
    }

    init(_ fixture: SparkFixture) {
        self.fixture = fixture
        web = SparkWeb(fixture.server)
    }

    /// Submits the rewrite, in the order that leaves the long one to the end.
    func submit(_ url: String) async throws -> String {
        try await ProductFixture.waitForTable(url, Self.table)
        return try await fixture.submit(
            url, Self.table, "rewrite_data_files",
            [
                "strategy": "sort", "sort_order": "zorder(x, text)", "rewrite-all": true,
                "rewrite-job-order": "bytes-asc", "max-concurrent-file-group-rewrites": 1,
                "partial-progress.enabled": true, "partial-progress.max-commits": 3,
            ])
    }

    /// The number of the newest metadata file: each commit makes one more.
    ///
    /// Not by the hint, which is away for a moment with every commit.
    func version() throws -> Int {
        let folder = "\(fixture.server.labWarehouse)/big/slow/metadata"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        let versions = names.compactMap { $0.wholeMatch(of: /v(\d+)\.metadata\.json/)?.1 }
        return try #require(versions.compactMap { Int($0) }.max())
    }

    /// The Spark jobs of the rewrite that run now.
    func runningJobs() async throws -> [SparkWeb.Job] {
        try await web.runningJobs().filter { $0.group.hasPrefix("REWRITE-DATA-FILES") }
    }

    /// Waits until some groups are committed and Spark sorts the large one.
    func waitForLongPart(after version: Int) async throws {
        try await inTime("the rewrite commits its first groups") {
            try self.version() > version
        }
        try await inTime("Spark sorts the large group") {
            try await runningJobs().contains { $0.description.contains("PartitionData{part=0}") }
        }
    }

    /// Waits until Spark runs something of the rewrite.
    func waitForStart() async throws {
        try await inTime("Spark runs the rewrite") {
            try await !runningJobs().isEmpty
        }
    }

    /// Fails if the table changes within a time, in which a commit that failed would have been
    /// tried again: something that must not happen can only be waited for.
    func expectNoCommit() async throws {
        let time = SparkTables.longestCommitWait * 2
        let version = try version()
        let end = ContinuousClock.now.advanced(by: time)
        try await eventually("the time is over", limit: time + .seconds(30)) {
            try #require(try self.version() == version, "something was committed")
            return ContinuousClock.now >= end
        }
    }

    /// How many attempts of a job have called Spark: to adopt a statement is to call no other.
    ///
    /// Not how many statements Spark shows, for it shows one call several times.
    func callers(of job: String) async throws -> Int {
        let attempts = try await web.statements().compactMap { text -> Substring? in
            guard let mark = text.firstRange(of: "\"job\":\"\(job)\",\"attempt\":\"") else {
                return nil
            }
            return text[mark.upperBound...].prefix { $0 != "\"" }
        }
        return Set(attempts).count
    }
}
