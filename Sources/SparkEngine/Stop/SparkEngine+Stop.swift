// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import Logging
import Maintenance
import ObjectStorage

extension SparkEngine {
    /// Stops a statement, tells what became of it, and returns the error to end with.
    ///
    /// That is the cause, or ``MaintenanceError/stillRunning(reason:)`` when Spark is not known to
    /// have stopped; then what was kept stays kept, for whoever looks next.
    func stopping(
        _ saved: SavedOperation, because cause: MaintenanceError, in context: RunContext
    ) async -> MaintenanceError {
        let aftermath = await stop(saved)
        context.tracking.note(aftermath)
        switch aftermath.state {
        case .stopped:
            await forget(in: context)
            return cause
        case .stopping, .unknown:
            // What a later attempt may find out is left to it; it starts nothing before.
            if case .unavailable = cause, canFindOutLater { return cause }
            return .stillRunning(reason: aftermath.note ?? "Spark did not say that it stopped")
        }
    }

    /// Whether there is anything to look with, now or in a later attempt.
    var canFindOutLater: Bool {
        applications.map { $0.canWatch || $0.canEnd } ?? false
    }

    /// Stops whatever a statement may have left running and looks at the table.
    ///
    /// Takes at most ``SparkPace/stopLimit``, and goes on when the calling task is cancelled.
    func stop(_ saved: SavedOperation) async -> EngineAftermath {
        // In a task of its own, which cancelling the job's task does not reach; waited for here.
        await Task { await carryOutStop(of: saved) }.value
    }

    private func carryOutStop(of saved: SavedOperation) async -> EngineAftermath {
        let deadline = clock.now.advanced(by: settings.pace.stopLimit)
        let facts = await interrupt(saved)
        var verdict = StopVerdict<Time.Instant>(settle: settings.pace.settle)
        var isStopped = facts.hasEnded
        var reason: String?
        while !isStopped, facts.evidence != .none {
            let sight = await look(for: saved, facts)
            let table = await currentTable(saved)
            if verdict.next(
                after: sight, table: table?.metadataLocation.rawValue, at: clock.now) == .stopped
            {
                isStopped = true
            } else if clock.now.advanced(by: settings.pace.stopPoll) >= deadline {
                reason = Self.sentence(sight)
                break
            } else {
                // Cancelled by nobody: the task is our own.
                try? await clock.sleep(
                    until: clock.now.advanced(by: settings.pace.stopPoll), tolerance: nil)
            }
        }
        return await aftermath(
            of: saved, facts, isStopped: isStopped, reason: reason,
            listLimit: min(settings.pace.listLimit, clock.now.duration(to: deadline)))
    }

    private static func sentence(
        _ sight: StopVerdict<Time.Instant>.Sight
    ) -> String {
        switch sight {
        case .running: "jobs of the statement were still running"
        case .quiet: "there was no time to see it settle"
        case .hidden(let reason): reason
        }
    }

    private func aftermath(
        of saved: SavedOperation, _ facts: StopFacts, isStopped: Bool, reason: String?,
        listLimit: Duration
    ) async -> EngineAftermath {
        var aftermath = EngineAftermath(state: isStopped ? .stopped : .unknown)
        var notes: [String] = []
        if !isStopped {
            notes.append(
                reason
                    ?? "whether Spark has stopped cannot be seen here; configure Spark's interface "
                    + "(ICEPACK_SPARK_UI_URL) or Kyuubi's administration")
        }
        if facts.evidence == .sessionClosed, isStopped, !facts.hasEnded {
            notes.append("the session is closed, and with it Kyuubi ends its Spark application")
        }
        let table = await currentTable(saved)
        if let table {
            aftermath.commits = change(since: saved, in: table).commits
        } else {
            notes.append("the table could not be read, so commits may be missing here")
        }
        if !facts.hasEnded {
            // What still runs may still be writing.
            let stopped = isStopped ? table : nil
            let left = await leftBehind(saved, in: stopped, within: listLimit)
            aftermath.filesLeftBehind = left.files.sample
            aftermath.filesLeftBehindCount = left.files.count
            if let note = left.note { notes.append(note) }
        }
        aftermath.note = notes.isEmpty ? nil : notes.joined(separator: "; ")
        return aftermath
    }

