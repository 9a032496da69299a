// SPDX-License-Identifier: Apache-2.0

import Fleet
import Jobs
import Synchronization
import TestSupport
import WireFormat

/// A service whose answers a test decides.
final class ScriptedMaintenance: MaintenanceService, Sendable {
    struct State {
        var tables: [TableName] = []
        var listing: MaintenanceServiceError?
        var recommendations: [TableName: RecommendedWork] = [:]
        var unassessable: [TableName: MaintenanceServiceError] = [:]
        /// How often a table cannot be assessed; without a number, never.
        var unassessableLeft: [TableName: Int] = [:]
        var leftOut: [TableName: ListedTable.LeftOut] = [:]
        var replies: [TableName: SubmissionReply] = [:]
        var refusals: [TableName: MaintenanceServiceError] = [:]
        /// How often a submission is refused so; without a number, always.
        var refusalsLeft: [TableName: Int] = [:]
        /// What a job's polls find, one after another; the last stays.
        var jobs: [String: [Result<JobState, MaintenanceServiceError>]] = [:]
        var recording: MaintenanceServiceError?
        /// How often a record cannot be kept; without a number, never.
        var recordingsLeft: Int?

        var submitted: [TableName] = []
        var keys: [String] = []
        var inFlight = 0
        var mostInFlight = 0
        var assessing = 0
        var mostAssessing = 0
        var assessments: [TableName] = []
        var recorded: [OrchestratorRun] = []
    }

    let state: Mutex<State>
    /// Called before each question after a job.
    let polled: @Sendable (String) async -> Void

    init(_ state: State, polled: @escaping @Sendable (String) async -> Void = { _ in }) {
        self.state = Mutex(state)
        self.polled = polled
    }

    func tables() async throws(MaintenanceServiceError) -> [ListedTable] {
        let (error, tables) = state.withLock { state in
            (
                state.listing,
                state.tables.map { ListedTable($0, leftOut: state.leftOut[$0]) }
            )
        }
        if let error { throw error }
        return tables
    }

    func recommendation(
        for table: TableName
    ) async throws(MaintenanceServiceError) -> RecommendedWork {
        state.withLock { state in
            state.assessing += 1
            state.mostAssessing = max(state.mostAssessing, state.assessing)
        }
        // Lets the others in, so that the test sees how many there are at once.
        for _ in 0..<20 { await Task.yield() }
        let (error, recommendation) = state.withLock { state in
            state.assessing -= 1
            state.assessments.append(table)
            let left = state.unassessableLeft[table]
            if let left { state.unassessableLeft[table] = left - 1 }
            let error = left.map { $0 > 0 } ?? true ? state.unassessable[table] : nil
            return (error, state.recommendations[table])
        }
        if let error { throw error }
        return recommendation ?? RecommendedWork(actions: [], skipReasons: ["nothing_to_do"])
    }

    func submit(
        _ actions: [String], on table: TableName, key: String
    ) async throws(MaintenanceServiceError) -> SubmissionReply {
        let (error, reply) = state.withLock { state in
            let reply = state.replies[table] ?? .accepted(id: "job-\(table.table)")
            state.submitted.append(table)
            state.keys.append(key)
            let left = state.refusalsLeft[table]
            if let left { state.refusalsLeft[table] = left - 1 }
            let refusal = left.map { $0 > 0 } ?? true ? state.refusals[table] : nil
            if case .accepted = reply, refusal == nil {
                state.inFlight += 1
                state.mostInFlight = max(state.mostInFlight, state.inFlight)
            }
            return (refusal, reply)
        }
        if let error { throw error }
        return reply
    }

    func job(_ id: String) async throws(MaintenanceServiceError) -> JobState {
        await polled(id)
        let result = state.withLock { state in
            var answers = state.jobs[id] ?? [.success(.ended(.completed))]
            let answer = answers[0]
            if answers.count > 1 {
                answers.removeFirst()
                state.jobs[id] = answers
            }
            if case .success(let job) = answer, job.status.isTerminal { state.inFlight -= 1 }
            return answer
        }
        return try result.get()
    }

    func record(
        _ run: OrchestratorRun, isRepeat: Bool
    ) async throws(MaintenanceServiceError) {
        let error = state.withLock { state in
            let left = state.recordingsLeft
            if let left { state.recordingsLeft = left - 1 }
            let error = left.map { $0 > 0 } ?? true ? state.recording : nil
            if error == nil { state.recorded.append(run) }
            return error
        }
        if let error { throw error }
    }
}

extension JobState {
    static func ended(_ status: JobStatus, _ error: String? = nil) -> JobState {
        JobState(status: status, error: error, retryAfter: nil)
    }

    static func running(_ retryAfter: Duration? = nil) -> JobState {
        JobState(status: .running, error: nil, retryAfter: retryAfter)
    }
}
