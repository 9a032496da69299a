// SPDX-License-Identifier: Apache-2.0

import GRDB
public import Jobs
import Logging
import Synchronization

extension SQLiteStore {
    /// The schema's history, each file as it was released.
    package static let migrations = MigrationPlan([
        Migration(
            version: 1,
            sql: String(decoding: PackageResources.V0001__job_system_sql, as: UTF8.self)),
        Migration(
            version: 2,
            sql: String(decoding: PackageResources.V0002__engine_reason_sql, as: UTF8.self)),
        Migration(
            version: 3,
            sql: String(decoding: PackageResources.V0003__observations_sql, as: UTF8.self)),
        Migration(
            version: 4,
            sql: String(decoding: PackageResources.V0004__table_identities_sql, as: UTF8.self)),
    ])

    /// How often the file is looked at for what other processes did, while somebody listens.
    static let watchInterval: Duration = .milliseconds(250)
}

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension SQLiteStore: JobStore {
    public func migrate() async throws(JobStoreError) {
        let isCurrent = try await read { transaction in
            try Self.migrations.pending(after: transaction.appliedMigrations()).isEmpty
        }
        guard !isCurrent else { return }
        // Decided again under the write lock, which excludes every other process.
        try await write { transaction in
            try transaction.execute(Statement.createMigrations)
            let applied = try transaction.appliedMigrations()
            for migration in try Self.migrations.pending(after: applied) {
                try transaction.executeAll(migration.sql)
                try transaction.execute(
                    Statement.insertMigration,
                    [
                        "version": migration.version, "checksum": migration.checksum,
                        "now": transaction.now,
                    ])
            }
        }
    }

    public func ping(within limit: Duration) async throws(JobStoreError) {
        try checkOpen()
        let pool = pool
        let result: Result<Void, JobStoreError> = await withCheckedContinuation { continuation in
            let reply = FirstReply(continuation)
            // Not a child task: a file system that hangs must not hold the caller as well.
            let timer = Task {
                try await ContinuousClock().sleep(for: limit)
                reply.resume(.failure(.unavailable(reason: "no answer within \(limit)")))
            }
            pool.asyncRead { access in
                timer.cancel()
                reply.resume(
                    Result { _ = try Int.fetchOne(try access.get(), sql: "SELECT 1") }
                        .mapError { JobStoreError($0, whileCommitting: false) })
            }
        }
        try result.get()
    }

    public func shutdown() async {
        let isFirst = isShutDown.withLock { isShutDown in
            defer { isShutDown = true }
            return !isShutDown
        }
        guard isFirst else { return }
        hub.finish()
        let logger = logger
        let pool = pool
        // Behind every access that has begun.
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            pool.asyncBarrierWriteWithoutTransaction { _ in done.resume() }
        }
        do {
            try pool.close()
        } catch {
            logger.warning("store_close_failed", metadata: ["error": "\(error)"])
        }
    }

    public func signals() async -> AsyncStream<JobSignal> {
        let stream = hub.stream()
        guard let version = await dataVersion() else { return stream }
        watcher.withLock { watcher in
            guard watcher == nil else { return }
            // Not a child of the caller: it serves every listener and ends with the last one.
            watcher = Task { [weak self] in await self?.watch(since: version) }
        }
        return stream
    }
}

extension SQLiteStore {
    /// Sends a hint whenever another process has changed the file, as long as somebody listens.
    private func watch(since first: Int64) async {
        var known = first
        while !isWatcherDone() {
            do { try await ContinuousClock().sleep(for: Self.watchInterval) } catch { return }
            guard let version = await dataVersion(), version != known else { continue }
            known = version
            hub.send([.resync])
        }
    }

    /// Decides under the lock under which ``signals()`` starts the next one, so that no listener
    /// is left without a watcher.
    private func isWatcherDone() -> Bool {
        watcher.withLock { watcher in
            guard hub.readerCount == 0 else { return false }
            watcher = nil
            return true
        }
    }

    /// A number that changes when another connection commits.
    ///
    /// Asked of the connection that does
    /// all our writing, so that our own commits do not count. Nil when the store is closed.
    private func dataVersion() async -> Int64? {
        guard !isShutDown.withLock({ $0 }) else { return nil }
        let pool = pool
        return await withCheckedContinuation { continuation in
            pool.asyncWriteWithoutTransaction { database in
                // A failure only costs the hint: the next look tries again.
                continuation.resume(
                    returning: try? Int64.fetchOne(database, sql: "PRAGMA data_version"))
            }
        }
    }
}

extension Transaction {
    fileprivate func appliedMigrations() throws -> [AppliedMigration] {
        guard try first(Statement.hasMigrations) != nil else { return [] }
        return try all(Statement.selectMigrations).map { row in
            AppliedMigration(
                version: try row.value("version"), checksum: try row.value("checksum"))
        }
    }
}

/// Resumes a continuation with the first of several replies.
private final class FirstReply: Sendable {
    private let waiting: Mutex<CheckedContinuation<Result<Void, JobStoreError>, Never>?>

    init(_ continuation: CheckedContinuation<Result<Void, JobStoreError>, Never>) {
        waiting = Mutex(continuation)
    }

    func resume(_ result: Result<Void, JobStoreError>) {
        let first = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }
        first?.resume(returning: result)
    }
}

extension SQLiteStore {
    /// The most pages the file may have, for tests of a disk that is full.
    package func setPageLimit(_ pages: Int) async throws(JobStoreError) {
        try await write { transaction in
            _ = try transaction.first("PRAGMA max_page_count = \(pages)")
        }
    }
}
