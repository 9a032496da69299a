// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import Maintenance
import SparkEngine
import Synchronization

/// A server whose every answer a test decides, and which remembers what it was asked.
final class ScriptedServer: SparkSQLServer {
    struct Script: Sendable {
        var openError: SparkServerError?
        var executeError: SparkServerError?
        /// What becomes of the call, one answer after the other; the last one stays.
        var statuses: [Result<SparkOperationStatus, SparkServerError>] = [
            .success(.init(state: .finished))
        ]
        /// After a cancel the status is this one.
        var statusAfterCancel: SparkOperationStatus.State? = .cancelled
        var rows: [Result<SparkRows, SparkServerError>] = [.success(.init(columns: [], rows: []))]
        var cancelError: SparkServerError?
        var closeError: SparkServerError?
        var application: String? = "app-1"
        /// What becomes of the question for the application's id.
        var askStatus = SparkOperationStatus(state: .finished)
        /// Happens when the call's status is asked for.
        var onStatus: (@Sendable (Int) -> Void)?
        /// A call that never answers.
        var hangs: Set<String> = []
    }

    private struct State {
        var script: Script
        var log: [String] = []
        var settings: [[String: String]] = []
        var statements: [String] = []
        var sessions = 0
        var statusCount = 0
        var isCancelled = false
    }

    private let state: Mutex<State>

    init(_ script: Script = Script()) { state = Mutex(State(script: script)) }

    /// What was asked, in order, without the application's id.
    var log: [String] { state.withLock(\.log) }
    var settings: [[String: String]] { state.withLock(\.settings) }
    var statements: [String] { state.withLock(\.statements) }
    func change(_ body: (inout Script) -> Void) { state.withLock { body(&$0.script) } }

    private func noting(_ call: String) async -> Script {
        let script = state.withLock { state in
            state.log.append(call)
            return state.script
        }
        let name = String(call.prefix { $0 != " " })
        while script.hangs.contains(name), !Task.isCancelled { await Task.yield() }
        return script
    }

    func openSession(
        _ settings: [String: String]
    ) async throws(SparkServerError) -> String {
        let script = await noting("open")
        if let error = script.openError { throw error }
        return state.withLock { state in
            state.settings.append(settings)
            state.sessions += 1
            return "session-\(state.sessions)"
        }
    }

    func execute(
        _ statement: String, in session: String, limit: Duration
    ) async throws(SparkServerError) -> String {
        if statement == "SET spark.app.id" { return "ask" }
        let script = await noting("execute \(session)")
        state.withLock { $0.statements.append(statement) }
        if let error = script.executeError { throw error }
        return "operation of \(session)"
    }

    func status(of operation: String) async throws(SparkServerError) -> SparkOperationStatus {
        if operation == "ask" { return state.withLock(\.script.askStatus) }
        let script = await noting("status")
        let (reply, count) = state.withLock { state in
            defer { state.statusCount += 1 }
            if state.isCancelled, let ended = state.script.statusAfterCancel {
                return (
                    Result<SparkOperationStatus, SparkServerError>.success(.init(state: ended)),
                    state.statusCount
                )
            }
            let index = min(state.statusCount, state.script.statuses.count - 1)
            return (state.script.statuses[index], state.statusCount)
        }
        script.onStatus?(count)
        return try reply.get()
    }

    func rows(
        of operation: String, limit: Int
    ) async throws(SparkServerError) -> SparkRows {
        if operation == "ask" {
            let id = state.withLock(\.script.application)
            return SparkRows(
                columns: ["key", "value"],
                rows: [[.text("spark.app.id"), id.map { .text($0) } ?? .null]])
        }
        _ = await noting("rows")
        let reply = state.withLock { state in
            state.script.rows.count > 1 ? state.script.rows.removeFirst() : state.script.rows[0]
        }
        return try reply.get()
    }

    func cancel(_ operation: String) async throws(SparkServerError) {
        let script = await noting("cancel")
        if let error = script.cancelError { throw error }
        state.withLock { $0.isCancelled = true }
    }

    func close(operation: String) async throws(SparkServerError) {
        if operation == "ask" { return }
        let script = await noting("close operation")
        if let error = script.closeError { throw error }
    }

    func close(session: String) async throws(SparkServerError) {
        let script = await noting("close \(session)")
        if let error = script.closeError { throw error }
    }

    func name(ofSession session: String) -> String? { "name-of-\(session)" }
}

/// Spark's applications as a test wants them.
final class ScriptedApplications: SparkApplications {
    struct Script: Sendable {
        var canWatch = true
        var canEnd = false
        /// What is seen, one look after the other; the last one stays.
        var looks: [Result<SparkActivity, SparkApplicationsError>] = [
            .success(.init(applications: ["app-1"], statements: ended, jobs: []))
        ]
        var killError: SparkApplicationsError?
        /// What Kyuubi says when it is told to end the session's application.
        var end: Result<SparkApplicationEnd, SparkApplicationsError> = .success(.killed)
        /// The driver's threads, one look after the other; the last one stays.
        var threads: [Result<[SparkThread], SparkApplicationsError>] = [
            .success([SparkThread(name: "main", frames: ["java.lang.Object.wait(Native Method)"])])
        ]
        /// Whether the session's application is known, one look after the other.
        var known: [Result<Bool, SparkApplicationsError>] = [.success(false)]
        var hangs = false
    }

    /// The calls of this attempt and the one before, as the interface shows them in the end.
    static let ended = [TestTable.attempt, TestTable.earlier].map { attempt in
        SparkStatement(
            application: "app-1",
            description: StatementMark(
                jobID: attempt.jobID, attemptID: attempt.attemptID,
                table: TestTable.identifier.description, action: "rewrite_data_files"
            ).comment + " CALL", isRunning: false, runningJobs: [])
    }

    private let state: Mutex<(script: Script, log: [String])>

    init(_ script: Script = Script()) { state = Mutex((script, [])) }

    var log: [String] { state.withLock(\.log) }
    var canWatch: Bool { state.withLock(\.script.canWatch) }
    var canEnd: Bool { state.withLock(\.script.canEnd) }

    private func noting(_ call: String) async {
        let hangs = state.withLock { state in
            state.log.append(call)
            return state.script.hangs
        }
        while hangs, !Task.isCancelled { await Task.yield() }
    }

    func activity() async throws(SparkApplicationsError) -> SparkActivity {
        await noting("look")
        let reply = state.withLock { state in
            state.script.looks.count > 1
                ? state.script.looks.removeFirst() : state.script.looks[0]
        }
        return try reply.get()
    }

    func kill(_ job: SparkJob) async throws(SparkApplicationsError) {
        await noting("kill \(job.id)")
        if let error = state.withLock(\.script.killError) { throw error }
    }

    func driverThreads(
        of application: String
    ) async throws(SparkApplicationsError) -> [SparkThread] {
        await noting("threads of \(application)")
        let reply = state.withLock { state in
            state.script.threads.count > 1
                ? state.script.threads.removeFirst() : state.script.threads[0]
        }
        return try reply.get()
    }

    func endApplication(
        ofSession name: String
    ) async throws(SparkApplicationsError) -> SparkApplicationEnd {
        await noting("end \(name)")
        return try state.withLock(\.script.end).get()
    }

    func hasApplication(
        ofSession name: String
    ) async throws(SparkApplicationsError) -> Bool {
        await noting("known")
        let reply = state.withLock { state in
            state.script.known.count > 1
                ? state.script.known.removeFirst() : state.script.known[0]
        }
        return try reply.get()
    }
}
