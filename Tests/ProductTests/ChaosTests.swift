// SPDX-License-Identifier: Apache-2.0

import Foundation
import Postgres
import Subprocess
import TestSupport
import Testing
import WireFormat

/// Four workers over one PostgreSQL, killed, stopped and paused at random while jobs run.
///
/// The seed is printed and can be given as CHAOS_SEED; more jobs with CHAOS_JOBS.
@Suite(.enabled(if: PostgresCluster.isAvailable && Oracles.isAvailable, "\(Oracles.reason)"))
struct ChaosTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let seed =
        environment["CHAOS_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0...99_999)
    private static let jobs =
        environment["CHAOS_JOBS"].flatMap(Int.init)
        ?? Share.count(120, whole: 300)

    private static let settings = [
        "ICEPACK_LEASE_SECONDS": "3", "ICEPACK_HEARTBEAT_SECONDS": "0.5",
        "ICEPACK_SWEEP_SECONDS": "0.3", "ICEPACK_POLL_SECONDS": "0.5",
        "ICEPACK_RETRY_DELAY_SECONDS": "0.1", "ICEPACK_MAX_ATTEMPTS": "4",
    ]

    @Test(.timeLimit(.minutes(15)))
    func `every job ends once whatever is killed`() async throws {
        print("chaos: CHAOS_SEED=\(Self.seed) CHAOS_JOBS=\(Self.jobs)")
        let fixture = try await ProductFixture(
            tables: 20, history: ["--snapshots", "60", "--manifests", "2", "--keep", "5"],
            settings: Self.settings)
        try await noteSettlements(fixture)
        let (api, url) = try await fixture.startAPI()
        var storm = Storm(fixture: fixture, seed: Self.seed)
        try await storm.begin()

        let submitted = try await submit(to: url, fixture, &storm)
        storm.sleepers.wakeAll()

        try await expectQuiet(fixture, jobs: submitted)
        try await expectWholeTables(fixture, url)
        try await storm.stopAll()
        api.send(SIGTERM)
        #expect(try await api.wait() == .exited(0))
        await fixture.remove()
    }

    /// Submits until enough jobs were accepted, with something happening to a worker in between.
    private func submit(
        to url: String, _ fixture: ProductFixture, _ storm: inout Storm
    ) async throws -> Int {
        var accepted = 0
        var turn = 0
        while accepted < Self.jobs {
            turn += 1
            let keep = 60 - turn * 50 / (Self.jobs * 3)
            let table = Int.random(in: 0..<20, using: &storm.random)
            let body: JSONValue = [
                "actions": ["expire_snapshots"],
                "options": [
                    "expire_snapshots": [
                        "retain_last": .integer(max(keep, 5)),
                        "older_than": "2100-01-01T00:00:00Z",
                    ]
                ],
            ]
            let (status, job) = try await ProductFixture.send(
                "POST", "\(url)/tables/db/t_\(table + 1)/maintenance", body)
            switch status {
            case 202:
                accepted += 1
                try await storm.step(api: url, newest: job)
            case 409:
                storm.sleepers.wakeDue()
            default:
                Issue.record("submitting answered \(status): \(job.text())")
                return accepted
            }
            try await waitForRoom(fixture, storm.sleepers)
        }
        return accepted
    }

    /// Holds back while many jobs wait, so that the storm lasts as long as the work.
    private func waitForRoom(
        _ fixture: ProductFixture, _ sleepers: Sleepers
    ) async throws {
        try await eventually("the queue is worked off", limit: .seconds(60)) {
            sleepers.wakeDue()
            return try await fixture.number("SELECT COUNT(*) FROM job_queue") < 8
        }
    }

    /// Every step into a terminal status leaves a row, by the database's own hand.
    private func noteSettlements(_ fixture: ProductFixture) async throws {
        try await fixture.database.execute(
            script: """
                CREATE TABLE settlements (job_id TEXT, was TEXT, now TEXT);
                CREATE FUNCTION note_settlement() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF NEW.status IN ('completed', 'failed', 'cancelled')
                        AND NEW.status IS DISTINCT FROM OLD.status
                        OR OLD.status IN ('completed', 'failed', 'cancelled')
                        AND NEW.status IS DISTINCT FROM OLD.status
                    THEN
                        INSERT INTO settlements VALUES (NEW.job_id, OLD.status, NEW.status);
                    END IF;
                    RETURN NEW;
                END $$;
                CREATE TRIGGER settlement AFTER UPDATE ON jobs
                    FOR EACH ROW EXECUTE FUNCTION note_settlement();
                """)
    }

    private func expectQuiet(_ fixture: ProductFixture, jobs: Int) async throws {
        try await eventually("every job ends", limit: .seconds(90)) {
            try await fixture.number(
                "SELECT COUNT(*) FROM jobs WHERE status IN ('pending', 'running')") == 0
        }
        try await eventually("no lock is left behind", limit: .seconds(30)) {
            try await fixture.number("SELECT COUNT(*) FROM table_locks") == 0
        }
        let ended = try await fixture.number(
            "SELECT COUNT(*) FROM jobs WHERE status IN ('completed', 'failed', 'cancelled')")
        #expect(ended == Int64(jobs))
        #expect(try await fixture.number("SELECT COUNT(*) FROM job_queue") == 0)
        let settled = try await fixture.number("SELECT COUNT(DISTINCT job_id) FROM settlements")
        #expect(settled == Int64(jobs), "every job was settled")
        #expect(
            try await fixture.number("SELECT COUNT(*) FROM settlements") == settled,
            "no two attempts settled one job")
        let completed = try await fixture.number(
            "SELECT COUNT(*) FROM jobs WHERE status = 'completed'")
        #expect(completed > Int64(jobs / 4), "the storm left some work to succeed")
    }

    /// One more job on each table replays what crashes left; then nothing live is missing and
    /// nothing unreachable is left.
    private func expectWholeTables(_ fixture: ProductFixture, _ url: String) async throws {
        for table in 0..<20 {
            let (status, job) = try await ProductFixture.send(
                "POST", "\(url)/tables/db/t_\(table + 1)/maintenance",
                ["actions": ["expire_snapshots"]])
            #expect(status == 202, "\(job.text())")
        }
        try await eventually("the last jobs end", limit: .seconds(60)) {
            try await fixture.number(
                "SELECT COUNT(*) FROM jobs WHERE status IN ('pending', 'running')") == 0
        }
        for table in 0..<20 {
            let files = try await fixture.references(table)
            #expect(files["missing"] == [])
            // A worker killed between writing a new metadata file and swapping the pointer leaves
            // that file, which no journal names; it is orphan removal's to find. So is what it had
            // of a file that it was just writing, which has another name until it is whole.
            let left = (files["unreferenced"]?.arrayValue ?? []).compactMap(\.stringValue)
                .filter { !$0.hasSuffix(".metadata.json") && !$0.hasSuffix(".icepack-partial") }
            #expect(left == [], "unreachable files of \(fixture.name(table))")
        }
    }
}
