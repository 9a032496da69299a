// SPDX-License-Identifier: Apache-2.0

internal import CPQ
internal import Dispatch

/// The two libpq calls that wait, on threads where waiting harms nobody.
///
/// Connecting resolves names, tries several hosts and speaks TLS; doing it with `PQconnectdbParams`
/// keeps all of libpq's behaviour, at the price of a thread for as long as it takes.
enum BlockingCalls {
    private static let queue = DispatchQueue(
        label: "icepack.postgres.blocking", attributes: .concurrent)

    /// Opens a connection and hands it over.
    static func connect(
        _ configuration: PostgresConfiguration,
        whenDone: @escaping @Sendable (Result<PostgresConnection, PostgresError>) -> Void
    ) {
        queue.async { whenDone(open(configuration)) }
    }

    /// Asks the server to give up what it is doing, then runs the action.
    static func cancel(_ handle: CancelHandle, whenDone: @escaping @Sendable () -> Void) {
        queue.async {
            handle.send()
            whenDone()
        }
    }

    private static func open(
        _ configuration: PostgresConfiguration
    ) -> Result<PostgresConnection, PostgresError> {
        let parameters = Array(configuration.connectionParameters)
        let raw = withCStrings(parameters.map(\.key)) { keys in
            withCStrings(parameters.map(\.value)) { values in PQconnectdbParams(keys, values, 0) }
        }
        guard let raw else { return .failure(.unavailable(reason: "out of memory")) }
        guard PQstatus(raw) == CONNECTION_OK else {
            defer { PQfinish(raw) }
            return .failure(.unavailable(reason: lastMessage(of: raw)))
        }
        return Result { () throws(PostgresError) in
            try PostgresConnection(adopting: raw, configuration: configuration)
        }
    }

    /// Lends the texts as a NULL-terminated array of C strings.
    private static func withCStrings<Value>(
        _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Value
    ) -> Value {
        var bytes: [CChar] = []
        let offsets = texts.map { text in
            defer { bytes.append(contentsOf: text.utf8CString) }
            return bytes.count
        }
        return bytes.withUnsafeBufferPointer { buffer in
            var pointers = offsets.map { offset in buffer.baseAddress.map { $0 + offset } }
            pointers.append(nil)
            return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
        }
    }

    /// Libpq's message in one line.
    ///
    /// It names host, database and user, never the password.
    static func lastMessage(of raw: OpaquePointer) -> String {
        guard let text = PQerrorMessage(raw) else { return "no message" }
        let lines = String(cString: text).split(whereSeparator: \.isNewline)
        return lines.isEmpty ? "connection lost" : lines.joined(separator: "; ")
    }
}

/// What a cancel request needs, independent of its connection's life.
///
/// `@unchecked Sendable`: a `PGcancel` is read-only, and libpq documents `PQcancel` as safe on
/// another thread than the connection's.
final class CancelHandle: @unchecked Sendable {
    private let raw: OpaquePointer

    /// Nil if libpq has no memory left.
    init?(connection: OpaquePointer) {
        guard let raw = PQgetCancel(connection) else { return nil }
        self.raw = raw
    }

    deinit { PQfreeCancel(raw) }

    /// Blocks until the server has passed the request on, or cannot be reached.
    ///
    /// Best effort: the statement's deadline stands behind it.
    func send() {
        var message = [CChar](repeating: 0, count: 256)
        _ = PQcancel(raw, &message, Int32(message.count))
    }
}
