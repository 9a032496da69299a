// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import Logging
import Maintenance

/// What is known after everything was told to stop.
struct StopFacts: Hashable, Sendable {
    /// By what it is seen that Spark has stopped.
    enum Evidence: Hashable, Sendable {
        /// By nothing.
        case none
        /// Kyuubi said that it killed the application, which was the session's own.
        case killed(session: String)
        /// Spark's interface shows nothing of the statement.
        case activity
    }

    /// Whether nothing can run on: the statement had ended by itself, or was never called.
    var hasEnded = false
    /// Whether the server still knew the statement, so that its application lives.
    var isKnown = false
    /// Whether the server closed the session: nothing that waits in it begins any more.
    var isClosed = false
    /// Whether the server, or the client for a connection that ended, says that it does not know
    /// the statement any more.
    var isLost = false
    /// What to look at.
    var evidence = Evidence.none
    /// Why there is nothing to look at, where that is worth saying.
    var reason: String?
}

extension SparkEngine {
    /// Tells everything to stop: the operation, the application where it is the job's own, the
    /// session.
    ///
    /// The application is ended before the session is closed: Kyuubi forgets the application of a
    /// closed session before it has ended, and could not be told to kill it then.
    func interrupt(_ saved: SavedOperation) async -> StopFacts {
        var facts = StopFacts()
        facts.hasEnded = !saved.isCalled
        if let operation = saved.operation { await interrupt(operation, &facts) }
        if !facts.hasEnded { await endApplication(of: saved, &facts) }
        // What runs is stopped before the session is closed, over which a server may take long.
        if facts.evidence == .activity, !facts.hasEnded { _ = await look(for: saved, facts) }
        let limit = facts.evidence == .none ? settings.pace.stopCallLimit : settings.pace.farewell
        let closed = await attempting("close_session", within: limit) {
            () async throws(SparkServerError) -> Bool in
            try await server.close(session: saved.session)
            return true
        }
        switch closed {
        case .success:
            facts.isClosed = true
        case .failure(.handleLost):
            facts.isLost = true
        case .failure:
            break
        }
        return facts
    }

    private func interrupt(_ operation: String, _ facts: inout StopFacts) async {
        // Only a glance: of a statement that has ended a server tells at once, and of one that
        // runs it tells after seconds, in which nothing would be stopped.
        let status = await attempting("status", within: settings.pace.glance) {
            () async throws(SparkServerError) in
            try await server.status(of: operation)
        }
        switch status {
        case .success(let status):
            facts.isKnown = true
            facts.hasEnded = facts.hasEnded || status.provesEnd
        case .failure(.handleLost):
            facts.isLost = true
        case .failure:
            break
        }
        guard !facts.hasEnded else { return }
        let cancelled = await attempting("cancel") { () async throws(SparkServerError) -> Bool in
            try await server.cancel(operation)
            return true
        }
        switch cancelled {
        case .success: facts.isKnown = true
        case .failure(.handleLost): facts.isLost = true
        case .failure: break
        }
    }

    /// Ends the session's own application where that can be done, and says what to look at.
    private func endApplication(of saved: SavedOperation, _ facts: inout StopFacts) async {
        let canWatch = applications?.canWatch ?? false
        facts.evidence = canWatch ? .activity : .none
        guard settings.sharing == .perJob, let applications, applications.canEnd,
            let name = server.name(ofSession: saved.session)
        else { return }
        let end = await attempting(applications, "end_application") {
            (applications) async throws(SparkApplicationsError) in
            try await applications.endApplication(ofSession: name)
        }
        switch end {
        case .success(.killed): facts.evidence = .killed(session: name)
        case .success(.unproven(let reason)): facts.reason = reason
        case .failure(let error): facts.reason = error.reason
        }
    }

    // MARK: Looking

    /// One look whether anything runs; what is seen running is told to stop again.
    func look(
        for saved: SavedOperation, _ facts: StopFacts
    ) async -> StopVerdict<Time.Instant>.Sight {
        switch facts.evidence {
        case .none:
            return .hidden(reason: facts.reason ?? "there is nothing to look with")
        case .killed(let session):
            return await lookAfterKill(of: session, saved)
        case .activity:
            return await lookAtActivity(of: saved, facts)
        }
    }

