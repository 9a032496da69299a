// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import Maintenance
import SparkEngine
import TestSupport
import Testing
import WireFormat

/// A cancelled run stops Spark, whatever fails on the way, and says what it knows.
@Suite struct StopTests {
    private static let running = ScriptedServer.Script(
        statuses: [.success(.init(state: .running))])

    private static func job(_ id: Int64) -> SparkJob {
        SparkJob(
            application: "app-1", id: id, group: "REWRITE-DATA-FILES-1",
            description: "Rewriting 1 files in lab.db.t", tasksDone: 0, tasks: 1)
    }

    private static func seen(
        _ jobs: [SparkJob] = [], applications: [String] = ["app-1"]
    ) -> Result<SparkActivity, SparkApplicationsError> {
        let statements = applications.contains("app-1") ? ScriptedApplications.ended : []
        return .success(.init(applications: applications, statements: statements, jobs: jobs))
    }

    /// An interface that never showed the statement.
    private static let unseen = Result<SparkActivity, SparkApplicationsError>.success(
        .init(applications: ["app-1"], statements: [], jobs: []))

    @Test func `jobs that a cancel leaves running are killed until none is left`() async throws {
        // The first look is before the call, the second is the progress's.
        let bench = try Bench(
            Self.running,
            applications: .init(looks: [
                Self.seen(), Self.seen(), Self.seen([Self.job(4), Self.job(5)]),
                Self.seen([Self.job(6)]), Self.seen(),
            ]))

        #expect(try await bench.runCancelled() == .cancelled)

        let killed = try #require(bench.applications).log.filter { $0.hasPrefix("kill") }
        #expect(killed == ["kill 4", "kill 5", "kill 6"])
        #expect(bench.server.log.suffix(2) == ["cancel", "close session-1"])
        #expect(bench.notebook.aftermaths.map(\.state) == [.stopped])
        #expect(bench.notebook.aftermaths[0].note == nil)
        #expect(bench.notebook.kept.last == .some(nil))
    }

    @Test func `stopped is said only after a while of silence`() async throws {
        var pace = SparkPace()
        pace.settle = .seconds(20)
        let bench = try Bench(Self.running, pace: pace)

        let before = bench.clock.now
        #expect(try await bench.runCancelled() == .cancelled)

        #expect(before.duration(to: bench.clock.now) >= .seconds(20))
    }

    @Test func `commits are read from the table`() async throws {
        let bench = try Bench(Self.running)
        let tables = bench.tables
        var after = TestTable(version: 2, snapshots: [.init(id: 1)])
        after.snapshots += [
            .init(id: 2, operation: "replace", summary: ["app-id": "app-1"]),
            .init(id: 3, operation: "append"),
        ]
        bench.server.change { script in
            script.onStatus = { [after] _ in
                do { try tables.set(after) } catch { Issue.record(error) }
            }
        }

        #expect(try await bench.runCancelled() == .cancelled)

        #expect(bench.notebook.aftermaths[0].commits.map(\.snapshotID) == [2])
    }

    @Test func `jobs that cannot be killed leave the engine unknown`() async throws {
        let bench = try Bench(
            Self.running,
            applications: .init(
                looks: [Self.seen([Self.job(4)])], killError: .refused(reason: "forbidden")))

        _ = try await bench.doubtAfterCancel()
        #expect(bench.notebook.aftermaths.map(\.state) == [.unknown])
        // What was kept stays for whoever looks next.
        #expect(bench.notebook.kept.last?.flatMap(SavedOperation.init) != nil)
        #expect(bench.clock.now.offset <= SparkPace().stopLimit + .seconds(5))
    }

    @Test(arguments: [
        SparkApplicationsError.unavailable(reason: "down"), .refused(reason: "not JSON"),
    ])
    func `an interface that does not answer leaves the engine unknown`(
        error: SparkApplicationsError
    ) async throws {
        let bench = try Bench(
            Self.running, applications: .init(looks: [.failure(error)]))

        let reason = try await bench.doubtAfterCancel()
        #expect(reason.hasPrefix(error.reason))
        #expect(bench.notebook.aftermaths.map(\.state) == [.unknown])
    }

