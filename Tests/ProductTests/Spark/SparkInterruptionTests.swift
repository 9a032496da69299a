// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HiveServer2
import Subprocess
import TestSupport
import Testing
import WireFormat

/// What happens to Spark's work when a job is cancelled, and when something dies or goes silent.
@Suite(.serialized, .enabled(if: SparkThriftServer.isWanted, "run it with make test-spark"))
struct SparkEngineInterruptionTests {
    /// Leases so short that the next attempt follows at once.
    private static let impatient = [
        "ICEPACK_LEASE_SECONDS": "6", "ICEPACK_HEARTBEAT_SECONDS": "0.5",
        "ICEPACK_SWEEP_SECONDS": "0.3", "ICEPACK_RETRY_DELAY_SECONDS": "0.5",
        "ICEPACK_MAX_ATTEMPTS": "5",
    ]

    /// A server with the slow table, the product over it, and the API of that.
    private func withRewrite(
        _ transport: SparkThriftServer.Transport, isWired: Bool = false,
        settings: [String: String] = [:], workers: Int = 1,
        _ body: (SlowRewrite, _ url: String, Relay?) async throws -> Void
    ) async throws {
        try await SparkThriftServer.withShared(.init(transport)) { server in
            try await SlowRewrite.makeTable(on: server)
            let relay =
                isWired ? try await Relay.start(to: server.port, folder: server.folder) : nil
            let fixture = try await SparkFixture(
                server, .lab, wiring: .init(port: relay?.port), settings: settings)
            let (api, url) = try await fixture.startAPI(workers: workers)
            do {
                try await body(SlowRewrite(fixture), url, relay)
            } catch {
                // What it left running must not meet the next test.
                server.send(SIGKILL)
                throw Oracles.Failure(description: "\(error)\n\(fixture.logs)")
            }
            try await relay?.cut()
            api.send(SIGTERM)
            #expect(try await api.wait() == .exited(0))
            await fixture.remove()
        }
    }

    /// Every reference reads as before, and no file is missing.
    private func expectWhole(
        _ before: JSONObject, _ rewrite: SlowRewrite
    ) async throws -> JSONObject {
        let after = try await rewrite.fixture.look(SlowRewrite.table)
        #expect(after["rows"] == before["rows"])
        #expect(after["missing"] == [])
        return after
    }

    // MARK: Cancel

    /// Within this time after a cancel Spark has no job of it.
    private static let promptly = Duration.seconds(5)