    /// A driver that was killed gets some time to end in, in which it could still commit.
    private func lookAfterKill(
        of session: String, _ saved: SavedOperation
    ) async -> StopVerdict<Time.Instant>.Sight {
        let known = await attempting(applications, "has_application") {
            (applications) async throws(SparkApplicationsError) in
            try await applications.hasApplication(ofSession: session)
        }
        switch known {
        case .success(true): return .running
        case .failure(let error): return .hidden(reason: error.reason)
        case .success(false): break
        }
        guard applications?.canWatch ?? false else { return .quiet(.silent) }
        switch await activity() {
        case .failure(let error):
            return .hidden(reason: error.reason)
        case .success(let activity):
            let own = own(in: activity, of: saved)
            let isListed = saved.application.map { activity.applications.contains($0) } ?? false
            guard isListed || own.application != nil || !own.jobs.isEmpty else {
                return .quiet(.silent)
            }
            await kill(own.jobs)
            return .running
        }
    }

    private func lookAtActivity(
        of saved: SavedOperation, _ facts: StopFacts
    ) async -> StopVerdict<Time.Instant>.Sight {
        let seen: SparkActivity
        switch await activity() {
        case .failure(let error): return .hidden(reason: error.reason)
        case .success(let activity): seen = activity
        }
        let own = own(in: seen, of: saved)
        await kill(own.jobs)
        if let application = saved.application, !seen.applications.contains(application) {
            // The application is gone, and all that ran in it, if the interface showed it before
            // and no server knows the operation any more. Otherwise this interface is another
            // one's, or of a server that says nothing, nothing is known.
            guard saved.isShown, facts.isLost, !facts.isKnown else {
                return .hidden(reason: "Spark's interface shows another application")
            }
            // Where Kyuubi cannot confirm it, it takes a silence too.
            return .quiet(facts.reason == nil ? .gone : .silent)
        }
        guard let application = saved.application ?? own.application else {
            return .hidden(
                reason: "Spark's interface shows nothing of the statement, and which application "
                    + "ran it is not known")
        }
        guard own.isQuiet else { return .running }
        // A call may have been taken and not begun, of which the interface shows nothing.
        guard own.isRunning != nil || facts.isClosed || facts.isLost else {
            return .hidden(
                reason: "Spark's interface does not show the statement, which may not have begun")
        }
        let sight = await lookAtThreads(of: application, own)
        return sight == .quiet(.idle) && own.isRunning == nil ? .quiet(.silent) : sight
    }

    /// Whether a thread of the driver works for the statement, which no job would show.
    private func lookAtThreads(
        of application: String, _ own: OwnActivity
    ) async -> StopVerdict<Time.Instant>.Sight {
        let threads = await attempting(applications, "driver_threads") {
            (applications) async throws(SparkApplicationsError) in
            try await applications.driverThreads(of: application)
        }
        switch threads {
        case .success(let threads):
            let work = DriverWork(
                threads: threads, hasEnded: own.isRunning == false,
                foreignGroups: own.foreignGroups[application, default: 0])
            guard !work.threads.isEmpty else { return .quiet(.idle) }
            logger.info(
                "spark.driver_works",
                metadata: ["threads": "\(work.threads.prefix(5).joined(separator: ", "))"])
            return .running
        case .failure(.refused(let reason)):
            logger.info("spark.threads_hidden", metadata: ["reason": "\(reason)"])
            return .quiet(.silent)
        case .failure(.unavailable(let reason)):
            return .hidden(reason: reason)
        }
    }

    /// What runs in the applications now, as far as it is told in time.
    func activity() async -> Result<SparkActivity, SparkApplicationsError> {
        await attempting(applications, "activity") {
            (applications) async throws(SparkApplicationsError) in
            try await applications.activity()
        }
    }

    private func kill(_ jobs: [SparkJob]) async {
        for job in jobs {
            logger.info("spark.kill_job", metadata: ["spark.job": "\(job.id)"])
            _ = await attempting(applications, "kill_job") {
                (applications) async throws(SparkApplicationsError) in
                try await applications.kill(job)
            }
        }
    }
}

extension SparkOperationStatus {
    /// Whether nothing of the statement can run on.
    ///
    /// Not of one that was cancelled, timed out or closed: Iceberg's jobs go on below it. Nor of
    /// one that failed because its application could not be reached.
    var provesEnd: Bool {
        switch state {
        case .finished: true
        case .failed: SparkFailure(sqlState: sqlState, message: message ?? "").provesEnd
        case .pending, .running, .cancelled, .timedOut, .closed, .unknown: false
        }
    }
}