    @Test func `a shared server without an interface leaves the engine unknown`() async throws {
        let bench = try Bench(Self.running, applications: nil)

        let reason = try await bench.doubtAfterCancel()
        #expect(reason.contains("ICEPACK_SPARK_UI_URL"))
    }

    @Test func `a statement that ended before it was stopped has stopped`() async throws {
        let bench = try Bench(applications: nil)

        let state = try bench.saved().json
        let aftermath = await bench.engine.settleAbandoned(TestTable.identifier, state: state)

        #expect(aftermath?.state == .stopped)
        #expect(bench.server.log == ["status", "close old"])
    }

    @Test func `another application's interface is no evidence`() async throws {
        let bench = try Bench(
            Self.running, applications: .init(looks: [Self.seen(applications: ["app-2"])]))

        let reason = try await bench.doubtAfterCancel()
        #expect(reason.contains("another application"))
    }

    @Test func `an application that is gone took everything with it`() async throws {
        let bench = try Bench(
            .init(
                statuses: [.failure(.handleLost(reason: "unknown"))],
                statusAfterCancel: nil, cancelError: .handleLost(reason: "unknown"),
                closeError: .handleLost(reason: "unknown")),
            applications: .init(looks: [Self.seen(applications: ["app-2"])]))

        let aftermath = try await bench.moving { [bench] in
            await bench.engine.settleAbandoned(
                TestTable.identifier, state: try bench.saved().json)
        }

        #expect(aftermath?.state == .stopped)
    }

    @Test func `a server that hangs does not hold up the stop`() async throws {
        var pace = SparkPace()
        pace.stopCallLimit = .milliseconds(20)
        let bench = try Bench(
            .init(statuses: [.success(.init(state: .running))], hangs: ["cancel", "close"]),
            pace: pace)

        #expect(try await bench.runCancelled() == .cancelled)
        #expect(bench.notebook.aftermaths.map(\.state) == [.stopped])
    }

    @Test func `a server that takes its time over a running statement is cancelled at once`()
        async throws
    {
        var pace = SparkPace()
        pace.glance = .milliseconds(20)
        let bench = try Bench(
            .init(statuses: [.success(.init(state: .running))], hangs: ["status"]), pace: pace)

        let aftermath = try await bench.moving { [bench] in
            await bench.engine.settleAbandoned(
                TestTable.identifier, state: try bench.saved().json)
        }

        #expect(aftermath?.state == .stopped)
        #expect(bench.server.log == ["status", "cancel", "close old"])
    }

    @Test func `a table that cannot be read is said to be unread`() async throws {
        let bench = try Bench(Self.running)
        let tables = bench.tables
        bench.server.change { script in
            script.onStatus = { _ in tables.fail(with: .unavailable(reason: "down")) }
        }

        let reason = try await bench.doubtAfterCancel()
        #expect(reason.contains("could not be read"))
        #expect(bench.notebook.aftermaths.map(\.state) == [.unknown])
        #expect(bench.notebook.aftermaths[0].note?.contains("commits may be missing") == true)
    }

    @Test func `an application that is gone needs no table to be gone`() async throws {
        let lost = SparkServerError.handleLost(reason: "unknown")
        let bench = try Bench(
            .init(
                statuses: [.failure(lost)], statusAfterCancel: nil, cancelError: lost,
                closeError: lost),
            applications: .init(looks: [Self.seen(applications: ["app-2"])]))
        bench.tables.fail(with: .unavailable(reason: "down"))

        #expect(try await bench.settled().state == .stopped)
    }

    @Test func `a server out of reach does not make its application gone`() async throws {
        let down = SparkServerError.retry(reason: "down")
        let bench = try Bench(
            .init(
                statuses: [.failure(down)], statusAfterCancel: nil, cancelError: down,
                closeError: down),
            applications: .init(looks: [Self.seen(applications: ["app-2"])]))

        #expect(try await bench.settled().state == .unknown)
    }

    // MARK: The driver

    private static func threads(
        _ frames: String...
    ) -> Result<[SparkThread], SparkApplicationsError> {
        .success([SparkThread(name: "Committer-Service", frames: frames)])
    }

    private static let committing = threads(
        "java.lang.Thread.sleep(Native Method)",
        "org.apache.iceberg.actions.RewriteDataFilesCommitManager.commitFileGroups(R.java:1)")

