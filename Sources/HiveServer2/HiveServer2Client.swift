// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A client of one HiveServer2: Kyuubi, the Spark Thrift Server or HiveServer2 itself.
///
/// Statements run asynchronously at the server; the client asks how they are doing. A cancelled
/// task leaves its call at once and the client as it was. Over binary a session belongs to its
/// connection, and to this client; over HTTP handles may be kept, and used by another process
/// after a restart.
///
/// Call ``shutdown()`` when done: over binary that ends the sessions.
public final class HiveServer2Client: Sendable {
    /// Where the server is.
    public let configuration: HiveServer2Configuration

    private enum Transport: Sendable {
        case binary(BinaryTransport)
        case http(HTTPTransport)
    }

    private let transport: Transport
    private let sequence = Atomic<Int32>(0)

    /// Connects to nothing yet.
    ///
    /// - Throws: ``HiveServer2Error/misuse(reason:)`` for a configuration that cannot work.
    public convenience init(
        _ configuration: HiveServer2Configuration
    ) throws(HiveServer2Error) {
        try configuration.check()
        try self.init(checked: configuration)
    }

    /// For a configuration that was checked, or whose limits are a test's.
    init(checked configuration: HiveServer2Configuration) throws(HiveServer2Error) {
        self.configuration = configuration
        switch configuration.transport {
        case .binary: transport = .binary(try BinaryTransport(configuration))
        case .http(let path): transport = .http(try HTTPTransport(configuration, path: path))
        }
    }

    deinit { if case .binary(let binary) = transport { binary.shutDown() } }

    /// Closes all connections, which over binary ends the sessions; calls under way throw
    /// ``HiveServer2Error/closed``.
    public func shutdown() async {
        switch transport {
        case .binary(let binary): binary.shutDown()
        case .http(let http): await http.shutDown()
        }
    }

    // MARK: Sessions

    /// Opens a session with settings by their full keys, such as `set:hiveconf:spark.sql.…`,
    /// `use:database` or `kyuubi.…`.
    ///
    /// When the calling task is cancelled meanwhile, a session that opens after all is closed.
    public func openSession(
        settings: [String: String] = [:]
    ) async throws(HiveServer2Error) -> SessionHandle {
        let size = settings.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        guard size <= configuration.limits.statementBytes else {
            throw .misuse(
                reason: "settings of more than \(configuration.limits.statementBytes) bytes")
        }
        let request = Request.openSession(user: configuration.user, settings: settings)
        let opened = OneShot<Result<SessionHandle, HiveServer2Error>>()
        // Unstructured, since the server opens the session whether or not somebody still waits,
        // and may start a whole engine for it. It ends within the limits for connecting and
        // replying.
        Task {
            let result: Result<SessionHandle, HiveServer2Error>
            do throws(HiveServer2Error) {
                result = .success(try await open(request))
            } catch {
                result = .failure(error)
            }
            guard !opened.fulfil(result), case .success(let session) = result else { return }
            // Nobody is left to be told when this fails: then the server's own idle limit ends it.
            try? await closeSession(session)
        }
        return try await opened.value(whenCancelled: .failure(.cancelled)).get()
    }

    private func open(_ request: Request) async throws(HiveServer2Error) -> SessionHandle {
        switch transport {
        case .binary(let binary):
            return try await binary.openSession(request, sequence: nextSequence())
        case .http(let http):
            let reply: OpenSessionReply = try await http.call(
                request, sequence: nextSequence(), fate: .notOpened)
            return try reading(request) { () throws(ThriftError) in try reply.session() }
        }
    }

    /// Closes a session and with it, at the server, what runs in it.
    ///
    /// Over binary its connection is closed in any case, even when this throws.
    public func closeSession(_ session: SessionHandle) async throws(HiveServer2Error) {
        defer { if case .binary(let binary) = transport { binary.forget(session) } }
        let _: PlainReply = try await call(.closeSession(session), in: session)
    }

    // MARK: Operations

    /// Begins a statement; how it goes is told by ``status(of:wantsProgress:)``, even of one that
    /// cannot be parsed.
    ///
    /// The server ends it after the time limit, which is rounded up to seconds.
    public func execute(
        _ statement: String, in session: SessionHandle, timeLimit: Duration? = nil
    ) async throws(HiveServer2Error) -> OperationHandle {
        let limit = configuration.limits.statementBytes
        guard statement.utf8.count <= limit else {
            throw .misuse(reason: "a statement of more than \(limit) bytes")
        }
        if let timeLimit, timeLimit <= .zero {
            throw .misuse(reason: "a time limit must be above zero")
        }
        let request = Request.executeStatement(
            session, statement: statement, timeLimitSeconds: timeLimit?.secondsRoundedUp)
        let reply: ExecuteStatementReply = try await call(request, in: session)
        let operation = try reading(request) { () throws(ThriftError) in try reply.operation() }
        if case .binary(let binary) = transport { binary.remember(operation, in: session) }
        return operation
    }

    /// Asks how an operation is doing; the server itself may wait for some seconds for an end.
    public func status(
        of operation: OperationHandle, wantsProgress: Bool = false
    ) async throws(HiveServer2Error) -> OperationStatus {
        let request = Request.operationStatus(operation, wantsProgress: wantsProgress)
        let reply: OperationStatusReply = try await call(request, in: session(of: operation))
        return try reading(request) { () throws(ThriftError) in try reply.operationStatus() }
    }

