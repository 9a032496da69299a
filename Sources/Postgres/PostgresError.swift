// SPDX-License-Identifier: Apache-2.0

/// Why a call to the database did not provably do what was asked, by what the caller must do next.
///
/// `description` never shows SQL, parameters, row data or passwords; the server's own words are in
/// ``PostgresServerError/message`` for those who want to log them with care.
public enum PostgresError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nothing was committed: the same call may be tried again.
    case unavailable(reason: String)
    /// The reply never came and the write may have been committed: read back.
    case outcomeUnknown(reason: String)
    /// The server refused the statement and nothing of it took effect.
    case server(PostgresServerError)
    /// The calling task was cancelled and nothing was committed.
    case cancelled
    /// This program closed the pool or the connection before: nothing was sent.
    case closed
    /// The call itself is wrong, and would be wrong again: nothing was sent.
    case misuse(reason: String)
    /// A value in the result is not what the caller expects.
    case decoding(reason: String)

    /// The text for people.
    public var description: String {
        switch self {
        case .unavailable(let reason): "database unavailable: \(reason)"
        case .outcomeUnknown(let reason): "outcome of a database write unknown: \(reason)"
        case .server(let error): error.description
        case .cancelled: "database call cancelled"
        case .closed: "database connection closed"
        case .misuse(let reason): "wrong use of the database client: \(reason)"
        case .decoding(let reason): "unexpected value from the database: \(reason)"
        }
    }
}

/// What the server said when it refused a statement.
public struct PostgresServerError: Hashable, Sendable, CustomStringConvertible {
    /// The five characters of the SQL standard's error code, such as `23505`.
    public let sqlState: String
    /// The primary message.
    ///
    /// It may quote values from the statement: not for clients.
    public let message: String
    /// The constraint that was violated, if one was.
    public let constraint: String?

    /// Takes every field.
    public init(sqlState: String, message: String, constraint: String? = nil) {
        self.sqlState = sqlState
        self.message = message
        self.constraint = constraint
    }

    /// The text for people.
    public var description: String {
        let violated = constraint.map { " (constraint \($0))" } ?? ""
        return "database error \(sqlState)\(violated)"
    }

    /// Whether the server gave up a transaction that may succeed when run again: a serialization
    /// failure, a deadlock, or a prepared statement that no longer fits the schema.
    public var isTransient: Bool {
        switch sqlState {
        case SQLState.serializationFailure, SQLState.deadlockDetected,
            SQLState.invalidStatementName, SQLState.lockNotAvailable:
            true
        // "cached plan must not change result type": the client has dropped the statement.
        case SQLState.featureNotSupported: message.contains("cached plan")
        default: false
        }
    }
}

/// The error codes that this program tells apart (PostgreSQL manual, appendix A).
public enum SQLState {
    /// A row with this key exists.
    public static let uniqueViolation = "23505"
    /// Two transactions cannot both be.
    public static let serializationFailure = "40001"
    /// Two transactions waited for each other.
    public static let deadlockDetected = "40P01"
    /// `NOWAIT` or `lock_timeout`.
    public static let lockNotAvailable = "55P03"
    /// Cancelled, by us or by `statement_timeout`.
    public static let queryCanceled = "57014"
    /// The prepared statement is gone.
    public static let invalidStatementName = "26000"
    /// Among others, a cached plan whose result type changed.
    public static let featureNotSupported = "0A000"
    /// No such table.
    public static let undefinedTable = "42P01"
}
