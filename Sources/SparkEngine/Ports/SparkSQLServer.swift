// SPDX-License-Identifier: Apache-2.0

/// A server that runs SQL statements on Spark: Kyuubi, the Spark Thrift Server.
///
/// Handles are texts that can be kept and used by another process, as far as the server keeps what
/// they stand for. Every call may be made from any task, also while another one waits.
public protocol SparkSQLServer: Sendable {
    /// Opens a session with these settings.
    func openSession(
        _ settings: [String: String]
    ) async throws(SparkServerError) -> String

    /// Starts a statement and returns its operation; the server stops it after the limit.
    func execute(
        _ statement: String, in session: String, limit: Duration
    ) async throws(SparkServerError) -> String

    /// How far an operation has come; may take a few seconds to answer.
    func status(of operation: String) async throws(SparkServerError) -> SparkOperationStatus

    /// The result of a finished operation; throws rather than return more rows than the limit.
    func rows(
        of operation: String, limit: Int
    ) async throws(SparkServerError) -> SparkRows

    /// Asks for the end of an operation.
    func cancel(_ operation: String) async throws(SparkServerError)

    /// Frees an operation.
    func close(operation: String) async throws(SparkServerError)

    /// Ends a session and whatever runs in it.
    func close(session: String) async throws(SparkServerError)

    /// The session's public name, by which the server's own interfaces know it; nil if the text is
    /// no handle.
    func name(ofSession session: String) -> String?
}

/// Why a call to the server failed, by what to do next.
public enum SparkServerError: Error, Hashable, Sendable {
    /// Nothing took effect: the same call may be made again, later.
    case retry(reason: String)
    /// It may have taken effect, and the handles are still good: ask with them.
    case reattach(reason: String)
    /// What the handle stood for is gone from the server, and may be running on in Spark.
    case handleLost(reason: String)
    /// The server refuses the credentials, the settings or the call.
    case rejected(reason: String)
    /// The statement failed.
    case statement(sqlState: String?, message: String)
    /// The reply makes no sense.
    case malformed(reason: String)
    /// The reply is larger than what is read, however often it is asked for.
    case tooLarge(reason: String)
}

extension SparkServerError {
    /// The same with other words.
    func reworded(_ change: (String) -> String) -> SparkServerError {
        switch self {
        case .retry(let reason): .retry(reason: change(reason))
        case .reattach(let reason): .reattach(reason: change(reason))
        case .handleLost(let reason): .handleLost(reason: change(reason))
        case .rejected(let reason): .rejected(reason: change(reason))
        case .statement(let sqlState, let message):
            .statement(sqlState: sqlState, message: change(message))
        case .malformed(let reason): .malformed(reason: change(reason))
        case .tooLarge(let reason): .tooLarge(reason: change(reason))
        }
    }
}

extension SparkServerError: CustomStringConvertible {
    /// A sentence for a person.
    ///
    /// Of a statement's failure it says nothing but that: ``SparkFailure`` makes a sentence of it.
    public var description: String {
        switch self {
        case .retry(let reason), .reattach(let reason), .handleLost(let reason),
            .rejected(let reason), .malformed(let reason), .tooLarge(let reason):
            reason
        case .statement(let sqlState, _):
            "the statement failed" + (sqlState.map { " (SQLSTATE \($0))" } ?? "")
        }
    }
}

/// How far an operation has come.
public struct SparkOperationStatus: Hashable, Sendable {
    /// Where an operation stands.
    public enum State: Hashable, Sendable {
        /// It waits, perhaps for an application to start.
        case pending
        /// It runs.
        case running
        /// It succeeded.
        case finished
        /// It failed.
        case failed
        /// Somebody cancelled it.
        case cancelled
        /// The server's time limit ended it.
        case timedOut
        /// It was closed.
        case closed
        /// The server does not say.
        case unknown
    }

    /// How much of the work is done.
    public struct Progress: Hashable, Sendable {
        /// The part that is done, from 0 to 1.
        public let fraction: Double

        /// Takes the part that is done.
        public init(fraction: Double) { self.fraction = fraction }
    }

    /// Where it stands.
    public let state: State
    /// The class of a failure, where the server gives one.
    public let sqlState: String?
    /// What the server says of a failure; long, and not for people.
    public let message: String?
    /// How much is done, where the server tells.
    public let progress: Progress?

    /// Takes every field.
    public init(
        state: State, sqlState: String? = nil, message: String? = nil, progress: Progress? = nil
    ) {
        self.state = state
        self.sqlState = sqlState
        self.message = message
        self.progress = progress
    }
}

/// A value in a result.
public enum SparkValue: Hashable, Sendable {
    /// No value.
    case null
    /// A whole number of any width.
    case integer(Int64)
    /// A text.
    case text(String)
    /// Something that no procedure returns.
    case other

    /// The whole number, if it is one.
    public var integerValue: Int64? { if case .integer(let number) = self { number } else { nil } }
    /// The text, if it is one.
    public var textValue: String? { if case .text(let text) = self { text } else { nil } }
}

/// A result: rows of as many values as there are columns.
public struct SparkRows: Hashable, Sendable {
    /// The columns' names.
    public let columns: [String]
    /// The rows.
    public let rows: [[SparkValue]]

    /// Takes columns and rows.
    public init(columns: [String], rows: [[SparkValue]]) {
        self.columns = columns
        self.rows = rows
    }

    /// A value by its row's number and its column's name; nil if there is no such column or row.
    public func value(_ column: String, inRow row: Int = 0) -> SparkValue? {
        guard let index = columns.firstIndex(of: column), rows.indices.contains(row),
            rows[row].indices.contains(index)
        else { return nil }
        return rows[row][index]
    }
}
