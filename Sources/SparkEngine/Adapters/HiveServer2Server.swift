// SPDX-License-Identifier: Apache-2.0

public import HiveServer2

/// ``SparkSQLServer`` over HiveServer2, which Kyuubi and the Spark Thrift Server speak.
public struct HiveServer2Server: SparkSQLServer {
    private let client: HiveServer2Client
    private let place: String
    private let secrets: [String]

    /// Uses a client; whoever made it shuts it down.
    ///
    /// - Parameters:
    ///   - place: where the server is, for messages.
    ///   - secrets: what no message may show, whatever the server says.
    public init(client: HiveServer2Client, place: String, secrets: [String]) {
        self.client = client
        self.place = place
        self.secrets = secrets
    }

    /// Opens a session; Spark's settings travel as Hive's, as every such server wants them.
    public func openSession(
        _ settings: [String: String]
    ) async throws(SparkServerError) -> String {
        let pairs = settings.map { key, value in
            (key.hasPrefix("spark.") ? "set:hiveconf:\(key)" : key, value)
        }
        return try await calling { () async throws(HiveServer2Error) in
            try await client.openSession(
                settings: Dictionary(pairs, uniquingKeysWith: { first, _ in first }))
        }.text
    }

    /// Starts a statement; the server never answers with its outcome here.
    public func execute(
        _ statement: String, in session: String, limit: Duration
    ) async throws(SparkServerError) -> String {
        let handle = try Self.session(session)
        return try await calling { () async throws(HiveServer2Error) in
            try await client.execute(statement, in: handle, timeLimit: limit)
        }.text
    }

    /// How far an operation has come, with progress where the server knows it.
    public func status(
        of operation: String
    ) async throws(SparkServerError) -> SparkOperationStatus {
        let handle = try Self.operation(operation)
        let status = try await calling { () async throws(HiveServer2Error) in
            try await client.status(of: handle, wantsProgress: true)
        }
        return SparkOperationStatus(
            state: Self.state(status.state), sqlState: status.sqlState,
            message: status.errorMessage.map { Redaction.hiding(secrets, in: $0) },
            progress: status.progress.map { .init(fraction: $0.fraction) })
    }

    /// The result of a finished operation.
    public func rows(
        of operation: String, limit: Int
    ) async throws(SparkServerError) -> SparkRows {
        let handle = try Self.operation(operation)
        let result = try await calling { () async throws(HiveServer2Error) in
            try await client.rows(of: handle, limit: limit)
        }
        return SparkRows(
            columns: result.columns.map(\.name),
            rows: result.rows.map { $0.values.map(Self.value) })
    }

    /// Asks for the end of an operation.
    public func cancel(_ operation: String) async throws(SparkServerError) {
        let handle = try Self.operation(operation)
        try await calling { () async throws(HiveServer2Error) in try await client.cancel(handle) }
    }

    /// Frees an operation.
    public func close(operation: String) async throws(SparkServerError) {
        let handle = try Self.operation(operation)
        try await calling { () async throws(HiveServer2Error) in
            try await client.closeOperation(handle)
        }
    }

    /// Ends a session.
    public func close(session: String) async throws(SparkServerError) {
        let handle = try Self.session(session)
        try await calling { () async throws(HiveServer2Error) in
            try await client.closeSession(handle)
        }
    }

    /// The session's public name: the UUID by which Kyuubi also knows its application.
    public func name(ofSession session: String) -> String? { SessionHandle(text: session)?.name }

    // MARK: Translation

    private static func session(_ text: String) throws(SparkServerError) -> SessionHandle {
        guard let handle = SessionHandle(text: text) else {
            throw .handleLost(reason: "the session's handle cannot be read")
        }
        return handle
    }

    private static func operation(_ text: String) throws(SparkServerError) -> OperationHandle {
        guard let handle = OperationHandle(text: text) else {
            throw .handleLost(reason: "the operation's handle cannot be read")
        }
        return handle
    }

    private func calling<Value>(
        _ call: () async throws(HiveServer2Error) -> Value
    ) async throws(SparkServerError) -> Value {
        do throws(HiveServer2Error) { return try await call() } catch {
            throw SparkServerError(error).reworded { text in
                let safe = Redaction.hiding(secrets, in: text)
                return switch error {
                case .unreachable, .untrusted, .rejected, .httpStatus: "\(safe) (\(place))"
                case .misuse, .connectionLost, .stalled, .handleLost, .statement, .exception,
                    .malformed, .limitExceeded, .cancelled, .closed:
                    safe
                }
            }
        }
    }

    private static func state(_ state: OperationState) -> SparkOperationStatus.State {
        switch state {
        case .initialized, .pending: .pending
        case .running: .running
        case .finished: .finished
        case .canceled: .cancelled
        case .closed: .closed
        case .error: .failed
        case .timedOut: .timedOut
        case .unknown, .unrecognized: .unknown
        }
    }

    private static func value(_ value: Value) -> SparkValue {
        switch value {
        case .null: .null
        case .integer(let number): .integer(number)
        case .string(let text): .text(text)
        case .boolean, .double, .binary: .other
        }
    }
}

extension HiveServer2Error {
    /// The error with a server's own words without what looks like a secret.
    fileprivate var redacted: HiveServer2Error {
        switch self {
        case .rejected(let reason): .rejected(reason: Redaction.redacting(reason))
        case .exception(let call, let kind, let message):
            .exception(call: call, kind: kind, message: Redaction.redacting(message))
        case .misuse, .unreachable, .untrusted, .connectionLost, .stalled, .handleLost, .statement,
            .httpStatus, .malformed, .limitExceeded, .cancelled, .closed:
            self
        }
    }
}

extension SparkServerError {
    /// What an error of HiveServer2 asks for.
    init(_ error: HiveServer2Error) {
        let reason = "\(error.redacted)"
        switch error {
        case .statement(let sqlState, let message):
            self = .statement(sqlState: sqlState, message: message)
        case .handleLost:
            self = .handleLost(reason: reason)
        case .misuse, .untrusted, .rejected, .closed:
            self = .rejected(reason: reason)
        case .exception, .malformed:
            self = .malformed(reason: reason)
        case .limitExceeded:
            self = .tooLarge(reason: reason)
        case .unreachable, .connectionLost, .stalled, .cancelled, .httpStatus:
            switch error.remedy {
            case .retry: self = .retry(reason: reason)
            case .reattach: self = .reattach(reason: reason)
            case .fail:
                if case .httpStatus = error {
                    self = .rejected(reason: reason)
                } else {
                    // The session went with its connection.
                    self = .handleLost(reason: reason)
                }
            }
        }
    }
}