    @Test func `a commit that waits in the driver is not over`() async throws {
        let idle = Self.threads("java.lang.Object.wait(Native Method)")
        let bench = try Bench(
            Self.running,
            applications: .init(
                threads: Array(repeating: Self.committing, count: 20) + [idle]))

        let before = bench.clock.now
        #expect(try await bench.runCancelled() == .cancelled)

        #expect(before.duration(to: bench.clock.now) >= .seconds(12))
        #expect(bench.notebook.aftermaths.map(\.state) == [.stopped])
        #expect(bench.applications?.log.contains("threads of app-1") == true)

        let never = try Bench(Self.running, applications: .init(threads: [Self.committing]))
        _ = try await never.doubtAfterCancel()
    }

    @Test func `where Spark shows no threads only a long silence is an end`() async throws {
        let bench = try Bench(
            Self.running, applications: .init(threads: [.failure(.refused(reason: "404"))]))

        let before = bench.clock.now
        #expect(try await bench.runCancelled() == .cancelled)

        let took = before.duration(to: bench.clock.now)
        #expect(took >= CommitWait.silence(nil))
        #expect(took < SparkPace().longestStop + .seconds(5))
        #expect(bench.notebook.aftermaths.map(\.state) == [.stopped])
    }

    @Test func `a table whose commits wait longer than anybody looks keeps its hold`() async throws
    {
        let bench = try Bench(
            Self.running, applications: .init(threads: [.failure(.refused(reason: "404"))]),
            table: TestTable(
                snapshots: [.init(id: 1)], properties: [("commit.retry.max-wait-ms", "600000")]))

        let reason = try await bench.doubtAfterCancel()
        #expect(reason.contains("commit.retry.max-wait-ms"))
    }

    @Test func `threads that nobody can ask for now are hidden`() async throws {
        let bench = try Bench(
            Self.running, applications: .init(threads: [.failure(.unavailable(reason: "503"))]))

        let reason = try await bench.doubtAfterCancel()
        #expect(reason.hasPrefix("503"))
    }

    @Test func `an interface that knows neither application nor statement is no evidence`()
        async throws
    {
        let bench = try Bench(Self.running, applications: .init(looks: [Self.unseen]))
        let unknown = try bench.saved(application: nil)

        #expect(try await bench.settled(unknown).state == .unknown)

        // One that shows our statement is the right one.
        let ended = SparkStatement(
            application: "app-1", description: unknown.mark.comment + " CALL", isRunning: false,
            runningJobs: [])
        let shown = try Bench(
            Self.running,
            applications: .init(looks: [
                .success(.init(applications: ["app-1"], statements: [ended], jobs: []))
            ]))
        #expect(try await shown.settled(unknown).state == .stopped)
    }

    @Test func `what was never called has stopped, whoever can be asked`() async throws {
        let bench = try Bench(Self.running, applications: nil)

        let aftermath = try await bench.settled(
            bench.saved(operation: nil, application: nil, isCalled: false))

        #expect(aftermath.state == .stopped)
        #expect(bench.server.log == ["close old"])
    }

    // MARK: What a failure proves

    @Test(arguments: [
        ("org.apache.iceberg.exceptions.CommitFailedException: Cannot commit", true),
        ("Couldn't load table 'db.t' in catalog 'lab'", true),
        ("java.lang.NullPointerException", true),
        ("org.apache.iceberg.exceptions.ServiceFailureException: Server error: 500", true),
        ("org.apache.iceberg.exceptions.ServiceFailureException: Connection reset", false),
        ("org.postgresql.util.PSQLException: FATAL: the database system is shutting down", true),
        ("org.postgresql.util.PSQLException: FATAL: sorry, too many clients already", true),
        (
            "org.postgresql.util.PSQLException: FATAL: terminating connection due to "
                + "administrator command", true
        ),
        ("Error operating ExecuteStatement: Socket for SessionHandle [x] is closed", false),
        ("org.apache.thrift.transport.TTransportException: java.net.SocketException", false),
        ("java.net.ConnectException: Connection refused", false),
        ("UNKNOWN STATE for CALL", false), ("java.lang.OutOfMemoryError: Java heap space", false),
        ("AccessDenied; java.lang.InterruptedException", false),
    ])
    func `a failed operation is over unless its application was lost`(
        message: String, isOver: Bool
    ) async throws {
        let bench = try Bench(
            .init(
                statuses: [.success(.init(state: .failed, message: message))],
                statusAfterCancel: nil),
            applications: nil)

        #expect(try await bench.settled().state == (isOver ? .stopped : .unknown))
    }

