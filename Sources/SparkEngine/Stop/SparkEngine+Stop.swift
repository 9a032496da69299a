// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
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

    /// Whether there is anything to look with in a later attempt.
    ///
    /// Kyuubi's administration ends what is a session's own, and looks after nothing else.
    var canFindOutLater: Bool {
        guard let applications else { return false }
        return switch settings.sharing {
        case .perJob: applications.canWatch || applications.canEnd
        case .shared: applications.canWatch
        }
    }

    /// Stops whatever a statement may have left running and looks at the table.
    ///
    /// Takes at most ``SparkPace/stopLimit``, or ``SparkPace/longestStop`` where only silence
    /// tells, and goes on when the calling task is cancelled.
    func stop(_ saved: SavedOperation) async -> EngineAftermath {
        // In a task of its own, which cancelling the job's task does not reach; waited for here.
        await Task { await carryOutStop(of: saved) }.value
    }

    private func carryOutStop(of saved: SavedOperation) async -> EngineAftermath {
        let began = clock.now
        let facts = await interrupt(saved)
        var verdict = StopVerdict<Time.Instant>(settle: settings.pace.settle)
        var isStopped = facts.hasEnded
        var reason: String?
        while !isStopped, facts.evidence != .none {
            let seen = await look(for: saved, facts)
            // After the look: what was committed before its end shows here.
            let table = await currentTable(saved)
            let location = table?.metadataLocation.rawValue
            let sight = seen.with(table: location)
            let silence = CommitWait.silence(table?.metadata.properties[CommitWait.property])
            if verdict.next(after: sight, table: location, silence: silence, at: clock.now)
                == .stopped
            {
                isStopped = true
                break
            }
            let next = clock.now.advanced(by: settings.pace.stopPoll)
            guard next < began.advanced(by: limit(after: sight)) else {
                reason = Self.sentence(sight)
                break
            }
            // Cancelled by nobody: the task is our own.
            try? await clock.sleep(until: next, tolerance: nil)
        }
        let left = clock.now.duration(to: began.advanced(by: settings.pace.stopLimit))
        return await aftermath(
            of: saved, facts, isStopped: isStopped, reason: reason,
            listLimit: min(settings.pace.listLimit, max(left, settings.pace.shortestListing)))
    }

    /// How long to look, by what is seen now.
    private func limit(after sight: StopVerdict<Time.Instant>.Sight) -> Duration {
        switch sight {
        case .quiet(.silent): settings.pace.longestStop
        case .quiet(.gone), .quiet(.idle), .running, .hidden: settings.pace.stopLimit
        }
    }

    private static func sentence(
        _ sight: StopVerdict<Time.Instant>.Sight
    ) -> String {
        switch sight {
        case .running: "something of the statement was still running"
        case .quiet(.silent):
            "nothing of it is seen to run, but a commit may still be waiting for its next try "
                + "(\(CommitWait.property))"
        case .quiet(.gone), .quiet(.idle): "there was no time to see it settle"
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
                reason ?? facts.reason
                    ?? "whether Spark has stopped cannot be seen here; configure Spark's interface "
                    + "(ICEPACK_SPARK_UI_URL) or Kyuubi's administration")
        }
        let table = await currentTable(saved)
        if let table {
            aftermath.commits = change(since: saved, in: table).commits
        } else {
            notes.append(Self.unreadTable)
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

    static var unreadTable: String {
        "the table could not be read, so commits may be missing here"
    }

    private static var foundLater: String {
        "files that were written and not committed are found by orphan removal"
    }

    /// The table, or nil if it cannot be read in time.
    func currentTable(_ saved: SavedOperation) async -> LoadedTable? {
        let loaded = await limited(to: settings.pace.stopCallLimit) { () -> LoadedTable? in
            do throws(MaintenanceError) { return try await load(saved.table) } catch {
                logger.warning("spark.table_unreadable", metadata: ["error": "\(error)"])
                return nil
            }
        }
        return loaded ?? nil
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
        let late = SparkServerError.reattach(
            reason: "no answer within \(TimeWording.text(limit))")
        let reply = await task.value ?? .failure(late)
        if case .failure(let error) = reply {
            logger.info("spark.call_failed", metadata: ["call": "\(name)", "error": "\(error)"])
        }
        return reply
    }

    /// Makes a call about applications within a time.
    func attempting<Value: Sendable>(
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
            } ?? .failure(.unavailable(reason: "no answer within \(TimeWording.text(limit))"))
        if case .failure(let error) = reply {
            logger.info(
                "spark.call_failed", metadata: ["call": "\(name)", "error": "\(error.reason)"])
        }
        return reply
    }
}