    /// What the statement left behind, and a sentence where that is not the whole truth.
    private func leftBehind(
        _ saved: SavedOperation, in table: LoadedTable?, within limit: Duration
    ) async -> (files: FilesLeftBehind, note: String?) {
        switch saved.action {
        case .removeOrphanFiles:
            return (FilesLeftBehind(), nil)
        case .expireSnapshots:
            let note = "files that it made unreachable and did not remove are found by orphan "
            return (FilesLeftBehind(), note + "removal")
        case .rewriteDataFiles, .rewritePositionDeleteFiles, .rewriteManifests:
            break
        }
        let search = LeftBehindSearch(storage: storage)
        let start = saved.startedAt
        guard let table, limit > .zero else {
            return (FilesLeftBehind(), Self.foundLater)
        }
        let found = await limited(to: limit) {
            () -> Result<FilesLeftBehind, LeftBehindSearch<Storage>.Failure> in
            do throws(LeftBehindSearch<Storage>.Failure) {
                return .success(try await search.files(of: table, since: start))
            } catch {
                return .failure(error)
            }
        }
        switch found {
        case .success(let files): return (files, nil)
        case .failure(let failure):
            return (FilesLeftBehind(), "\(Self.foundLater) (\(failure.reason))")
        case nil:
            return (FilesLeftBehind(), "\(Self.foundLater) (listing them took too long)")
        }
    }

    private static var foundLater: String {
        "files that were written and not committed are found by orphan removal"
    }

    /// The table, or nil if it cannot be read in time.
    private func currentTable(_ saved: SavedOperation) async -> LoadedTable? {
        let loaded = await limited(to: settings.pace.stopCallLimit) { () -> LoadedTable? in
            do throws(MaintenanceError) { return try await load(saved.table) } catch {
                logger.warning("spark.table_unreadable", metadata: ["error": "\(error)"])
                return nil
            }
        }
        return loaded ?? nil
    }
}

/// What is known after everything was told to stop.
struct StopFacts: Sendable {
    /// By what it is seen that Spark has stopped.
    enum Evidence: Sendable {
        /// By nothing.
        case none
        /// The session is closed, and the application was its own.
        case sessionClosed
        /// Kyuubi knows no application of the session.
        case application(session: String)
        /// Spark's interface shows nothing of the statement.
        case activity
    }

    /// Whether the statement had ended by itself, so that nothing can run on.
    var hasEnded: Bool
    /// Whether the server still knew the statement, so that its application lives.
    var isKnown: Bool
    /// What to look at.
    var evidence: Evidence
}

extension StopFacts.Evidence: Equatable {}

extension SparkEngine {
    /// Tells everything to stop: the operation, the application where it is the job's own, the
    /// session.
    ///
    /// The application is ended before the session is closed: Kyuubi forgets the application of a
    /// closed session before it has ended, and could not be told to kill it then.
    private func interrupt(_ saved: SavedOperation) async -> StopFacts {
        var facts = StopFacts(hasEnded: false, isKnown: false, evidence: .none)
        if let operation = saved.operation {
            // Only a glance: of a statement that has ended a server tells at once, and of one that
            // runs it tells after seconds, in which nothing would be stopped.
            let status = await attempting("status", within: settings.pace.glance) {
                () async throws(SparkServerError) in
                try await server.status(of: operation)
            }
            if case .success(let status) = status {
                facts.isKnown = true
                facts.hasEnded = status.state == .finished || status.state == .failed
            }
            if !facts.hasEnded {
                let cancelled = await attempting("cancel") {
                    () async throws(SparkServerError) -> Bool in
                    try await server.cancel(operation)
                    return true
                }
                if case .success = cancelled { facts.isKnown = true }
            }
        }
        let name = server.name(ofSession: saved.session)
        if settings.sharing == .perJob, let applications, applications.canEnd, let name {
            facts.evidence = .application(session: name)
            if !facts.hasEnded {
                _ = await attempting(applications, "end_application") {
                    (applications) async throws(SparkApplicationsError) in
                    try await applications.endApplication(ofSession: name)
                }
            }
        } else if let applications, applications.canWatch {
            facts.evidence = .activity
        }
        // What runs is stopped before the session is closed, over which a server may take long.
        if facts.evidence == .activity, !facts.hasEnded { _ = await look(for: saved, facts) }
        let limit = facts.evidence == .none ? settings.pace.stopCallLimit : settings.pace.farewell
        let closed = await attempting("close_session", within: limit) {
            () async throws(SparkServerError) -> Bool in
            try await server.close(session: saved.session)
            return true
        }
        if facts.evidence == .none, settings.sharing == .perJob, Self.isClosed(closed) {
            facts.evidence = .sessionClosed
        }
        return facts
    }

