// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import Synchronization
import TestSupport
import Testing
import WireFormat

/// Processes that end, or sleep, at the worst moment.
@Suite(
    .serialized,
    .enabled(if: PostgresCluster.isAvailable && Oracles.isAvailable, "\(Oracles.reason)")
)
struct CrashTests {
    private static let settings = [
        "ICEPACK_LEASE_SECONDS": "3", "ICEPACK_HEARTBEAT_SECONDS": "0.5",
        "ICEPACK_SWEEP_SECONDS": "0.3", "ICEPACK_POLL_SECONDS": "0.3",
        "ICEPACK_RETRY_DELAY_SECONDS": "0.1", "ICEPACK_MAX_ATTEMPTS": "4",
    ]

    private func fixture() async throws -> ProductFixture {
        try await ProductFixture(
            tables: 1, history: ["--snapshots", "1500", "--manifests", "2", "--keep", "5"],
            settings: Self.settings)
    }

    private func status(_ job: String, _ fixture: ProductFixture) async throws -> Int64 {
        try await fixture.number(
            """
            SELECT CASE status WHEN 'pending' THEN 0 WHEN 'running' THEN 1 WHEN 'completed' THEN 2
                ELSE 3 END FROM jobs WHERE job_id = '\(job)'
            """)
    }

    @Test(.timeLimit(.minutes(15)))
    func `a kill between commit and removal is replayed by the next attempt`() async throws {
        let fixture = try await fixture()
        let (api, url) = try await fixture.startAPI()
        let before = try await fixture.metadataLocation(0)
        let job = try await fixture.submit(url, table: 0, retainLast: 5)

        // However busy the machine is: who commits waits until it is killed.
        try await fixture.change(
            """
            CREATE FUNCTION stall() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$
            """,
            """
            CREATE TRIGGER stall BEFORE UPDATE ON file_journal
                FOR EACH ROW WHEN (NEW.state = 'done') EXECUTE FUNCTION stall()
            """)
        let victim = try await fixture.product.start("worker", name: "victim")
        try await eventually("the commit", limit: .seconds(60)) {
            try await fixture.metadataLocation(0) != before
        }
        victim.send(SIGKILL)
        #expect(try await victim.wait() == .signaled(SIGKILL))
        try await fixture.change(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
            "DROP TRIGGER stall ON file_journal")
        let left = try await fixture.references(0)["unreferenced"]?.arrayValue ?? []
        let open = try await fixture.number(
            "SELECT COUNT(*) FROM file_journal WHERE state = 'planned'")

        let heir = try await fixture.product.start("worker", name: "heir")
        try await eventually("the job ends", limit: .seconds(60)) {
            try await status(job, fixture) >= 2
        }
        heir.send(SIGTERM)
        #expect(try await heir.wait() == .exited(0))
        let files = try await fixture.references(0)
        #expect(!left.isEmpty && open > 0, "the kill came before the removals were over")
        #expect(try await status(job, fixture) == 2)
        #expect(files["missing"] == [])
        #expect(files["unreferenced"] == [])
        #expect(
            try await fixture.number(
                "SELECT COUNT(*) FROM file_journal WHERE state = 'planned'") == 0)
        api.send(SIGTERM)
        #expect(try await api.wait() == .exited(0))
        await fixture.remove()
    }

    @Test(.timeLimit(.minutes(15)))
    func `a paused worker that wakes up commits nothing`() async throws {
        let fixture = try await fixture()
        let (api, url) = try await fixture.startAPI()
        let before = try await fixture.metadataLocation(0)
        let job = try await fixture.submit(url, table: 0, retainLast: 5)

        let sleeper = try await fixture.product.start("worker", name: "sleeper")
        try await eventually("the claim", limit: .seconds(60)) {
            try await status(job, fixture) == 1
        }
        sleeper.send(SIGSTOP)
        try #require(
            try await fixture.metadataLocation(0) == before, "the pause came before the commit")

        let heir = try await fixture.product.start("worker", name: "heir")
        // Stopped at a bad moment it holds a lock of the catalog's database, and has to go on for a
        // moment.
        let patience = Mutex(ContinuousClock.now.advanced(by: .seconds(15)))
        try await eventually("another worker finishes the job", limit: .seconds(120)) {
            let isLate = patience.withLock { patience in
                guard patience < .now else { return false }
                patience = .now.advanced(by: .seconds(15))
                return true
            }
            if isLate {
                sleeper.send(SIGCONT)
                await moment()
                sleeper.send(SIGSTOP)
            }
            return try await status(job, fixture) >= 2
        }
        let after = try await fixture.metadataLocation(0)
        let files = try FileManager.default.subpathsOfDirectory(
            atPath: fixture.folder.appendingPathComponent("warehouse").path
        ).sorted()
        sleeper.send(SIGCONT)
        try await eventually("the sleeper notices", limit: .seconds(60)) {
            sleeper.log.contains("job_run_ended")
        }
        heir.send(SIGTERM)
        sleeper.send(SIGTERM)
        _ = try await (heir.wait(), sleeper.wait())

        #expect(sleeper.log.contains("fenceLost"))
        #expect(try await fixture.metadataLocation(0) == after)
        #expect(
            try FileManager.default.subpathsOfDirectory(
                atPath: fixture.folder.appendingPathComponent("warehouse").path
            ).sorted() == files)
        #expect(try await status(job, fixture) == 2)
        api.send(SIGTERM)
        #expect(try await api.wait() == .exited(0))
        await fixture.remove()
    }

    @Test(.timeLimit(.minutes(15)))
    func `SIGTERM ends a one-job worker with 1 and its job with a reason`() async throws {
        let fixture = try await fixture()
        let (api, url) = try await fixture.startAPI()
        let job = try await fixture.submit(url, table: 0, retainLast: 5)

        let worker = try await fixture.product.start("worker", "--once", name: "once")
        try await eventually("the claim", limit: .seconds(60)) {
            try await status(job, fixture) == 1
        }
        let told = ContinuousClock.now
        worker.send(SIGTERM)
        #expect(try await worker.wait() == .exited(1))

        #expect(told.duration(to: .now) < .seconds(4), "two seconds, and a slow machine's grace")
        let (_, shown) = try await ProductFixture.send("GET", "\(url)/jobs/\(job)")
        #expect(shown.objectValue?["status"] == "failed")
        #expect(shown.objectValue?["error"] == "Worker received SIGTERM")
        let idle = try await fixture.product.run("worker", "--once")
        #expect(idle.code == 0, "nothing to claim is a success")
        api.send(SIGTERM)
        #expect(try await api.wait() == .exited(0))
        await fixture.remove()
    }
}
