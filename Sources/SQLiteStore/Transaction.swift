// SPDX-License-Identifier: Apache-2.0

import GRDB
import Jobs
import Synchronization
import WireFormat

/// What a call does inside its transaction: statements, the time by which it judges, and the
/// signals that go out once it is committed.
struct Transaction {
    private let database: Database
    /// SQLite's clock when the transaction began, in microseconds.
    let now: Int64
    /// Sent after the commit, in order.
    var signals: [JobSignal] = []

    init(_ database: Database, time: StoreTime) throws {
        self.database = database
        guard
            let now = try Int64.fetchOne(
                database.cachedStatement(sql: Statement.now), arguments: [time.shiftMicroseconds])
        else { throw JobStoreError.unavailable(reason: "SQLite has no clock") }
        self.now = now
    }

    /// The time this long after ``now``.
    func later(by duration: Duration) -> Int64 { now + duration.microseconds }

    /// Runs a statement and says how many rows it changed.
    @discardableResult
    func execute(_ sql: String, _ arguments: StatementArguments = []) throws -> Int {
        let before = database.totalChangesCount
        try database.cachedStatement(sql: sql).execute(arguments: arguments)
        return database.totalChangesCount == before ? 0 : database.changesCount
    }

    /// Runs several statements that return nothing, as a migration is.
    func executeAll(_ sql: String) throws { try database.execute(sql: sql) }

    /// The first row of a query.
    func first(_ sql: String, _ arguments: StatementArguments = []) throws -> StoredRow? {
        try Row.fetchOne(database.cachedStatement(sql: sql), arguments: arguments)
            .map(StoredRow.init)
    }

    /// Every row of a query.
    func all(_ sql: String, _ arguments: StatementArguments = []) throws -> [StoredRow] {
        try Row.fetchAll(database.cachedStatement(sql: sql), arguments: arguments)
            .map(StoredRow.init)
    }
}

/// A row whose columns are read with errors instead of traps.
struct StoredRow {
    private let row: Row

    init(_ row: Row) { self.row = row }

    func optional<Value: DatabaseValueConvertible>(
        _ column: String, as type: Value.Type = Value.self
    ) throws -> Value? {
        guard let stored: DatabaseValue = row[column], !stored.isNull else { return nil }
        guard let value = Value.fromDatabaseValue(stored) else {
            throw JobStoreError.corrupt(reason: "column \(column) has an unexpected type")
        }
        return value
    }

    func value<Value: DatabaseValueConvertible>(
        _ column: String, as type: Value.Type = Value.self
    ) throws -> Value {
        guard let value: Value = try optional(column) else {
            throw JobStoreError.corrupt(reason: "column \(column) is empty")
        }
        return value
    }

    func jobID(_ column: String) throws -> JobID {
        guard let id = JobID(try value(column)) else {
            throw JobStoreError.corrupt(reason: "column \(column) is no job id")
        }
        return id
    }

    func json(_ column: String) throws -> JSONValue {
        do {
            return try JSONValue(parsing: try value(column, as: String.self))
        } catch is JSONSyntaxError {
            throw JobStoreError.corrupt(reason: "column \(column) is no JSON")
        }
    }
}

extension SQLiteStore {
    /// Runs the body in one immediate transaction and, once it is committed, sends its signals.
    @discardableResult
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (inout Transaction) throws -> Value
    ) async throws(JobStoreError) -> Value {
        try checkOpen()
        let time = time
        let hub = hub
        let result: Result<Value, JobStoreError> = await withCheckedContinuation { continuation in
            pool.asyncWriteWithoutTransaction { database in
                let (result, signals) = Self.commit(body, to: database, time: time)
                // Before the caller goes on, so that who waits for a signal hears it first.
                hub.send(signals)
                continuation.resume(returning: result)
            }
        }
        return try result.get()
    }

    private static func commit<Value>(
        _ body: (inout Transaction) throws -> Value, to database: Database, time: StoreTime
    ) -> (Result<Value, JobStoreError>, [JobSignal]) {
        var isCommitting = false
        var signals: [JobSignal] = []
        do {
            var value: Value?
            try database.inTransaction(.immediate) {
                var transaction = try Transaction(database, time: time)
                value = try body(&transaction)
                signals = transaction.signals
                isCommitting = true
                return .commit
            }
            guard let value else {
                return (.failure(.unavailable(reason: "the transaction did not run")), [])
            }
            return (.success(value), signals)
        } catch {
            let error = JobStoreError(error, whileCommitting: isCommitting)
            if case .outcomeUnknown = error { return (.failure(error), [.resync]) }
            return (.failure(error), [])
        }
    }

    /// Runs the body on one snapshot of the store.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws(JobStoreError) -> Value {
        try checkOpen()
        let time = time
        let result: Result<Value, JobStoreError> = await withCheckedContinuation { continuation in
            pool.asyncRead { access in
                do {
                    let database = try access.get()
                    continuation.resume(
                        returning: .success(try body(try Transaction(database, time: time))))
                } catch {
                    continuation.resume(
                        returning: .failure(JobStoreError(error, whileCommitting: false)))
                }
            }
        }
        return try result.get()
    }

    func checkOpen() throws(JobStoreError) {
        guard !isShutDown.withLock({ $0 }) else {
            throw .unavailable(reason: "the store is shut down")
        }
        guard isInPlace else {
            throw .unavailable(
                reason: "the store's file was removed or replaced while it was open: "
                    + "put it back, or restart")
        }
    }
}
