// SPDX-License-Identifier: Apache-2.0

/// TGetOperationStatusResp.
struct OperationStatusReply: Reply {
    private(set) var status: ReplyStatus?
    private var state: Int32?
    private var sqlState: String?
    private var errorCode: Int32?
    private var errorMessage: String?
    private var hasResultSet: Bool?
    private var started: Int64?
    private var completed: Int64?
    private var progress: ProgressReader?

    mutating func take(_ field: ThriftField, from reader: inout ThriftReader) throws(ThriftError) {
        switch field.id {
        case 1: status = try reader.structure(field)
        case 2: state = try reader.int32(field)
        case 3: sqlState = try reader.message(field)
        case 4: errorCode = try reader.int32(field)
        case 5: errorMessage = try reader.message(field)
        case 7: started = try reader.int64(field)
        case 8: completed = try reader.int64(field)
        case 9: hasResultSet = try reader.bool(field)
        case 10: progress = try reader.structure(field)
        default: try reader.skip(field)
        }
    }

    func operationStatus() throws(ThriftError) -> OperationStatus {
        guard let state else { throw .missing("the operation's state") }
        return OperationStatus(
            state: OperationState(wire: state), sqlState: sqlState, errorCode: errorCode,
            errorMessage: errorMessage, hasResultSet: hasResultSet,
            startedMilliseconds: started, completedMilliseconds: completed,
            progress: progress?.progress)
    }
}

/// TProgressUpdateResp.
private struct ProgressReader: ThriftStructure {
    private var headers: [String] = []
    private var rows: [[String]] = []
    private var fraction: Double?
    private var footer = ""

    mutating func take(_ field: ThriftField, from reader: inout ThriftReader) throws(ThriftError) {
        switch field.id {
        case 1: headers = try reader.strings(field)
        case 2:
            rows = try reader.list(field, of: .list) { (reader) throws(ThriftError) in
                try reader.list(of: .string) { (reader) throws(ThriftError) in
                    try reader.string()
                }
            }
        case 3: fraction = try reader.double(field)
        case 5: footer = try reader.message(field)
        default: try reader.skip(field)
        }
    }

    /// Nothing when the server sent a form without content, or a number that is none.
    var progress: OperationProgress? {
        guard let fraction, fraction.isFinite else { return nil }
        return OperationProgress(headers: headers, rows: rows, fraction: fraction, footer: footer)
    }
}
