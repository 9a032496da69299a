// SPDX-License-Identifier: Apache-2.0

import Fleet
import Jobs
import Synchronization
import TestSupport
import Testing
import WireFormat

@Suite(.timeLimit(.minutes(15))) struct OrchestratorTests {
    private static let start = Timestamp(microseconds: 1_777_127_700_000_000)
    private let clock = LeapingClock()

    private static func table(_ name: String) -> TableName {
        TableName(database: "db", table: name)
    }

    private static func tables(_ count: Int) -> [TableName] {
        (0..<count).map { table("t\($0)") }
    }

    private static func due(_ bytes: Int64 = 0, _ deletes: Int64 = 0) -> RecommendedWork {
        RecommendedWork(
            actions: ["expire_snapshots"], skipReasons: [],
            urgency: .init(smallFileBytes: bytes, deleteFiles: deletes))
    }

    private func run(
        _ service: ScriptedMaintenance, _ settings: OrchestratorSettings = .init(name: "run")
    ) async -> OrchestratorRun {
        await Orchestrator(
            service: service, settings: settings, clock: clock, now: { Self.start }
        ).run()
    }

    @Test func `recommended tables are submitted, followed and counted, the others are not`()
        async
    {
        var state = ScriptedMaintenance.State()
        state.tables = Self.tables(5)
        state.recommendations[Self.table("t1")] = Self.due()
        state.recommendations[Self.table("t2")] = RecommendedWork(
            actions: [], skipReasons: ["cadence_not_due"])
        state.recommendations[Self.table("t3")] = Self.due()
        state.jobs["job-t3"] = [
            .success(.running(.seconds(30))), .success(.ended(.failed, "disk full")),
        ]
        let service = ScriptedMaintenance(state)

        let run = await run(service)

        #expect(run.status == .completed)
        #expect(run.tablesAssessed == 5)
        #expect(run.tablesHealthy == 2)
        #expect(run.tablesSkipped == 1)
        #expect(run.jobsSubmitted == 2)
        #expect(run.jobsCompleted == 1)
        #expect(run.jobsFailed == 1)
        #expect(run.error == "db.t3: disk full")
        #expect(!run.isDryRun)
        #expect(clock.pauses == [.seconds(30)])
        #expect(service.state.withLock { $0.recorded } == [run])
        #expect(
            Set(service.state.withLock { $0.keys }) == ["run:db.t1", "run:db.t3"])
    }

    @Test func `the most unhealthy tables come first`() async {
        var state = ScriptedMaintenance.State()
        state.tables = Self.tables(4)
        for (name, bytes, deletes) in [("t0", 5, 9), ("t1", 7, 0), ("t2", 5, 10), ("t3", 0, 99)] {
            state.recommendations[Self.table(name)] = Self.due(Int64(bytes), Int64(deletes))
        }
        let service = ScriptedMaintenance(state)

        _ = await run(service, .init(maxInFlight: 1, name: "run"))

        #expect(service.state.withLock { $0.submitted.map(\.table) } == ["t1", "t2", "t0", "t3"])
    }

    @Test(arguments: [1, 3, 20])
    func `no more jobs are under way than allowed, nor questions asked`(limit: Int) async {
        var state = ScriptedMaintenance.State()
        state.tables = Self.tables(60)
        for table in state.tables {
            state.recommendations[table] = Self.due()
            state.jobs["job-\(table.table)"] = [
                .success(.running()), .success(.running()), .success(.ended(.completed)),
            ]
        }
        let service = ScriptedMaintenance(state)

        let run = await run(service, .init(maxInFlight: limit, name: "run"))

        #expect(run.jobsCompleted == 60)
        let (jobs, questions) = service.state.withLock { ($0.mostInFlight, $0.mostAssessing) }
        #expect(jobs == limit)
        #expect(questions <= OrchestratorSettings.assessmentWidth)
    }

    @Test func `a dry run submits nothing, and is recorded as one`() async {
        var state = ScriptedMaintenance.State()
        state.tables = Self.tables(3)
        state.recommendations[Self.table("t1")] = Self.due()
        let service = ScriptedMaintenance(state)

        let run = await run(service, .init(isDryRun: true, name: "run"))

        #expect(run.isDryRun)
        #expect(run.status == .completed)
        #expect(run.tablesAssessed == 3)
        #expect(run.jobsSubmitted == 0)
        #expect(service.state.withLock { $0.submitted }.isEmpty)
        #expect(service.state.withLock { $0.recorded } == [run])
    }

    @Test func `a locked table is skipped, and one that cannot be assessed costs only itself`()
        async
    {
        var state = ScriptedMaintenance.State()
        state.tables = Self.tables(4)
        for table in state.tables { state.recommendations[table] = Self.due() }
        state.replies[Self.table("t1")] = .locked
        state.unassessable[Self.table("t2")] = .refused(reason: "metadata is missing")
        state.refusals[Self.table("t3")] = .refused(reason: "no engine")
        let service = ScriptedMaintenance(state)

        let run = await run(service)

        #expect(run.status == .completed)
        #expect(run.tablesAssessed == 3)
        #expect(run.tablesSkipped == 3)
        #expect(run.jobsSubmitted == 1)
        #expect(run.error == "metadata is missing (and 1 more)")
    }

    @Test func `drain mode ends the run as partial, but what runs is followed`() async {
        var state = ScriptedMaintenance.State()
        state.tables = Self.tables(3)
        for (index, table) in state.tables.enumerated() {
            state.recommendations[table] = Self.due(Int64(10 - index))
        }
        state.replies[Self.table("t1")] = .draining
        let service = ScriptedMaintenance(state)

        let run = await run(service)

        #expect(run.status == .partial)
        #expect(run.error == "the service is draining and takes no jobs")
        #expect(run.jobsSubmitted == 1)
        #expect(run.jobsCompleted == 1)
        #expect(service.state.withLock { $0.submitted.map(\.table) } == ["t0", "t1"])
    }

    @Test func `when time is up, jobs are left running and the run is partial`() async {
        var state = ScriptedMaintenance.State()
        state.tables = Self.tables(2)
        for table in state.tables { state.recommendations[table] = Self.due() }
        state.jobs["job-t0"] = [.success(.running(.seconds(3600)))]
        let service = ScriptedMaintenance(state)

        let run = await run(service, .init(maxInFlight: 1, limit: .seconds(150), name: "run"))

        #expect(run.status == .partial)
        #expect(run.error == "time was up; jobs under way go on")
        #expect(run.jobsSubmitted == 1)
        #expect(run.jobsCompleted == 0)
        // A service cannot make it sleep for longer than a minute, nor past its end.
        #expect(clock.pauses == [.seconds(60), .seconds(60), .seconds(30)])
    }

    @Test func `a job that ended during the last pause is counted`() async {
        var state = ScriptedMaintenance.State()
        state.tables = Self.tables(1)
        for table in state.tables { state.recommendations[table] = Self.due() }
        state.jobs["job-t0"] = [.success(.running(.seconds(60))), .success(.ended(.completed))]
        let service = ScriptedMaintenance(state)

        let run = await run(service, .init(maxInFlight: 1, limit: .seconds(30), name: "run"))

        #expect(run.status == .completed)
        #expect(run.jobsCompleted == 1)
        #expect(clock.pauses == [.seconds(30)])
    }

    @Test func `a run that is told to stop is partial, and recorded`() async {
        var state = ScriptedMaintenance.State()
        state.tables = Self.tables(1)
        state.recommendations[Self.table("t0")] = Self.due()
        state.jobs["job-t0"] = [.success(.running())]
        let (polls, poll) = AsyncStream<Void>.makeStream()
        let service = ScriptedMaintenance(state) { _ in poll.yield() }

        let task = Task { await run(service) }
        for await _ in polls { break }
        task.cancel()
        let report = await task.value

        #expect(report.status == .partial)
        #expect(report.error == "it was told to stop; jobs under way go on")
        #expect(service.state.withLock { $0.recorded } == [report])
    }

    @Test func `a service that cannot list tables, or assess any, fails the run`() async {
        var state = ScriptedMaintenance.State()
        state.listing = .unavailable(reason: "connection refused")
        let deaf = await run(ScriptedMaintenance(state))
        state.listing = nil
        state.tables = Self.tables(2)
        for table in state.tables { state.unassessable[table] = .unavailable(reason: "away") }
        let blind = await run(ScriptedMaintenance(state))

        #expect(deaf.status == .failed)
        #expect(deaf.error == "the tables could not be listed: connection refused")
        #expect(blind.status == .failed)
        #expect(blind.error == "no table could be assessed: away")
    }

    @Test func `an empty fleet is maintained at once`() async {
        let run = await run(ScriptedMaintenance(.init()))

        #expect(run.status == .completed)
        #expect(run.tablesAssessed == 0)
    }

    @Test func `a service that is away for a while loses no job, one that stays away does`()
        async
    {
        let away = Result<JobState, MaintenanceServiceError>.failure(.unavailable(reason: "away"))
        var state = ScriptedMaintenance.State()
        state.tables = Self.tables(3)
        for table in state.tables { state.recommendations[table] = Self.due() }
        let limit = OrchestratorSettings.maxUnansweredPolls
        state.jobs["job-t0"] =
            Array(repeating: away, count: limit) + [.success(.ended(.completed))]
        state.jobs["job-t1"] = [away]
        state.jobs["job-t2"] = [.failure(.notFound(reason: "gone"))]

        let run = await run(ScriptedMaintenance(state))

        #expect(run.status == .completed)
        #expect(run.jobsCompleted == 1)
        #expect(run.jobsFailed == 2)
        #expect(run.error?.contains("what became of job") == true)
    }

    @Test
    func `a job that a service takes late is submitted once, one that it never takes is told`()
        async
    {
        var state = ScriptedMaintenance.State()
        state.tables = Self.tables(3)
        let limit = OrchestratorSettings.maxUnansweredPolls
        for (table, times) in zip(state.tables, [limit, limit + 1, 0]) {
            state.recommendations[table] = Self.due()
            state.refusals[table] = .unavailable(reason: "away")
            state.refusalsLeft[table] = times
        }
        let service = ScriptedMaintenance(state)

        let run = await run(service)

        #expect(run.jobsSubmitted == 2 && run.jobsCompleted == 2 && run.tablesSkipped == 1)
        #expect(run.error == "db.t1 could not be submitted: away")
        let keys = service.state.withLock { $0.keys }
        #expect(Set(keys).count == 3, "asked again under the same key")
        #expect(keys.count == 2 * (limit + 1) + 1)
    }

    @Test func `a busy service is asked again, within a limit and after longer and longer pauses`()
        async
    {
        var state = ScriptedMaintenance.State()
        state.tables = Self.tables(2)
        let limit = OrchestratorSettings.maxUnansweredQuestions
        for (table, times) in zip(state.tables, [limit, limit + 1]) {
            state.recommendations[table] = Self.due()
            state.unassessable[table] = .unavailable(reason: "busy")
            state.unassessableLeft[table] = times
        }
        let service = ScriptedMaintenance(state)

        let run = await run(service)

        #expect(run.tablesAssessed == 1 && run.jobsCompleted == 1 && run.tablesSkipped == 1)
        #expect(run.error == "busy")
        let asked = service.state.withLock { $0.assessments }
        #expect(asked.count { $0 == state.tables[0] } == limit + 1)
        #expect(asked.count { $0 == state.tables[1] } == limit + 1)
        #expect(clock.pauses.min() == OrchestratorSettings.firstRetryPause)
        #expect(clock.pauses.max() == OrchestratorSettings.longestRetryPause)
    }

    @Test func `tables of the same urgency come as they are listed, whichever was assessed first`()
        async
    {
        var state = ScriptedMaintenance.State()
        state.tables = Self.tables(4)
        for table in state.tables { state.recommendations[table] = Self.due() }
        // The first two are asked again after a pause.
        for table in state.tables.prefix(2) {
            state.unassessable[table] = .unavailable(reason: "busy")
            state.unassessableLeft[table] = 1
        }
        let service = ScriptedMaintenance(state)

        _ = await run(service)

        let (asked, submitted) = service.state.withLock { ($0.assessments, $0.submitted) }
        #expect(asked.last == state.tables[0] || asked.last == state.tables[1])
        #expect(submitted == state.tables)
    }

    @Test func `what a service refuses is not asked again`() async {
        var state = ScriptedMaintenance.State()
        state.tables = Self.tables(1)
        state.unassessable[Self.table("t0")] = .refused(reason: "unreadable")
        let service = ScriptedMaintenance(state)

        _ = await run(service)

        #expect(service.state.withLock { $0.assessments.count } == 1)
    }

    @Test func `a run that is no longer alone submits nothing more, and says so`() async {
        var state = ScriptedMaintenance.State()
        state.tables = Self.tables(3)
        for table in state.tables { state.recommendations[table] = Self.due() }
        let service = ScriptedMaintenance(state)
        let asked = Mutex(0)

        let run = await Orchestrator(
            service: service, settings: .init(maxInFlight: 1, name: "run"), clock: clock,
            now: { Self.start },
            keepsTurn: { () throws(MaintenanceServiceError) in
                let count = asked.withLock { count in
                    count += 1
                    return count
                }
                // The store is away once, and then somebody else has the task.
                if count == 2 { throw .unavailable(reason: "the store restarts") }
                return count < 4
            }
        ).run()

        #expect(run.status == .partial)
        #expect(run.error?.contains("another process may have begun a run") == true)
        #expect(run.jobsSubmitted == 2 && run.jobsCompleted == 2)
    }

    @Test func `tables that are not enrolled are not looked at, and the report says why`() async {
        var state = ScriptedMaintenance.State()
        state.tables = Self.tables(5)
        state.leftOut[Self.table("t0")] = .init(code: "not_allowlisted", reason: "none of the 1")
        state.recommendations[Self.table("t1")] = RecommendedWork(
            actions: [], skipReasons: ["cadence_not_due"], skipDetails: ["due tomorrow"])
        state.recommendations[Self.table("t2")] = Self.due()
        state.jobs["job-t2"] = [.success(.ended(.failed, "disk full"))]
        state.unassessable[Self.table("t3")] = .refused(reason: "unreadable")
        let service = ScriptedMaintenance(state)
        let report = Mutex(OrchestratorReport(isDryRun: false))

        _ = await Orchestrator(
            service: service, settings: .init(name: "run"), clock: clock, now: { Self.start },
            report: { event in report.withLock { $0.take(event) } }
        ).run()

        let lines = report.withLock { $0.lines }
        #expect(lines.map(\.table) == state.tables)
        #expect(
            lines.map(\.outcome) == [.leftOut, .skipped, .failed, .notAssessed, .healthy])
        #expect(
            lines.map(\.reasons) == [
                ["none of the 1"], ["due tomorrow"], ["disk full"], ["unreadable"],
                ["nothing_to_do"],
            ])
        #expect(lines.map(\.skipReasons).prefix(2) == [["not_allowlisted"], ["cadence_not_due"]])
        #expect(lines[2].job == "job-t2" && lines[2].actions == ["expire_snapshots"])
        #expect(!service.state.withLock { $0.assessments }.contains(Self.table("t0")))
    }

    @Test(arguments: [false, true])
    func `what was due and not submitted says whether the run was dry`(isDryRun: Bool) {
        var report = OrchestratorReport(isDryRun: isDryRun)
        report.take(.assessed(Self.table("t0"), Self.due()))

        #expect(report.lines.map(\.outcome) == [.notSubmitted])
        #expect(report.lines[0].reasons[0].contains("dry run") == isDryRun)
        #expect(report.lines[0].json.objectValue?["actions"] == ["expire_snapshots"])
    }

    @Test func `urgency counts delete files of every kind`() {
        let work = RecommendedWork([
            "recommended_actions": ["rewrite_data_files"], "skip_reasons": [],
            "skip_details": [],
            "actions": [
                ["evidence": ["small_files_bytes": 7, "equality_delete_files": 20]],
                ["evidence": ["position_delete_files": 3, "deletion_vectors": 100]],
            ],
        ])

        #expect(work?.urgency == .init(smallFileBytes: 7, deleteFiles: 123))
        #expect(RecommendedWork(["recommended_actions": [1]]) == nil)
    }

    @Test func `a record is kept late rather than never`() async {
        var state = ScriptedMaintenance.State()
        state.recording = .unavailable(reason: "away")
        state.recordingsLeft = 2
        let service = ScriptedMaintenance(state)

        let run = await run(service)

        #expect(service.state.withLock { $0.recorded } == [run])
    }

    @Test func `a record that cannot be kept is told, and changes nothing`() async {
        var state = ScriptedMaintenance.State()
        state.recording = .unavailable(reason: "away")
        let events = Mutex<[OrchestratorEvent]>([])

        let run = await Orchestrator(
            service: ScriptedMaintenance(state), settings: .init(name: "run"), clock: clock,
            now: { Self.start }, report: { event in events.withLock { $0.append(event) } }
        ).run()

        #expect(run.status == .completed)
        #expect(events.withLock { $0 } == [.unrecorded(reason: "away")])
    }

    @Test func `a long error is cut to what a record takes`() async {
        var state = ScriptedMaintenance.State()
        state.listing = .refused(reason: String(repeating: "x", count: 10_000))

        let run = await run(ScriptedMaintenance(state))

        #expect(run.error?.count == OrchestratorRun.maximumErrorLength)
    }
}
