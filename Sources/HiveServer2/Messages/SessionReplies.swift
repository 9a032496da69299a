// SPDX-License-Identifier: Apache-2.0

/// The reply of calls that answer with a status only.
struct PlainReply: Reply {
    private(set) var status: ReplyStatus?

    mutating func take(_ field: ThriftField, from reader: inout ThriftReader) throws(ThriftError) {
        switch field.id {
        case 1: status = try reader.structure(field)
        default: try reader.skip(field)
        }
    }
}

/// TOpenSessionResp.
struct OpenSessionReply: Reply {
    private(set) var status: ReplyStatus?
    private var version: Int32?
    private var handle: HandleReader?

    mutating func take(_ field: ThriftField, from reader: inout ThriftReader) throws(ThriftError) {
        switch field.id {
        case 1: status = try reader.structure(field)
        case 2: version = try reader.int32(field)
        case 3: handle = try reader.structure(field)
        default: try reader.skip(field)
        }
    }

    /// The session, if its protocol is one that is spoken here.
    func session() throws(ThriftError) -> SessionHandle {
        guard let version else { throw .missing("the protocol version") }
        guard version >= Request.oldestProtocolVersion else {
            throw .invalid("protocol version \(version): results by column came with 5")
        }
        guard let handle else { throw .missing("the session's handle") }
        return SessionHandle(try handle.identifier())
    }
}

/// TExecuteStatementResp.
struct ExecuteStatementReply: Reply {
    private(set) var status: ReplyStatus?
    private var handle: HandleReader?

    mutating func take(_ field: ThriftField, from reader: inout ThriftReader) throws(ThriftError) {
        switch field.id {
        case 1: status = try reader.structure(field)
        case 2: handle = try reader.structure(field)
        default: try reader.skip(field)
        }
    }

    /// The operation that was begun.
    func operation() throws(ThriftError) -> OperationHandle {
        guard let handle else { throw .missing("the operation's handle") }
        guard let type = handle.type else { throw .missing("the operation's type") }
        guard let hasResultSet = handle.hasResultSet else {
            throw .missing("whether there is a result")
        }
        return OperationHandle(try handle.identifier(), type: type, hasResultSet: hasResultSet)
    }
}

/// TSessionHandle and TOperationHandle, whose first field is the same.
private struct HandleReader: ThriftStructure {
    private var halves: Halves?
    private(set) var type: Int32?
    private(set) var hasResultSet: Bool?

    mutating func take(_ field: ThriftField, from reader: inout ThriftReader) throws(ThriftError) {
        switch field.id {
        case 1: halves = try reader.structure(field)
        case 2: type = try reader.int32(field)
        case 3: hasResultSet = try reader.bool(field)
        default: try reader.skip(field)
        }
    }

    func identifier() throws(ThriftError) -> HandleIdentifier {
        guard let halves else { throw .missing("the handle's identifier") }
        return try HandleIdentifier(guid: halves.guid, secret: halves.secret)
    }

    /// THandleIdentifier.
    private struct Halves: ThriftStructure {
        var guid: [UInt8] = []
        var secret: [UInt8] = []

        mutating func take(
            _ field: ThriftField, from reader: inout ThriftReader
        ) throws(ThriftError) {
            switch field.id {
            case 1: guid = try reader.binary(field)
            case 2: secret = try reader.binary(field)
            default: try reader.skip(field)
            }
        }
    }
}