    @Test(arguments: [
        SparkOperationStatus.State.cancelled, .closed, .timedOut, .unknown, .pending, .running,
    ])
    func `no other state of an operation proves that nothing runs`(
        state: SparkOperationStatus.State
    ) async throws {
        let bench = try Bench(
            .init(statuses: [.success(.init(state: state))], statusAfterCancel: nil),
            applications: nil)

        #expect(try await bench.settled().state == .unknown)
    }

    @Test func `a failure that lost Spark is looked after before it is told`() async throws {
        let lost = SparkOperationStatus(
            state: .failed, message: "Error operating ExecuteStatement: Socket for x is closed")
        let bench = try Bench(
            .init(statuses: [.success(lost)], statusAfterCancel: nil),
            applications: .init(looks: [
                Self.seen(), Self.seen(), Self.seen([Self.job(4)]), Self.seen(),
            ]))

        guard case .failure(.unavailable) = try await bench.run() else {
            Issue.record("it may be tried again")
            return
        }
        #expect(bench.applications?.log.contains("kill 4") == true)
        #expect(bench.notebook.aftermaths.map(\.state) == [.stopped])
        #expect(bench.notebook.kept.last == .some(nil))

        let unseen = try Bench(
            .init(statuses: [.success(lost)], statusAfterCancel: nil), applications: nil)
        guard case .failure(.stillRunning) = try await unseen.run() else {
            Issue.record("it may still run")
            return
        }
        #expect(unseen.notebook.kept.last?.flatMap(SavedOperation.init) != nil)
    }

    // MARK: An application of the job's own

    @Test func `the job's own application is ended and seen gone`() async throws {
        let bench = try Bench(
            Self.running,
            applications: .init(
                canWatch: false, canEnd: true,
                known: [.success(true), .success(true), .success(false)]),
            sharing: .perJob)

        #expect(try await bench.runCancelled() == .cancelled)

        let log = try #require(bench.applications).log
        #expect(log.first == "end name-of-session-1")
        #expect(log.count { $0 == "known" } >= 3)
        #expect(bench.notebook.aftermaths.map(\.state) == [.stopped])
        // A driver that was killed takes its time, and may commit in it.
        #expect(bench.clock.now.offset >= CommitWait.silence(nil))
    }

    @Test(arguments: [
        Result<SparkApplicationEnd, SparkApplicationsError>.success(
            .unproven(reason: "only off the list")),
        .failure(.refused(reason: "only off the list")),
    ])
    func `an application that only left Kyuubi's list may run`(
        end: Result<SparkApplicationEnd, SparkApplicationsError>
    ) async throws {
        let bench = try Bench(
            Self.running,
            applications: .init(canWatch: false, canEnd: true, end: end, known: [.success(false)]),
            sharing: .perJob)

        let reason = try await bench.doubtAfterCancel()
        #expect(reason.hasPrefix("only off the list"))
    }

    @Test func `where Spark's interface is configured it has to agree with Kyuubi`() async throws {
        let shown = try Bench(
            Self.running, applications: .init(canWatch: true, canEnd: true), sharing: .perJob)
        _ = try await shown.doubtAfterCancel()

        let silent = try Bench(
            Self.running,
            applications: .init(
                canWatch: true, canEnd: true, looks: [.failure(.unavailable(reason: "down"))]),
            sharing: .perJob)
        let reason = try await silent.doubtAfterCancel()
        #expect(reason.hasPrefix("down"))

        let gone = try Bench(
            Self.running,
            applications: .init(
                canWatch: true, canEnd: true,
                looks: [Self.seen(), Self.seen(), Self.seen(applications: [])]),
            sharing: .perJob)
        #expect(try await gone.runCancelled() == .cancelled)
    }

    @Test(arguments: [
        [Result<Bool, SparkApplicationsError>.success(true)],
        [.failure(.unavailable(reason: "down"))],
    ])
    func `an application that is not seen gone is unknown`(
        known: [Result<Bool, SparkApplicationsError>]
    ) async throws {
        let bench = try Bench(
            Self.running,
            applications: .init(
                canWatch: false, canEnd: true, known: known),
            sharing: .perJob)

        _ = try await bench.doubtAfterCancel()
    }

