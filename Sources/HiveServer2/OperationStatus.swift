// SPDX-License-Identifier: Apache-2.0

/// How far a server says an operation has come.
///
/// It is what the server says of the statement: of what Iceberg's procedures started below it, a
/// terminal state proves nothing.
public struct OperationStatus: Hashable, Sendable {
    /// Where the operation stands.
    public let state: OperationState
    /// The five characters of the SQL standard's error code; Iceberg's failures have none.
    public let sqlState: String?
    /// The server's number of the error.
    public let errorCode: Int32?
    /// What went wrong, often with a stack; ``HiveServer2Error/firstLine(of:)`` is for people.
    public let errorMessage: String?
    /// Whether there are rows; many servers do not say.
    public let hasResultSet: Bool?
    /// When the operation began, in milliseconds since 1970 by the server's clock.
    public let startedMilliseconds: Int64?
    /// When the operation ended, in milliseconds since 1970 by the server's clock.
    public let completedMilliseconds: Int64?
    /// The progress that the server tells when it was asked for and can.
    public let progress: OperationProgress?

    /// Takes every field.
    public init(
        state: OperationState, sqlState: String? = nil, errorCode: Int32? = nil,
        errorMessage: String? = nil, hasResultSet: Bool? = nil, startedMilliseconds: Int64? = nil,
        completedMilliseconds: Int64? = nil, progress: OperationProgress? = nil
    ) {
        self.state = state
        self.sqlState = sqlState
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.hasResultSet = hasResultSet
        self.startedMilliseconds = startedMilliseconds
        self.completedMilliseconds = completedMilliseconds
        self.progress = progress
    }
}

/// TOperationState.
public enum OperationState: Hashable, Sendable {
    /// It was taken.
    case initialized
    /// It waits, as for its engine.
    case pending
    /// It works.
    case running
    /// It ended well.
    case finished
    /// Somebody cancelled it.
    case canceled
    /// It was closed.
    case closed
    /// It failed.
    case error
    /// It ran into its time limit.
    case timedOut
    /// The server itself does not know.
    case unknown
    /// A state that this program does not know.
    case unrecognized(Int32)

    /// Whether the statement will go no further.
    ///
    /// False for what is not known, so that nobody takes a running operation for an ended one.
    public var isTerminal: Bool {
        switch self {
        case .finished, .canceled, .closed, .error, .timedOut: true
        case .initialized, .pending, .running, .unknown, .unrecognized: false
        }
    }

    /// From the protocol's number.
    init(wire number: Int32) {
        switch number {
        case 0: self = .initialized
        case 1: self = .running
        case 2: self = .finished
        case 3: self = .canceled
        case 4: self = .closed
        case 5: self = .error
        case 6: self = .unknown
        case 7: self = .pending
        case 8: self = .timedOut
        default: self = .unrecognized(number)
        }
    }
}

/// A table that describes progress, such as one row for each stage (TProgressUpdateResp).
public struct OperationProgress: Hashable, Sendable {
    /// The names of the columns.
    public let headers: [String]
    /// The rows; each as long as the server made it.
    public let rows: [[String]]
    /// The part that is done, from 0 to 1 as most servers have it.
    public let fraction: Double
    /// What stands below the table.
    public let footer: String

    /// Takes every field.
    public init(headers: [String], rows: [[String]], fraction: Double, footer: String) {
        self.headers = headers
        self.rows = rows
        self.fraction = fraction
        self.footer = footer
    }
}
