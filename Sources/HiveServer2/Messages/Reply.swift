// SPDX-License-Identifier: Apache-2.0

/// What a server answers a call with: `0: success` of the method's result.
protocol Reply: ThriftStructure {
    /// Whether the call succeeded.
    var status: ReplyStatus? { get }
}

/// TStatus.
struct ReplyStatus: ThriftStructure {
    private var code: Int32?
    private var information: [String] = []
    private var sqlState: String?
    private var errorMessage: String?

    mutating func take(_ field: ThriftField, from reader: inout ThriftReader) throws(ThriftError) {
        switch field.id {
        case 1: code = try reader.int32(field)
        case 2:
            information = try reader.list(field, of: .string) { (reader) throws(ThriftError) in
                String(decoding: try reader.blob(), as: UTF8.self)
            }
        case 3: sqlState = try reader.message(field)
        case 5: errorMessage = try reader.message(field)
        default: try reader.skip(field)
        }
    }

    /// Throws what the server refused the call with.
    func check(_ call: String) throws(HiveServer2Error) {
        switch code {
        case 0, 1: return
        case 3, 4:
            // Servers answer an unknown handle with an error like any other: the text tells.
            let message = errorMessage ?? information.first ?? ""
            let line = HiveServer2Error.firstLine(of: message)
            if line.contains("Invalid OperationHandle") { throw .handleLost(.operation) }
            if line.contains("Invalid SessionHandle") { throw .handleLost(.session) }
            if call == "CloseSession", line.contains("Session does not exist") {
                throw .handleLost(.session)
            }
            if code == 4 { throw .handleLost(Self.handle(of: call)) }
            throw .statement(sqlState: sqlState, message: message)
        case .some(let other): throw .malformed(call: call, reason: "status code \(other)")
        case nil: throw .malformed(call: call, reason: "the status code is missing")
        }
    }

    /// Which handle a call names.
    private static func handle(of call: String) -> HiveServer2Error.HandleKind {
        call == "ExecuteStatement" || call == "CloseSession" ? .session : .operation
    }
}

/// Reads the whole message: envelope, result, status.
enum ReplyReader {
    /// The reply to a call, if it is one and says that the call succeeded.
    static func read<Success: Reply>(
        _ type: Success.Type = Success.self, from bytes: [UInt8], to request: Request,
        sequence: Int32, limits: HiveServer2Limits
    ) throws(HiveServer2Error) -> Success {
        let method = request.method
        let outcome: Outcome<Success>
        do throws(ThriftError) {
            outcome = try readMessage(bytes, method: method, sequence: sequence, limits: limits)
        } catch {
            throw HiveServer2Error(error, in: method, limits: limits)
        }
        switch outcome {
        case .exception(let exception):
            throw .exception(call: method, kind: exception.kind, message: exception.message)
        case .success(let success):
            guard let status = success.status else {
                throw .malformed(call: method, reason: "the status is missing")
            }
            try status.check(method)
            return success
        }
    }

    private enum Outcome<Success: Reply> {
        case success(Success)
        case exception(ApplicationException)
    }

    private static func readMessage<Success: Reply>(
        _ bytes: [UInt8], method: String, sequence: Int32, limits: HiveServer2Limits
    ) throws(ThriftError) -> Outcome<Success> {
        guard bytes.count <= limits.messageBytes else { throw .limitExceeded(.messageBytes) }
        var reader = ThriftReader(bytes, limits: limits)
        let outcome: Outcome<Success>
        switch try readHeader(&reader, method: method, sequence: sequence) {
        case .reply:
            let result: Result<Success> = try reader.structure()
            guard let value = result.success else { throw .missing("the result") }
            outcome = .success(value)
        case .exception:
            outcome = .exception(try reader.structure())
        case .call:
            throw .unexpectedMessage(type: ThriftMessageType.call.rawValue)
        }
        guard reader.isAtEnd else { throw .trailingBytes }
        return outcome
    }

    private static func readHeader(
        _ reader: inout ThriftReader, method: String, sequence: Int32
    ) throws(ThriftError) -> ThriftMessageType {
        let word = try reader.number(UInt32.self)
        guard word & 0xFFFF_0000 == ThriftWriter.version else { throw .notStrict(word) }
        let name = try reader.blob()
        let found = try reader.number(Int32.self)
        guard let type = ThriftMessageType(rawValue: UInt8(truncatingIfNeeded: word)) else {
            throw .unexpectedMessage(type: UInt8(truncatingIfNeeded: word))
        }
        guard found == sequence else { throw .wrongSequence(wanted: sequence, found: found) }
        guard name.elementsEqual(method.utf8) else { throw .wrongMethod }
        return type
    }

    private struct Result<Success: ThriftStructure>: ThriftStructure {
        var success: Success?

        mutating func take(
            _ field: ThriftField, from reader: inout ThriftReader
        ) throws(ThriftError) {
            switch field.id {
            case 0: success = try reader.structure(field)
            default: try reader.skip(field)
            }
        }
    }

    /// TApplicationException.
    private struct ApplicationException: ThriftStructure {
        var message = ""
        var kind: Int32 = 0

        mutating func take(
            _ field: ThriftField, from reader: inout ThriftReader
        ) throws(ThriftError) {
            switch field.id {
            case 1: message = try reader.message(field)
            case 2: kind = try reader.int32(field)
            default: try reader.skip(field)
            }
        }
    }
}