    /// Asks the server to stop an operation, whatever other call is waiting for it.
    ///
    /// The operation is then said to be cancelled; work that a procedure started may go on.
    public func cancel(_ operation: OperationHandle) async throws(HiveServer2Error) {
        let _: PlainReply = try await call(.cancelOperation(operation), in: session(of: operation))
    }

    /// Lets the server forget an operation and its result.
    public func closeOperation(_ operation: OperationHandle) async throws(HiveServer2Error) {
        let _: PlainReply = try await call(.closeOperation(operation), in: session(of: operation))
        if case .binary(let binary) = transport { binary.forget(operation) }
    }

    // MARK: Results

    /// The columns of an operation's result; none when it has no result.
    public func columns(
        of operation: OperationHandle
    ) async throws(HiveServer2Error) -> [Column] {
        let request = Request.resultSetMetadata(operation)
        do throws(HiveServer2Error) {
            let reply: MetadataReply = try await call(request, in: session(of: operation))
            return try reading(request) { () throws(ThriftError) in try reply.columns() }
        } catch {
            // Some servers fail the question when there is nothing to describe.
            if !operation.hasResultSet, case .statement = error { return [] }
            throw error
        }
    }

    /// All rows of a finished operation, from the first, fetched a page at a time.
    ///
    /// - Throws: ``HiveServer2Error/limitExceeded(_:maximum:)`` when there are more rows than the
    ///   limit (the configuration's by default) or than `resultBytes` allows.
    public func rows(
        of operation: OperationHandle, pageSize: Int = 1000, limit: Int? = nil
    ) async throws(HiveServer2Error) -> ResultSet {
        let maximum = limit ?? configuration.limits.resultRows
        guard (1...configuration.limits.elements).contains(pageSize), maximum >= 0 else {
            throw .misuse(
                reason: "a page has 1 to \(configuration.limits.elements) rows, a limit 0 or more")
        }
        let columns = try await columns(of: operation)
        guard !columns.isEmpty else { return ResultSet(columns: []) }
        var pages: [[ColumnValues]] = []
        var rowCount = 0
        var byteCount = 0
        while true {
            // From the first row: an earlier reader may have left in the middle.
            let orientation: Request.Fetch.Orientation = pages.isEmpty ? .first : .next
            let (page, size) = try await fetch(operation, orientation, .rows, pageSize)
            let count = page.first?.count ?? 0
            guard count > 0 else { return ResultSet(columns: columns, pages: pages) }
            guard page.count == columns.count else {
                throw .malformed(
                    call: "FetchResults",
                    reason: "\(page.count) columns where \(columns.count) were announced")
            }
            rowCount += count
            byteCount += size
            guard rowCount <= maximum else { throw .limitExceeded(.resultRows, maximum: maximum) }
            let maximumBytes = configuration.limits.resultBytes
            guard byteCount <= maximumBytes else {
                throw .limitExceeded(.resultBytes, maximum: maximumBytes)
            }
            pages.append(page)
        }
    }

    /// The lines that a server has logged for an operation since the last call; many have none.
    public func logLines(
        of operation: OperationHandle, maximum: Int = 1000
    ) async throws(HiveServer2Error) -> [String] {
        guard (1...configuration.limits.elements).contains(maximum) else {
            throw .misuse(
                reason: "log lines are asked for 1 to \(configuration.limits.elements) at a time")
        }
        let (page, _) = try await fetch(operation, .next, .log, maximum)
        guard let column = page.first else { return [] }
        return (0..<column.count).compactMap {
            if case .string(let line) = column[$0] { line } else { nil }
        }
    }

    private func fetch(
        _ operation: OperationHandle, _ orientation: Request.Fetch.Orientation,
        _ content: Request.Fetch.Content, _ maximum: Int
    ) async throws(HiveServer2Error) -> (page: [ColumnValues], bytes: Int) {
        let fetch = Request.Fetch(
            orientation: orientation, content: content, maximumRows: maximum)
        let request = Request.fetchResults(operation, fetch)
        let reply: FetchReply = try await call(request, in: session(of: operation))
        let page = try reading(request) { () throws(ThriftError) in try reply.page() }
        return (page, page.reduce(0) { $0 + $1.wireBytes })
    }

    // MARK: Calls

    private func call<Success: Reply>(
        _ request: Request, in session: SessionHandle?
    ) async throws(HiveServer2Error) -> Success {
        switch transport {
        case .binary(let binary):
            try await binary.call(request, in: session, sequence: nextSequence())
        case .http(let http):
            try await http.call(request, sequence: nextSequence(), fate: .kept)
        }
    }

    private func session(of operation: OperationHandle) -> SessionHandle? {
        switch transport {
        case .binary(let binary): binary.session(of: operation)
        case .http: nil
        }
    }

    private func nextSequence() -> Int32 {
        sequence.wrappingAdd(1, ordering: .relaxed).newValue
    }

    private func reading<Value>(
        _ request: Request, _ body: () throws(ThriftError) -> Value
    ) throws(HiveServer2Error) -> Value {
        do throws(ThriftError) {
            return try body()
        } catch {
            throw HiveServer2Error(error, in: request.method, limits: configuration.limits)
        }
    }
}

extension Duration {
    /// Whole seconds, at least the duration.
    fileprivate var secondsRoundedUp: Int64 {
        let (seconds, attoseconds) = components
        return attoseconds > 0 && seconds < .max ? seconds + 1 : seconds
    }
}