    @Test func `a closed session alone is no proof that its application ended`() async throws {
        let bench = try Bench(Self.running, applications: nil, sharing: .perJob)

        let reason = try await bench.doubtAfterCancel()
        #expect(reason.contains("Kyuubi's administration"))
        #expect(bench.server.log.last == "close session-1")
    }

    @Test func `a statement never shown needs its session closed, and silence`()
        async throws
    {
        let closed = try Bench(Self.running, applications: .init(looks: [Self.unseen]))
        #expect(try await closed.settled().state == .stopped)
        #expect(closed.clock.now.offset >= CommitWait.silence(nil))

        let open = try Bench(
            .init(
                statuses: [.success(.init(state: .running))],
                closeError: .retry(reason: "down")),
            applications: .init(looks: [Self.unseen]))
        let aftermath = try await open.settled()
        #expect(aftermath.state == .unknown)
        #expect(aftermath.note?.contains("may not have begun") == true)
    }

    @Test func `an interface that never showed the application cannot say that it is gone`()
        async throws
    {
        let lost = SparkServerError.handleLost(reason: "unknown")
        let script = ScriptedServer.Script(
            statuses: [.failure(lost)], statusAfterCancel: nil, cancelError: lost, closeError: lost)
        let other = Self.seen(applications: ["app-2"])
        let bench = try Bench(script, applications: .init(looks: [other]))

        #expect(try await bench.settled(bench.saved(isShown: false)).state == .unknown)

        // Where Kyuubi was asked to kill it and does not say that it did, it takes a silence.
        let asked = try Bench(
            script,
            applications: .init(
                canEnd: true, looks: [other], end: .success(.unproven(reason: "off the list"))),
            sharing: .perJob)
        #expect(try await asked.settled().state == .stopped)
        #expect(asked.clock.now.offset >= CommitWait.silence(nil))
    }

    @Test func `Kyuubi's administration is nothing to look with for a shared application`()
        async throws
    {
        let bench = try Bench(
            .init(statuses: [.failure(.handleLost(reason: "unknown"))], statusAfterCancel: nil),
            applications: .init(canWatch: false, canEnd: true))

        guard case .failure(.stillRunning) = try await bench.run() else {
            Issue.record("no later attempt can find out")
            return
        }
    }

    // MARK: Other reasons to stop

    @Test func `a statement over its limit is stopped and not repeated`() async throws {
        let bench = try Bench(.init(statuses: [.success(.init(state: .timedOut))]))

        guard case .failure(.refused("spark_time_limit", let reason)) = try await bench.run() else {
            Issue.record("the limit was not told")
            return
        }
        #expect(reason.hasPrefix("the statement took longer than 2 hours (ICEPACK_SOCKET"))
        #expect(bench.notebook.aftermaths.map(\.state) == [.stopped])
    }

    @Test(arguments: [SparkOperationStatus.State.cancelled, .closed])
    func `a statement that somebody else ended is stopped and tried again`(
        state: SparkOperationStatus.State
    ) async throws {
        let bench = try Bench(.init(statuses: [.success(.init(state: state))]))

        guard case .failure(.unavailable) = try await bench.run() else {
            Issue.record("it may be tried again")
            return
        }
        #expect(bench.notebook.aftermaths.map(\.state) == [.stopped])
    }

    @Test func `a lost server is waited for, then looked for, then left to the next attempt`()
        async throws
    {
        let bench = try Bench(
            .init(
                statuses: [
                    .success(.init(state: .running)), .failure(.retry(reason: "down")),
                ], statusAfterCancel: nil, cancelError: .retry(reason: "down"),
                closeError: .retry(reason: "down")),
            applications: .init(looks: [.failure(.unavailable(reason: "down"))]))

        guard case .failure(.unavailable) = try await bench.run() else {
            Issue.record("the next attempt may find out")
            return
        }
        #expect(bench.clock.now.offset >= SparkPace().patience)
        #expect(bench.notebook.aftermaths.map(\.state) == [.unknown])
        #expect(bench.notebook.kept.last?.flatMap(SavedOperation.init) != nil)
    }
}
