// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import Maintenance
import SparkEngine
import TestSupport
import Testing
import WireFormat

/// The decisions about a statement, without a server.
@Suite struct DecisionTests {
    private typealias Machine = OperationRunStateMachine

    private static let running = SparkOperationStatus(state: .running)

    @Test func `the pause doubles up to the longest`() {
        var machine = Machine(limit: .seconds(100), pace: SparkPace())
        let pauses = (0..<7).map { index in
            machine.next(after: .success(Self.running), at: .seconds(index))
        }

        #expect(
            pauses
                == [100, 200, 400, 800, 1600, 2000, 2000].map {
                    .poll(after: .milliseconds($0))
                })
    }

    @Test(arguments: [
        (SparkOperationStatus.State.finished, OperationRunStateMachine.Step.collect),
        (.failed, .failed(sqlState: nil, message: "")),
        (.timedOut, .stop(.timeLimit)),
        (.cancelled, .stop(.interrupted)),
        (.closed, .stop(.interrupted)),
    ])
    func `an end is an end`(state: SparkOperationStatus.State, step: OperationRunStateMachine.Step)
    {
        var machine = Machine(limit: .seconds(1), pace: SparkPace())
        #expect(machine.next(after: .success(.init(state: state)), at: .zero) == step)
    }

    @Test(arguments: [SparkOperationStatus.State.pending, .running, .unknown])
    func `a statement that goes on is stopped a while after its limit`(
        state: SparkOperationStatus.State
    ) {
        let pace = SparkPace()
        let limit = Duration.seconds(100)
        var machine = Machine(limit: limit, pace: pace)
        let status = SparkOperationStatus(state: state)

        let before = machine.next(
            after: .success(status), at: limit + pace.limitGrace - .nanoseconds(1))
        let after = machine.next(after: .success(status), at: limit + pace.limitGrace)

        #expect(before == .poll(after: pace.firstPoll))
        #expect(after == .stop(.timeLimit))
    }

    @Test(arguments: [
        SparkServerError.retry(reason: "x"), .reattach(reason: "x"), .malformed(reason: "x"),
    ])
    func `a server out of reach is waited for, and not for ever`(error: SparkServerError) {
        let pace = SparkPace()
        var machine = Machine(limit: .seconds(7200), pace: pace)

        #expect(
            machine.next(after: .failure(error), at: .seconds(10)) == .poll(after: pace.firstPoll))
        let almost = Duration.seconds(10) + pace.patience - .nanoseconds(1)
        #expect(
            machine.next(after: .failure(error), at: almost) == .poll(after: pace.firstPoll * 2))
        // An answer begins the patience anew.
        _ = machine.next(after: .success(Self.running), at: almost)
        let later = almost + .seconds(1)
        #expect(machine.next(after: .failure(error), at: later) == .poll(after: pace.firstPoll * 8))
        #expect(
            machine.next(after: .failure(error), at: later + pace.patience)
                == .stop(.unreachable(reason: "x")))
    }

    @Test func `other errors end the run, by what they mean`() {
        var machine = Machine(limit: .seconds(1), pace: SparkPace())
        let next = { (error: SparkServerError) in machine.next(after: .failure(error), at: .zero) }

        #expect(next(.handleLost(reason: "gone")) == .stop(.lost(reason: "gone")))
        #expect(next(.rejected(reason: "no")) == .stop(.refused(reason: "no")))
    }

    @Test func `a question that failed does not end the statement`() {
        let pace = SparkPace()
        var machine = Machine(limit: .seconds(7200), pace: pace)
        let lost = SparkServerError.statement(sqlState: nil, message: "Socket for x is closed")

        #expect(machine.next(after: .failure(lost), at: .zero) == .poll(after: pace.firstPoll))
        #expect(
            machine.next(after: .failure(lost), at: pace.patience)
                == .stop(.unreachable(reason: "Socket for x is closed")))
    }

    // MARK: Whose activity

    private static let mark = StatementMark(
        jobID: "j", attemptID: "a", table: "db.t", action: "rewrite_data_files")

    private func own(statements: [SparkStatement] = [], jobs: [SparkJob]) -> OwnActivity {
        OwnActivity(
            in: SparkActivity(applications: ["app"], statements: statements, jobs: jobs),
            of: Self.mark, action: .rewriteDataFiles, catalog: "lab", table: TestTable.identifier)
    }

    private func job(
        _ id: Int64, group: String? = nil, _ description: String?
    ) -> SparkJob {
        SparkJob(
            application: "app", id: id, group: group, description: description, tasksDone: 0,
            tasks: 1)
    }

    @Test func `jobs are found by the comment, the statement, or the group and the table`() {
        let statement = SparkStatement(
            application: "app", description: Self.mark.comment + " CALL", isRunning: true,
            runningJobs: [3])
        let jobs = [
            job(1, Self.mark.comment + " CALL"),
            job(2, group: "REWRITE-DATA-FILES-12", "Rewriting 1 files (BIN-PACK) in lab.db.t"),
            job(3, nil),
            job(4, group: "REWRITE-DATA-FILES-1", "Rewriting 1 files (BIN-PACK) in lab.db.tt"),
            job(5, group: "REWRITE-DATA-FILES-1", "Rewriting 1 files (BIN-PACK) in xlab.db.t"),
            job(6, group: "EXPIRE-SNAPSHOTS-1", "Expiring snapshots () in lab.db.t"),
            job(7, group: "REWRITE-DATA-FILES-x", "Rewriting 1 files in lab.db.t"),
            job(8, "SELECT * FROM lab.db.t"),
        ]

        let own = own(statements: [statement], jobs: jobs)

        #expect(own.jobs.map(\.id) == [1, 2, 3])
        #expect(own.application == "app")
        #expect(own.isAtWork)
        // Of the other groups only that of a rewrite has threads of its own.
        #expect(own.foreignGroups == ["app": 1])
        #expect(own.isRunning == true)
        #expect(!own.isQuiet)
    }

    @Test func `jobs of another application are no work of this one's driver`() {
        let elsewhere = SparkJob(
            application: "other", id: 1, group: "REWRITE-DATA-FILES-1",
            description: "Rewriting 1 files (BIN-PACK) in xlab.db.t", tasksDone: 0, tasks: 1)

        #expect(own(statements: [], jobs: [elsewhere]).foreignGroups == ["other": 1])
    }

    @Test func `what works on our table accounts for none of our threads`() {
        let later = SparkStatement(
            application: "app",
            description: StatementMark(
                jobID: "later", attemptID: "a", table: TestTable.identifier.description,
                action: "rewrite_data_files"
            ).comment + " CALL x", isRunning: true, runningJobs: [])
        let theirs = SparkJob(
            application: "app", id: 1, group: "REWRITE-DATA-FILES-1",
            description: "Rewriting 1 files (BIN-PACK) in lab.db.t", tasksDone: 0, tasks: 1)

        let own = own(statements: [later], jobs: [theirs])

        #expect(own.jobs.isEmpty)
        #expect(own.foreignGroups.isEmpty)
    }

    @Test func `quiet is a statement that ended, or is not known, without jobs`() {
        let ended = SparkStatement(
            application: "app", description: Self.mark.comment, isRunning: false, runningJobs: [])

        #expect(own(statements: [ended], jobs: []).isQuiet)
        #expect(own(jobs: [job(1, "somebody else's")]).isQuiet)
        #expect(own(jobs: []).isRunning == nil)
        #expect(!own(jobs: [job(1, group: "REWRITE-DATA-FILES-1", "x in lab.db.t")]).isQuiet)
    }

    @Test func `the jobs of a later attempt are not ours`() {
        let rewriting = job(1, group: "REWRITE-DATA-FILES-1", "x in lab.db.t")
        func statement(
            _ attempt: String, job: String = "j", table: String = "db.t",
            action: String = "rewrite_data_files", isRunning: Bool = true
        ) -> SparkStatement {
            let mark = StatementMark(
                jobID: job, attemptID: attempt, table: table, action: action)
            return SparkStatement(
                application: "app", description: mark.comment + " CALL `lab`.x",
                isRunning: isRunning,
                runningJobs: [])
        }

        #expect(own(statements: [statement("later")], jobs: [rewriting]).isQuiet)
        let quoted = SparkStatement(
            application: "app", description: "SELECT '" + statement("later").description + "'",
            isRunning: true, runningJobs: [])
        let comment = StatementMark(
            jobID: "j", attemptID: "later", table: "db.t", action: "rewrite_data_files"
        ).comment
        let noCall = SparkStatement(
            application: "app", description: comment + " SELECT 1", isRunning: true,
            runningJobs: [])
        for none in [
            statement("later", isRunning: false), statement("later", table: "db.u"),
            statement("later", action: "rewrite_manifests"), quoted, noCall,
            statement("later", job: StatementMark.planning),
        ] {
            #expect(own(statements: [none], jobs: [rewriting]).jobs == [rewriting])
        }
        // As long as ours runs, the jobs may be its own.
        let both = [statement("a"), statement("later")]
        #expect(own(statements: both, jobs: [rewriting]).jobs == [rewriting])
    }

    // MARK: What is kept

    @Test func `what is kept is read back`() throws {
        let base = TableBase(try TestTable(snapshots: [.init(id: 7)]).loaded())
        var saved = SavedOperation(
            table: TestTable.identifier, action: .rewriteManifests, attempt: TestTable.attempt,
            session: "session/1", base: base, startedAt: TestTable.now)

        #expect(SavedOperation(saved.json) == saved)
        saved.operation = "operation/1"
        saved.application = "app-1"
        #expect(SavedOperation(saved.json) == saved)
        #expect(SavedOperation.isOurs(saved.json))

        for key in saved.json.objectValue?.keys ?? [] {
            var object = try #require(saved.json.objectValue)
            object[key] = nil
            if !["operation", "application", "called", "shown"].contains(key) {
                #expect(SavedOperation(.object(object)) == nil, "\(key)")
            }
        }
        // What an earlier version kept may have been called.
        var unmarked = try #require(saved.json.objectValue)
        saved.isCalled = false
        saved.isShown = true
        #expect(SavedOperation(saved.json) == saved)
        unmarked["called"] = nil
        #expect(SavedOperation(.object(unmarked))?.isCalled == true)
        #expect(SavedOperation(["engine": "native"]) == nil)
        #expect(!SavedOperation.isOurs(["engine": "native"]))
        #expect(!SavedOperation.isOurs(.null))
    }

    // MARK: What became of the table

    private func change(
        before: TestTable, after: TestTable, application: String? = nil, name: String? = nil
    ) throws -> TableChange {
        TableChange(
            base: TableBase(try before.loaded()), after: try after.loaded().metadata,
            author: .init(application: application, applicationName: name))
    }

    @Test func `commits are told by application where it is known`() throws {
        let before = TestTable(snapshots: [.init(id: 1), .init(id: 2, operation: "replace")])
        var after = before
        after.snapshots += [
            .init(id: 3, operation: "append", summary: ["app-id": "ours"]),
            .init(id: 4, operation: "replace", summary: ["app-id": "ours"]),
            .init(id: 5, operation: "replace", summary: ["app-id": "other"]),
            .init(id: 6, operation: "replace"),
            .init(id: 7, operation: "delete", summary: ["app-id": "ours"]),
            .init(id: 8, operation: "append", summary: ["app-name": "me"]),
        ]

        #expect(
            try change(before: before, after: after, application: "ours").commits
                .map(\.snapshotID) == [4, 7])
        #expect(try change(before: before, after: after).commits.map(\.snapshotID) == [4, 5, 6])
        #expect(
            try change(before: before, after: after, application: "ours", name: "me").commits
                .map(\.snapshotID) == [4, 7, 8])
    }

    @Test func `snapshots that went are counted although others came`() throws {
        let before = TestTable(snapshots: (1...5).map { .init(id: $0) })
        var after = TestTable(firstSequenceNumber: 4, snapshots: [.init(id: 4), .init(id: 5)])
        after.snapshots.append(.init(id: 6))

        #expect(try change(before: before, after: after).removedSnapshots == 3)
        #expect(try change(before: before, after: before).removedSnapshots == 0)
    }
}