    @Test(
        .timeLimit(.minutes(10)),
        arguments: Share.of([SparkThriftServer.Transport.http, .binaryNoSASL], 1))
    func `a cancelled rewrite stops in Spark, and its aftermath says what it did`(
        transport: SparkThriftServer.Transport
    ) async throws {
        try await withRewrite(transport) { rewrite, url, _ in
            let fixture = rewrite.fixture
            let before = try await fixture.look(SlowRewrite.table)
            let job = try await rewrite.submit(url)
            try await rewrite.waitForLongPart(after: try rewrite.version())

            let began = ContinuousClock.now
            let (status, _) = try await ProductFixture.send("POST", "\(url)/jobs/\(job)/cancel")
            #expect(status == 200)
            try await eventually("Spark has no job of it", limit: .seconds(180)) {
                try await rewrite.runningJobs().isEmpty
            }
            let quiet = began.duration(to: .now)
            #expect(quiet < Self.promptly)
            try await inTime("the engine is known to have stopped") {
                let aftermath = try await fixture.aftermath(url, job)
                return aftermath["engine_state"] == "engine_stopped"
            }
            print(
                "cancel over \(transport): no job after \(quiet), "
                    + "known to have stopped after \(began.duration(to: .now))")
            try await rewrite.expectNoCommit()
            #expect(try await rewrite.web.actionThreads().isEmpty)

            let aftermath = try await fixture.aftermath(url, job)
            let after = try await expectWhole(before, rewrite)
            let known = Set(before["snapshots"]?.arrayValue ?? [])
            let made = (after["snapshots"]?.arrayValue ?? []).filter { !known.contains($0) }
            #expect(!made.isEmpty, "some groups had been committed")
            #expect(
                (aftermath["commits"]?.arrayValue ?? []).map { $0.objectValue?["snapshot_id"] }
                    == made.map { $0.objectValue?["id"] })
            let left = Set(after["unreferenced"]?.arrayValue ?? []).subtracting(
                before["unreferenced"]?.arrayValue ?? [])
            let named = (aftermath["files_left_behind"]?.arrayValue ?? []).compactMap(\.stringValue)
            for file in left.compactMap(\.stringValue) where file.hasSuffix(".parquet") {
                #expect(named.contains { $0.hasSuffix(file) }, "\(file) is not named")
            }
            try await inTime("the lock is free") {
                try await !fixture.isLocked(SlowRewrite.table)
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a server that is silent when its job is cancelled keeps the table locked`() async throws {
        try await withRewrite(.http) { rewrite, url, _ in
            let fixture = rewrite.fixture
            let before = try await fixture.look(SlowRewrite.table)
            let job = try await rewrite.submit(url)
            try await rewrite.waitForStart()
            fixture.server.send(SIGSTOP)
            defer { fixture.server.send(SIGCONT) }

            let (status, _) = try await ProductFixture.send("POST", "\(url)/jobs/\(job)/cancel")
            #expect(status == 200)
            let (refusal, problem) = try await ProductFixture.send(
                "POST", "\(url)/tables/big/slow/maintenance", ["actions": ["expire_snapshots"]])
            #expect(refusal == 409, "\(problem.text())")
            try await inTime("the aftermath says that it is not over") {
                try await fixture.aftermath(url, job)["engine_state"] == "engine_stopping"
            }
            #expect(try await fixture.isLocked(SlowRewrite.table))
            fixture.server.send(SIGCONT)

            try await inTime("the engine stops once it hears") {
                try await fixture.aftermath(url, job)["engine_state"] == "engine_stopped"
            }
            #expect(try await rewrite.runningJobs().isEmpty)
            try await inTime("the lock is free") {
                try await !fixture.isLocked(SlowRewrite.table)
            }
            _ = try await expectWhole(before, rewrite)
        }
    }

    // MARK: Deaths

    @Test(
        .timeLimit(.minutes(10)),
        arguments: Share.of([(SparkThriftServer.Transport.http, 1), (.binaryNoSASL, 2)], 1))
    func `after a killed worker the next one adopts the statement, or sees it gone`(
        transport: SparkThriftServer.Transport, callers: Int
    ) async throws {
        try await withRewrite(transport, settings: Self.impatient, workers: 0) { rewrite, url, _ in
            let fixture = rewrite.fixture
            let before = try await fixture.look(SlowRewrite.table)
            let victim = try await fixture.product.start("worker", name: "victim")
            let job = try await rewrite.submit(url)
            try await rewrite.waitForLongPart(after: try rewrite.version())
            victim.send(SIGKILL)
            #expect(try await victim.wait() == .signaled(SIGKILL))

            let heir = try await fixture.product.start("worker", name: "heir")
            let ended = try await fixture.finished(url, job)

            #expect(ended["status"] == "completed", "\(ended)\n\(heir.log)")
            #expect(ended["attempts"] == 2)
            #expect(try await rewrite.callers(of: job) == callers, "\(fixture.logs)")
            #expect(try await rewrite.runningJobs().isEmpty)
            _ = try await expectWhole(before, rewrite)
            heir.send(SIGTERM)
            #expect(try await heir.wait() == .exited(0))
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a killed server fails no job once it is back`() async throws {
        try await withRewrite(.binaryNoSASL, settings: Self.impatient) { rewrite, url, _ in
            let fixture = rewrite.fixture
            let before = try await fixture.look(SlowRewrite.table)
            let job = try await rewrite.submit(url)
            try await rewrite.waitForLongPart(after: try rewrite.version())
            fixture.server.send(SIGKILL)
            try await fixture.server.restarted()

            let ended = try await fixture.finished(url, job)

            #expect(ended["status"] == "completed", "\(ended)")
            #expect((ended["attempts"]?.int64Value ?? 0) > 1)
            _ = try await expectWhole(before, rewrite)
            try await inTime("the lock is free") {
                try await !fixture.isLocked(SlowRewrite.table)
            }
        }
    }

    // MARK: Wires

    @Test(.timeLimit(.minutes(10)))
    func `a wire that is cut and mended does not disturb a job over HTTP`() async throws {
        try await withRewrite(.http, isWired: true) { rewrite, url, relay in
            let fixture = rewrite.fixture
            let before = try await fixture.look(SlowRewrite.table)
            let job = try await rewrite.submit(url)
            try await rewrite.waitForStart()
            let relay = try #require(relay)
            try await relay.cut()
            let mended = try await Relay.start(
                to: fixture.server.port, port: relay.port, folder: fixture.server.folder)

            let ended = try await fixture.finished(url, job)

            #expect(ended["status"] == "completed", "\(ended)")
            #expect(ended["attempts"] == 1)
            #expect(try await rewrite.callers(of: job) == 1)
            _ = try await expectWhole(before, rewrite)
            try await mended.cut()
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a binary connection that is cut takes its statement along, and another attempt follows`()
        async throws
    {
        try await withRewrite(
            .binaryNoSASL, isWired: true, settings: Self.impatient
        ) { rewrite, url, relay in
            let fixture = rewrite.fixture
            let before = try await fixture.look(SlowRewrite.table)
            let job = try await rewrite.submit(url)
            try await rewrite.waitForLongPart(after: try rewrite.version())
            let relay = try #require(relay)
            try await relay.cut()
            let mended = try await Relay.start(
                to: fixture.server.port, port: relay.port, folder: fixture.server.folder)

            let ended = try await fixture.finished(url, job)

            #expect(ended["status"] == "completed", "\(ended)")
            #expect(try await rewrite.runningJobs().isEmpty)
            _ = try await expectWhole(before, rewrite)
            try await mended.cut()
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a server that is silent for longer than a reply may take loses nothing`() async throws {
        try await withRewrite(.http) { rewrite, url, _ in
            let fixture = rewrite.fixture
            let before = try await fixture.look(SlowRewrite.table)
            let job = try await rewrite.submit(url)
            try await rewrite.waitForStart()
            fixture.server.send(SIGSTOP)
            defer { fixture.server.send(SIGCONT) }
            let limit = HiveServer2Configuration(host: "127.0.0.1", port: 1).replyLimit
            // Nothing tells how long the product has waited for an answer.
            let end = ContinuousClock.now.advanced(by: limit + .seconds(2))
            try await eventually("the silence has lasted", limit: limit * 2) {
                ContinuousClock.now >= end
            }
            fixture.server.send(SIGCONT)

            let ended = try await fixture.finished(url, job)

            #expect(ended["status"] == "completed", "\(ended)")
            #expect(ended["attempts"] == 1)
            #expect(try await rewrite.callers(of: job) == 1)
            _ = try await expectWhole(before, rewrite)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a worker that was paused beyond its lease disturbs no later attempt`() async throws {
        try await withRewrite(.http, settings: Self.impatient, workers: 0) { rewrite, url, _ in
            let fixture = rewrite.fixture
            let before = try await fixture.look(SlowRewrite.table)
            let paused = try await fixture.product.start("worker", name: "paused")
            let job = try await rewrite.submit(url)
            try await rewrite.waitForLongPart(after: try rewrite.version())
            paused.send(SIGSTOP)
            let heir = try await fixture.product.start("worker", name: "heir")
            try await inTime("another attempt has the job") {
                // It may end as soon as it began: the statement may have.
                try await fixture.job(url, job)["attempts"] == 2
            }
            paused.send(SIGCONT)

            let ended = try await fixture.finished(url, job)

            #expect(ended["status"] == "completed", "\(ended)\n\(heir.log)")
            #expect(try await rewrite.runningJobs().isEmpty)
            _ = try await expectWhole(before, rewrite)
            for worker in [paused, heir] {
                worker.send(SIGTERM)
                #expect(try await worker.wait() == .exited(0))
            }
        }
    }
}

extension SparkFixture {
    /// What a job says of what became of its engine; empty as long as it says nothing.
    func aftermath(_ url: String, _ id: String) async throws -> JSONObject {
        try await job(url, id)["aftermath"]?.objectValue ?? JSONObject()
    }

    /// The ends of the logs of all processes.
    var logs: String {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".log") }.map { name in
            let file = folder.appending(path: name)
            let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
            // Polls and syncs would push out what matters.
            let lines = text.split(separator: "\n").filter {
                !$0.contains(" INFO request ") && !$0.contains(" INFO table cache synced ")
            }
            return "--- \(name)\n\(lines.suffix(60).joined(separator: "\n"))"
        }.joined(separator: "\n")
    }
}
