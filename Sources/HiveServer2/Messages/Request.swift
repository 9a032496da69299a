// SPDX-License-Identifier: Apache-2.0

/// A call as it is sent (TCLIService, each with one argument `1: req`).
enum Request: Sendable {
    case openSession(user: String, settings: [String: String])
    case closeSession(SessionHandle)
    case executeStatement(SessionHandle, statement: String, timeLimitSeconds: Int64?)
    case operationStatus(OperationHandle, wantsProgress: Bool)
    case cancelOperation(OperationHandle)
    case closeOperation(OperationHandle)
    case resultSetMetadata(OperationHandle)
    case fetchResults(OperationHandle, Fetch)

    /// Which part of a result is fetched.
    struct Fetch: Hashable, Sendable {
        /// From where; the number is the protocol's.
        enum Orientation: Int32 {
            case next = 0
            case first = 4
        }

        /// Of what; the number is the protocol's.
        enum Content: Int16 {
            case rows = 0
            case log = 1
        }

        let orientation: Orientation
        let content: Content
        let maximumRows: Int
    }

    /// HIVE_CLI_SERVICE_PROTOCOL_V10.
    ///
    /// Every version since V6 sends results by column, which is the form that is read here; V10 is
    /// known to all servers of this century's second decade and asks for nothing newer.
    static let protocolVersion: Int32 = 9
    /// V6, the first with results by column.
    static let oldestProtocolVersion: Int32 = 5

    /// The method's name.
    var method: String {
        switch self {
        case .openSession: "OpenSession"
        case .closeSession: "CloseSession"
        case .executeStatement: "ExecuteStatement"
        case .operationStatus: "GetOperationStatus"
        case .cancelOperation: "CancelOperation"
        case .closeOperation: "CloseOperation"
        case .resultSetMetadata: "GetResultSetMetadata"
        case .fetchResults: "FetchResults"
        }
    }

    /// The message, strict and without a frame.
    func encoded(sequence: Int32) -> [UInt8] {
        var writer = ThriftWriter()
        writer.message(method, type: .call, sequence: sequence)
        writer.field(1, .structure)
        writeArgument(to: &writer)
        writer.stop()
        writer.stop()
        return writer.bytes
    }

    private func writeArgument(to writer: inout ThriftWriter) {
        switch self {
        case .openSession(let user, let settings):
            writer.field(1, .int32)
            writer.int32(Self.protocolVersion)
            writer.field(2, .string)
            writer.string(user)
            writer.field(4, .map)
            writer.map(settings)
        case .closeSession(let session):
            writer.session(session)
        case .executeStatement(let session, let statement, let timeLimitSeconds):
            writer.session(session)
            writer.field(2, .string)
            writer.string(statement)
            writer.field(4, .bool)
            // Always asynchronous: otherwise the reply comes with the end of the statement.
            writer.bool(true)
            if let timeLimitSeconds {
                writer.field(5, .int64)
                writer.int64(timeLimitSeconds)
            }
        case .operationStatus(let operation, let wantsProgress):
            writer.operation(operation)
            writer.field(2, .bool)
            writer.bool(wantsProgress)
        case .cancelOperation(let operation), .closeOperation(let operation),
            .resultSetMetadata(let operation):
            writer.operation(operation)
        case .fetchResults(let operation, let fetch):
            writer.operation(operation)
            writer.field(2, .int32)
            writer.int32(fetch.orientation.rawValue)
            writer.field(3, .int64)
            writer.int64(Int64(fetch.maximumRows))
            writer.field(4, .int16)
            writer.int16(fetch.content.rawValue)
        }
    }
}

extension ThriftWriter {
    /// Field 1 of a request: the session.
    fileprivate mutating func session(_ handle: SessionHandle) {
        field(1, .structure)
        identifier(handle.identifier)
        stop()
    }

    /// Field 1 of a request: the operation.
    fileprivate mutating func operation(_ handle: OperationHandle) {
        field(1, .structure)
        identifier(handle.identifier)
        field(2, .int32)
        int32(handle.type)
        field(3, .bool)
        bool(handle.hasResultSet)
        stop()
    }

    /// Field 1 of either handle.
    private mutating func identifier(_ identifier: HandleIdentifier) {
        field(1, .structure)
        field(1, .string)
        binary(identifier.guid)
        field(2, .string)
        binary(identifier.secret)
        stop()
    }
}