    private static func isClosed(_ reply: Result<Bool, SparkServerError>) -> Bool {
        switch reply {
        case .success, .failure(.handleLost): true
        case .failure: false
        }
    }

    /// One look whether anything runs; what is seen running is told to stop again.
    private func look(
        for saved: SavedOperation, _ facts: StopFacts
    ) async -> StopVerdict<Time.Instant>.Sight {
        switch facts.evidence {
        case .none:
            return .hidden(reason: "there is nothing to look with")
        case .sessionClosed:
            return .quiet
        case .application(let session):
            let known = await attempting(applications, "has_application") {
                (applications) async throws(SparkApplicationsError) in
                try await applications.hasApplication(ofSession: session)
            }
            switch known {
            case .success(let isKnown): return isKnown ? .running : .quiet
            case .failure(let error): return .hidden(reason: error.reason)
            }
        case .activity:
            return await lookAtActivity(of: saved, facts)
        }
    }

    private func lookAtActivity(
        of saved: SavedOperation, _ facts: StopFacts
    ) async -> StopVerdict<Time.Instant>.Sight {
        let reply = await attempting(applications, "activity") {
            (applications) async throws(SparkApplicationsError) in
            try await applications.activity()
        }
        switch reply {
        case .failure(let error):
            return .hidden(reason: error.reason)
        case .success(let activity):
            if let application = saved.application, !activity.applications.contains(application) {
                // A server that knows the operation has its application; then this interface is
                // another one's. Otherwise the application is gone, and all that ran in it.
                return facts.isKnown
                    ? .hidden(reason: "Spark's interface shows another application")
                    : .quiet
            }
            let own = own(in: activity, of: saved)
            for job in own.jobs {
                logger.info("spark.kill_job", metadata: ["spark.job": "\(job.id)"])
                _ = await attempting(applications, "kill_job") {
                    (applications) async throws(SparkApplicationsError) in
                    try await applications.kill(job)
                }
            }
            return own.isQuiet ? .quiet : .running
        }
    }

    // MARK: Calls within a time

    /// Makes a call to the server within a time, in a task that cancelling this one does not
    /// reach.
    func attempting<Value: Sendable>(
        _ name: String, within limit: Duration? = nil,
        _ call: @escaping @Sendable () async throws(SparkServerError) -> Value
    ) async -> Result<Value, SparkServerError> {
        let limit = limit ?? settings.pace.stopCallLimit
        // Waited for here: a cancelled task could make no call.
        let task = Task {
            await limited(to: limit) { () -> Result<Value, SparkServerError> in
                do throws(SparkServerError) { return .success(try await call()) } catch {
                    return .failure(error)
                }
            }
        }
        let late = SparkServerError.reattach(reason: "no answer within \(limit)")
        let reply = await task.value ?? .failure(late)
        if case .failure(let error) = reply {
            logger.info("spark.call_failed", metadata: ["call": "\(name)", "error": "\(error)"])
        }
        return reply
    }

    /// Makes a call about applications within a time.
    private func attempting<Value: Sendable>(
        _ applications: Applications?, _ name: String,
        _ call: @escaping @Sendable (Applications) async throws(SparkApplicationsError) -> Value
    ) async -> Result<Value, SparkApplicationsError> {
        guard let applications else {
            return .failure(.refused(reason: "there is nothing to look with"))
        }
        let limit = settings.pace.stopCallLimit
        let reply =
            await limited(to: limit) { () -> Result<Value, SparkApplicationsError> in
                do throws(SparkApplicationsError) {
                    return .success(try await call(applications))
                } catch {
                    return .failure(error)
                }
            } ?? .failure(.unavailable(reason: "no answer within \(limit)"))
        if case .failure(let error) = reply {
            logger.info(
                "spark.call_failed", metadata: ["call": "\(name)", "error": "\(error.reason)"])
        }
        return reply
    }
}
