// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import Maintenance
import SparkEngine
import TestSupport
import Testing
import WireFormat

/// A run from the session to the report, over a server that does what the test says.
@Suite struct RunTests {
    private static let rewritten = SparkRows(
        columns: ["rewritten_data_files_count", "added_data_files_count"],
        rows: [[.integer(9), .integer(2)]])

    @Test func `a run opens a session, calls, reports and leaves nothing behind`() async throws {
        let bench = try Bench(
            .init(
                statuses: [
                    .success(.init(state: .pending)), .success(.init(state: .running)),
                    .success(.init(state: .finished)),
                ], rows: [.success(Self.rewritten)]))

        let report = try await bench.run().get()

        #expect(report.impact == "9 -> 2 data files")
        #expect(
            bench.server.log == [
                "open", "execute session-1", "status", "status", "status", "rows",
                "close operation", "close session-1",
            ])
        #expect(bench.server.statements.count == 1)
        #expect(bench.server.statements[0].contains("\"job\":\"0a1b\",\"attempt\":\"2c3d\""))
        #expect(bench.notebook.aftermaths.isEmpty)
    }

    @Test func `what the next attempt needs is kept before and after the call`() async throws {
        let bench = try Bench()

        _ = try await bench.run().get()

        let kept = bench.notebook.kept.map { $0.flatMap(SavedOperation.init) }
        #expect(kept.count == 4)
        #expect(kept[0]?.session == "session-1")
        #expect(kept[0]?.operation == nil)
        #expect(kept[0]?.application == nil)
        #expect(kept[1]?.application == "app-1")
        #expect(kept[2]?.operation == "operation of session-1")
        #expect(kept[2]?.action == .rewriteDataFiles)
        #expect(kept[3] == nil)
        #expect(bench.notebook.leases == [.seconds(90)])
    }

    @Test func `expired snapshots are counted in the table`() async throws {
        var after = TestTable(version: 2, firstSequenceNumber: 3, snapshots: [.init(id: 3)])
        after.snapshots += [.init(id: 4)]
        let before = TestTable(snapshots: (1...4).map { .init(id: $0, age: 864_000_000) })
        let bench = try Bench(table: before)
        let tables = bench.tables
        bench.server.change { script in
            script.rows = [
                .success(
                    SparkRows(columns: ["deleted_data_files_count"], rows: [[.integer(5)]]))
            ]
            script.onStatus = { [after] _ in
                do { try tables.set(after) } catch { Issue.record(error) }
            }
        }

        let report = try await bench.run(.expireSnapshots, ["retain_last": 2]).get()

        #expect(report.message == "Expired 2 snapshots and deleted 5 files")
        #expect(report.metrics["expired_snapshots_count"] == 2)
    }

    @Test func `a result that cannot be fetched is asked for again, then done without`()
        async throws
    {
        let lost = Result<SparkRows, SparkServerError>.failure(.reattach(reason: "cut"))
        let again = try Bench(.init(rows: [lost, lost, .success(Self.rewritten)]))
        #expect(try await again.run().get().impact == "9 -> 2 data files")

        let never = try Bench(.init(rows: [lost]))
        let report = try await never.run().get()
        #expect(report.impact == nil)
        #expect(report.metrics.isEmpty)
        #expect(never.server.log.count { $0 == "rows" } == 3)

        let long = try Bench(.init(rows: [.failure(.tooLarge(reason: "more than 1000 rows"))]))
        #expect(try await long.run().get().impact == nil)
    }

    @Test func `an interface that answers only after the call showed the application too`()
        async throws
    {
        let down = Result<SparkActivity, SparkApplicationsError>.failure(
            .unavailable(reason: "down"))
        let up = ScriptedApplications.Script().looks
        let bench = try Bench(applications: .init(looks: [down] + up))

        _ = try await bench.run().get()

        let kept = bench.notebook.kept.map { $0.flatMap(SavedOperation.init)?.isShown }
        // The operation is kept before anybody is asked about the application.
        #expect(kept == [false, false, false, true, nil])
    }

    @Test func `a job that is ended as its statement ends says that it stopped, and its commits`()
        async throws
    {
        let bench = try Bench()
        var after = TestTable(version: 2, snapshots: [.init(id: 1)])
        after.snapshots.append(.init(id: 2, operation: "replace", summary: ["app-id": "app-1"]))
        let tables = bench.tables
        bench.server.change { script in
            script.onStatus = { [after] _ in
                do { try tables.set(after) } catch { Issue.record(error) }
            }
        }
        bench.notebook.failKeeping(4, with: .fenceLost)

        _ = try await bench.run().get()

        #expect(bench.notebook.aftermaths.map(\.state) == [.stopped])
        #expect(bench.notebook.aftermaths.first?.commits.map(\.snapshotID) == [2])
    }

    @Test func `nothing is called in an application that does not start`() async throws {
        let bench = try Bench(
            .init(
                askStatus: .init(state: .failed, message: "java.net.ConnectException: refused")))

        guard case .failure(.unavailable) = try await bench.run() else {
            Issue.record("it may start the next time")
            return
        }

        #expect(bench.server.log == ["open", "close session-1"])
        #expect(bench.notebook.kept.last == .some(nil))
    }

    @Test func `progress is the server's, or that of Spark's jobs`() async throws {
        let own = try Bench(
            .init(statuses: [
                .success(.init(state: .running, progress: .init(fraction: 0.428))),
                .success(.init(state: .finished)),
            ]))
        _ = try await own.run().get()
        #expect(
            own.notebook.progress
                == [.init(phase: "running in Spark", done: 42, total: 100, unit: "percent")])

        let job = SparkJob(
            application: "app-1", id: 1, group: "REWRITE-DATA-FILES-1",
            description: "Rewriting 1 files in lab.db.t", tasksDone: 3, tasks: 8)
        let watched = try Bench(
            .init(statuses: [.success(.init(state: .running)), .success(.init(state: .finished))]),
            applications: .init(looks: [
                .success(.init(applications: ["app-1"], statements: [], jobs: [job, job]))
            ]))
        _ = try await watched.run().get()
        #expect(
            watched.notebook.progress
                == [.init(phase: "running in Spark", done: 6, total: 16, unit: "tasks")])
    }

    @Test func `what was rewritten and not committed is a conflict and no success`() async throws {
        let nothing = SparkRows(
            columns: ["rewritten_data_files_count", "added_data_files_count"],
            rows: [[.integer(0), .integer(0)]])
        let script = ScriptedServer.Script(
            statuses: [.success(.init(state: .running)), .success(.init(state: .finished))],
            rows: [.success(nothing)])
        let job = SparkJob(
            application: "app-1", id: 1, group: "REWRITE-DATA-FILES-1",
            description: "Rewriting 1 files in lab.db.t", tasksDone: 3, tasks: 8)
        let worked = try Bench(
            script,
            applications: .init(looks: [
                .success(.init(applications: ["app-1"], statements: [], jobs: [job]))
            ]))
        guard case .failure(.conflict) = try await worked.run() else {
            Issue.record("its commits failed")
            return
        }
        #expect(worked.notebook.kept.last == .some(nil))

        let idle = try Bench(script)
        #expect(try await idle.run().get().message == "No data file is due to be rewritten")
    }

    // MARK: Failures

    @Test func `a failed statement is told with what it had committed`() async throws {
        var after = TestTable(version: 2, snapshots: [.init(id: 1)])
        after.snapshots.append(.init(id: 2, operation: "replace", summary: ["app-id": "app-1"]))
        let bench = try Bench(
            .init(statuses: [
                .success(
                    .init(
                        state: .failed,
                        message:
                            "org.apache.iceberg.exceptions.CommitFailedException: Cannot commit"
                    ))
            ]))
        let tables = bench.tables
        bench.server.change { script in
            script.onStatus = { [after] _ in
                do { try tables.set(after) } catch { Issue.record(error) }
            }
        }

        let result = try await bench.run()

        #expect(
            throws: MaintenanceError.conflict(
                reason: "Cannot commit; the table keeps 1 commit of it")
        ) { try result.get() }
        #expect(bench.server.log.suffix(2) == ["close operation", "close session-1"])
        #expect(bench.notebook.kept.last == .some(nil))
    }

    @Test func `an unknown commit stays unknown`() async throws {
        let bench = try Bench(
            .init(statuses: [
                .success(.init(state: .failed, message: "CommitStateUnknownException: x"))
            ]))

        guard case .failure(.commitUnknown) = try await bench.run() else {
            Issue.record("the commit is not unknown")
            return
        }
    }

    @Test(arguments: [
        (SparkServerError.retry(reason: "down"), true), (.reattach(reason: "cut"), true),
        (.malformed(reason: "?"), true), (.rejected(reason: "no"), false),
        (.statement(sqlState: "28000", message: "no"), false),
    ])
    func `without a session nothing has happened`(error: SparkServerError, isPassing: Bool)
        async throws
    {
        let bench = try Bench(.init(openError: error))

        switch try await bench.run() {
        case .failure(.unavailable): #expect(isPassing)
        case .failure(.refused): #expect(!isPassing)
        case .success, .failure: Issue.record("unexpected")
        }
        #expect(bench.server.log == ["open"])
        #expect(bench.notebook.kept.isEmpty)
    }

    @Test func `a call that certainly did not arrive is given up`() async throws {
        let bench = try Bench(.init(executeError: .retry(reason: "down")))

        await #expect(throws: MaintenanceError.unavailable(reason: "Spark's server: down")) {
            try await bench.run().get()
        }
        #expect(bench.server.log == ["open", "execute session-1", "close session-1"])
        #expect(bench.notebook.kept.last == .some(nil))
    }

    @Test(arguments: [
        SparkServerError.reattach(reason: "cut"), .handleLost(reason: "gone"),
        .malformed(reason: "?"),
        .statement(sqlState: nil, message: "Error operating: Connection refused"),
    ])
    func `a call that may have arrived is stopped first`(error: SparkServerError) async throws {
        let bench = try Bench(.init(executeError: error))

        guard case .failure(.unavailable) = try await bench.run() else {
            Issue.record("it may be tried again")
            return
        }
        #expect(bench.applications?.log.contains("look") == true)
        #expect(bench.notebook.aftermaths.map(\.state) == [.stopped])
        #expect(bench.notebook.kept.last == .some(nil))
    }

    @Test func `without a lease there is no call`() async throws {
        let bench = try Bench()
        bench.notebook.failLease(with: .fenceLost)

        await #expect(throws: MaintenanceError.fenceLost) {
            try await bench.run().get()
        }

        #expect(bench.server.log == ["open", "close session-1"])
        #expect(bench.notebook.aftermaths.map(\.state) == [.stopped])
    }

    @Test(arguments: [1, 2])
    func `what cannot be kept is not begun`(number: Int) async throws {
        let bench = try Bench()
        bench.notebook.failKeeping(number, with: .fenceLost)

        await #expect(throws: MaintenanceError.fenceLost) {
            try await bench.run().get()
        }
        #expect(bench.server.statements.isEmpty)
    }

    @Test func `a statement whose handle cannot be kept is stopped`() async throws {
        let bench = try Bench(.init(statuses: [.success(.init(state: .running))]))
        bench.notebook.failKeeping(3, with: .fenceLost)

        await #expect(throws: MaintenanceError.fenceLost) {
            try await bench.run().get()
        }
        #expect(bench.server.log.contains("cancel"))
        #expect(bench.notebook.aftermaths.map(\.state) == [.stopped])
    }

    @Test func `an option that Spark does not have is refused before the session`() async throws {
        let bench = try Bench()

        guard
            case .failure(.refused("invalid_option", _)) = try await bench.run(
                .rewriteManifests, ["verify": true])
        else {
            Issue.record("it was not refused")
            return
        }
        #expect(bench.server.log.isEmpty)
    }

    @Test func `an expiry that Spark would do otherwise is refused`() async throws {
        var table = TestTable(snapshots: [
            .init(id: 1, summary: ["flink.job-id": "f"], age: 864_000_000), .init(id: 2),
        ])
        let flink = try Bench(table: table)
        guard
            case .failure(.refused("flink_position", _)) = try await flink.run(
                .expireSnapshots, ["retain_last": 1])
        else {
            Issue.record("the position was not protected")
            return
        }
        table.properties = [("gc.enabled", "false")]
        let shared = try Bench(table: table)
        guard case .failure(.refused("gc_disabled", _)) = try await shared.run(.expireSnapshots)
        else {
            Issue.record("the files were not protected")
            return
        }
        #expect(flink.server.log.isEmpty)
        #expect(shared.server.log.isEmpty)
    }

    @Test func `a table that is not there is refused`() async throws {
        let bench = try Bench()
        bench.tables.fail(with: .noSuchTable(TestTable.identifier))

        guard case .failure(.refused("no_such_table", _)) = try await bench.run() else {
            Issue.record("it was not refused")
            return
        }
    }

    // MARK: Plans

    @Test func `a rewrite's plan is the statement and the table's totals`() async throws {
        let bench = try Bench(
            table: TestTable(snapshots: [.init(id: 1, summary: ["total-data-files": "12"])]))

        let plan = try await bench.engine.plan(TestTable.request(.rewriteDataFiles))

        #expect(plan.summary["total_data_files"] == 12)
        #expect(plan.summary["total_records"] == .some(.null))
        #expect(plan.summary["groups"] == .some(.null))
        #expect(plan.summary["statement"]?.stringValue?.contains("\"job\":\"plan\"") == true)
        #expect(bench.server.log.isEmpty)
    }

    @Test func `an expiry's plan is that of every engine`() async throws {
        let bench = try Bench(
            table: TestTable(snapshots: (1...4).map { .init(id: $0, age: 864_000_000) }))

        let plan = try await bench.engine.plan(
            TestTable.request(.expireSnapshots, ["retain_last": 1]))

        #expect(plan.summary["expired_snapshots_count"] == 3)
        #expect(plan.hasWork)
        #expect(bench.server.log.isEmpty)
    }

    @Test func `orphan files are looked for by a dry run`() async throws {
        let bench = try Bench(
            .init(rows: [
                .success(
                    SparkRows(
                        columns: ["orphan_file_location"], rows: [[.text("s3a://b/x")]]))
            ]))

        let plan = try await bench.moving { [bench] in
            try await bench.engine.plan(TestTable.request(.removeOrphanFiles)).summary
        }

        #expect(plan["orphan_files_count"] == 1)
        #expect(plan["orphan_files"] == .some(["s3a://b/x"]))
        #expect(bench.server.statements[0].contains("dry_run => true"))
    }
}
