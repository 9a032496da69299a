// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import TestSupport
import Testing
import WireFormat

/// What Spark itself says of its work, through its own REST interface.
struct SparkWeb: Sendable {
    /// A Spark job that runs.
    struct Job: Sendable {
        let id: Int64
        let group: String
        let description: String
    }

    let root: String

    init(_ server: SparkThriftServer) { root = server.uiURL }

    /// The Spark jobs that run now.
    func runningJobs() async throws -> [Job] {
        try await list("jobs?status=running").map {
            Job(
                id: $0["jobId"]?.int64Value ?? -1, group: $0["jobGroup"]?.stringValue ?? "",
                description: $0["description"]?.stringValue ?? "")
        }
    }

    /// The texts of all statements so far, comments included.
    func statements() async throws -> [String] {
        try await list("sql?details=false&length=10000").compactMap {
            $0["description"]?.stringValue
        }
    }

    /// The names of the driver's threads that carry out or commit one of Iceberg's actions.
    func actionThreads() async throws -> [String] {
        try await list("executors/driver/threads").compactMap { thread in
            let frames = (thread["stackTrace"]?.objectValue?["elems"]?.arrayValue ?? [])
                .compactMap(\.stringValue)
            let works = frames.contains { frame in
                ["iceberg.spark.actions.", "iceberg.spark.procedures.", "CommitManager"]
                    .contains { frame.contains($0) }
            }
            return works ? thread["threadName"]?.stringValue ?? "?" : nil
        }
    }

    private func list(_ path: String) async throws -> [JSONObject] {
        let applications = "\(root)/api/v1/applications"
        let (status, found) = try await ProductFixture.send("GET", applications)
        try #require(status == 200)
        let application = try #require(found.arrayValue?.first?.objectValue?["id"]?.stringValue)
        // Not compressed: threads are so alike that a client takes their dump for a bomb.
        var request = HTTPClientRequest(url: "\(applications)/\(application)/\(path)")
        request.headers.add(name: "Accept-Encoding", value: "identity")
        let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        try #require(answer.status == .ok, "\(path)")
        let bytes = try await answer.body.collect(upTo: 1 << 24)
        let list = try JSONValue(parsing: Array(bytes.readableBytesView))
        return (list.arrayValue ?? []).compactMap(\.objectValue)
    }
}
