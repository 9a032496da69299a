// SPDX-License-Identifier: Apache-2.0

import Jobs
import NIOHTTP1
import TestSupport
import Testing
import WireFormat

@testable import IcepackAPI

@Suite(.timeLimit(.minutes(15))) struct JobTests {
    private static let dryRun = #"{"actions": ["expire_snapshots"], "dry_run": true}"#

    private static func ids(_ reply: Reply) -> [String] {
        (reply.value.arrayValue ?? []).compactMap { $0.objectValue?["job_id"]?.stringValue }
    }

    /// The target of the next page.
    private static func next(_ reply: Reply) -> String? {
        reply.headers.first(name: "Link").map {
            String($0.dropFirst().prefix { $0 != ">" })
        }
    }

    @Test(arguments: ["/jobs", "/jobs/history"])
    func `pages hold every job once, newest first`(path: String) async throws {
        try await withAPI { api in
            // Two at each instant: ties must not lose or repeat a job at a page's edge.
            for _ in 0..<4 {
                try await api.submit(Self.dryRun)
                try await api.submit(Self.dryRun)
                api.store.advance(by: .seconds(1))
            }
            let all = try await api.send(.GET, path)
            #expect(all.headers["Link"].isEmpty)

            var paged: [String] = []
            var target: String? = "\(path)?limit=3&table=analytics.page_views&status=completed"
            var pages = 0
            while let current = target {
                let page = try await api.send(.GET, current)
                #expect(page.status == 200)
                paged += Self.ids(page)
                pages += 1
                target = Self.next(page)
            }

            #expect(pages == 3)
            #expect(paged == Self.ids(all))
            #expect(paged.count == 8)
            let times = (all.value.arrayValue ?? []).compactMap {
                $0.objectValue?["submitted_at"]?.stringValue
            }
            #expect(times == times.sorted(by: >))
        }
    }

    @Test func `filters narrow the listing`() async throws {
        try await withAPI { api in
            let id = try await api.submit()
            let dry = try await api.submit(Self.dryRun)

            #expect(Self.ids(try await api.send(.GET, "/jobs?status=pending")) == [id.rawValue])
            #expect(Self.ids(try await api.send(.GET, "/jobs?status=completed")) == [dry.rawValue])
            #expect(Self.ids(try await api.send(.GET, "/jobs?table=analytics.other")) == [])
            #expect(Self.ids(try await api.send(.GET, "/jobs?table=a.b.c")) == [])
        }
    }

    @Test
    func `a page holds at most what is asked for and the next says so only when there is one`()
        async throws
    {
        try await withAPI { api in
            for _ in 0..<3 { try await api.submit(Self.dryRun) }

            let exact = try await api.send(.GET, "/jobs?limit=3")
            let less = try await api.send(.GET, "/jobs?limit=2")
            #expect(Self.ids(exact).count == 3)
            #expect(exact.headers["Link"].isEmpty)
            #expect(Self.ids(less).count == 2)
            #expect(less.headers.first(name: "Link")?.hasSuffix("; rel=\"next\"") == true)
            #expect(try await api.send(.GET, "/jobs?limit=500").status == 200)
            #expect(try await api.send(.GET, "/jobs/history?limit=9999").status == 200)
        }
    }

    @Test func `a deleted job is gone from reads and stays in history`() async throws {
        try await withAPI { api in
            let id = try await api.submit(Self.dryRun)

            #expect(try await api.send(.DELETE, "/jobs/\(id)").status == 204)

            #expect(try await api.send(.GET, "/jobs/\(id)").code == "job_not_found")
            #expect(try await api.send(.POST, "/jobs/\(id)/cancel").code == "job_not_found")
            #expect(try await api.send(.DELETE, "/jobs/\(id)").code == "job_not_found")
            #expect(Self.ids(try await api.send(.GET, "/jobs")) == [])
            #expect(Self.ids(try await api.send(.GET, "/jobs/history")) == [id.rawValue])
        }
    }

    @Test func `a delete or cancel whose reply was lost is answered as done`() async throws {
        try await withAPI { api in
            let id = try await api.submit()
            api.store.inject(.at(0, .afterEffect))
            let cancelled = try await api.send(.POST, "/jobs/\(id)/cancel")
            #expect(cancelled.status == 200)
            #expect(cancelled.json["status"] == "cancelled")

            api.store.inject(.at(0, .afterEffect))
            #expect(try await api.send(.DELETE, "/jobs/\(id)").status == 204)
        }
    }

    @Test func `a cancelled job says so, and has results only if a worker had it`() async throws {
        try await withAPI { api in
            let pending = try await api.submit()
            let reply = try await api.send(.POST, "/jobs/\(pending)/cancel")
            #expect(reply.json["status"] == "cancelled")
            #expect(reply.json["error"] == "Cancelled by user")
            #expect(reply.json["completed_at"]?.stringValue?.hasSuffix("+00:00") == true)
            #expect(reply.json["results"] == .null)
            #expect(api.store.auditLog.map(\.event) == ["job.submitted", "job.cancelled"])

            let running = try await api.submit()
            _ = try await api.claim()
            let second = try await api.send(.POST, "/jobs/\(running)/cancel")
            #expect(second.json["results"] == [])
        }
    }

    @Test func `progress shows while a job runs and results once it is over`() async throws {
        try await withAPI { api in
            let id = try await api.submit()
            #expect(try await api.send(.GET, "/jobs/\(id)").headers["Retry-After"] == ["30"])
            let claim = try await api.claim()
            let progress = JobProgress(
                action: "expire_snapshots", phase: "deleting", done: 3, total: 9, unit: "files",
                bytesDone: 10, bytesTotal: 30)
            try await api.store.renew(claim, lease: .seconds(60), progress: progress)
            try await api.store.record(
                ActionResult(
                    action: "expire_snapshots", isSuccess: true, message: "done", impact: "1 of it",
                    elapsedSeconds: 1.5, metrics: JSONObject([.init(key: "n", value: 1)]),
                    engine: "native", engineReason: "chosen"), under: claim)

            let running = try await api.send(.GET, "/jobs/\(id)")
            #expect(running.json["results"] == .null)
            #expect(running.json["attempts"] == 1)
            let shown = try #require(running.json["progress"]?.objectValue)
            #expect(
                shown.keys == [
                    "action", "done", "total", "unit", "bytes_done", "bytes_total", "updated_at",
                    "phase",
                ])
            #expect(shown["bytes_total"] == 30)

            try await api.store.settle(claim, as: .completed)
            let over = try await api.send(.GET, "/jobs/\(id)")
            #expect(over.headers["Retry-After"] == [])
            #expect(over.json["progress"] == .null)
            let expected = try JSONValue(
                parsing: """
                    [{"action":"expire_snapshots","success":true,"message":"done",
                    "impact":"1 of it","error":null,"elapsed_seconds":1.5,"metrics":{"n":1},
                    "engine":"native",
                    "engine_reason":"chosen","plan":null}]
                    """)
            #expect(over.json["results"] == expected)
        }
    }

    @Test func `purging removes what is older than the retention and nothing that is not over`()
        async throws
    {
        try await withAPI { api in
            let pending = try await api.submit()
            try await api.submit(Self.dryRun)
            api.store.advance(by: .seconds(86_400 * 2))
            try await api.submit(Self.dryRun)

            #expect(
                try await api.send(.DELETE, "/jobs/history?retention_days=3").json["deleted"] == 0)
            #expect(
                try await api.send(.DELETE, "/jobs/history?retention_days=1").json["deleted"] == 1)
            #expect(try await api.send(.DELETE, "/jobs/history").json["deleted"] == 0)
            #expect(
                try await api.send(.DELETE, "/jobs/history?retention_days=36500").status == 200)

            let left = Self.ids(try await api.send(.GET, "/jobs/history"))
            #expect(left.count == 2)
            #expect(left.contains(pending.rawValue))
        }
    }

    @Test(arguments: UInt64(0)..<50)
    func `a cursor reads back as the place it was made for, and in no other spelling`(seed: UInt64)
    {
        var random = SeededGenerator(seed: seed)
        let position = JobQuery.Position(
            submittedAt: Timestamp(microseconds: Int64.random(in: .min ... .max, using: &random)),
            jobID: JobID(using: &random))
        let text = ListCursor(position).text

        #expect(ListCursor(text)?.position == position)
        #expect(ListCursor("0" + text) == nil)
        #expect(ListCursor(text.uppercased()) == nil || text == text.uppercased())
        #expect(ListCursor(String(text.dropLast())) == nil)
        #expect(ListCursor("+" + text) == nil)
    }
}
