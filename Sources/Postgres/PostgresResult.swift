// SPDX-License-Identifier: Apache-2.0

internal import CPQ

/// The rows that a statement returned, or how many it changed.
public struct PostgresResult: RandomAccessCollection, Sendable {
    private let storage: ResultStorage

    /// How many rows were returned.
    public let endIndex: Int
    /// 0.
    public var startIndex: Int { 0 }
    /// How many rows the statement changed or returned.
    public var affectedRows: Int { storage.affectedRows }
    /// The server's word for what was done, such as `COMMIT`.
    var commandTag: String { storage.commandTag }

    init(_ storage: ResultStorage) {
        self.storage = storage
        endIndex = storage.rowCount
    }

    /// One row.
    public subscript(position: Int) -> PostgresRow {
        precondition(indices.contains(position), "a row's number lies within the result")
        return PostgresRow(storage: storage, index: position)
    }
}

/// One row.
///
/// Columns are counted from 0.
public struct PostgresRow: Sendable {
    private let storage: ResultStorage
    private let index: Int

    init(storage: ResultStorage, index: Int) {
        self.storage = storage
        self.index = index
    }

    /// How many columns there are.
    public var columnCount: Int { storage.columnCount }

    /// The value of a column that is never `NULL`.
    ///
    /// - Throws: ``PostgresError/decoding(reason:)`` if it is `NULL` or not of the type.
    public func decode<Value: PostgresDecodable>(
        _ column: Int, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard let value = try decodeIfPresent(column, as: type) else {
            throw .decoding(reason: "column \(column) is NULL")
        }
        return value
    }

    /// The value of a column, or nil for `NULL`.
    ///
    /// - Throws: ``PostgresError/decoding(reason:)`` if it is not of the type.
    public func decodeIfPresent<Value: PostgresDecodable>(
        _ column: Int, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value? {
        guard column >= 0, column < storage.columnCount else {
            throw .decoding(reason: "no column \(column)")
        }
        guard let text = storage.text(row: index, column: column) else { return nil }
        guard let value = Value(postgresText: text) else {
            throw .decoding(reason: "column \(column) is no \(Value.self)")
        }
        return value
    }
}

/// Owns a libpq result.
///
/// `@unchecked Sendable`: a `PGresult` never changes once libpq has returned it (libpq manual,
/// "Behavior in Threaded Programs"), and only `deinit`, which no reader can outlive, frees it.
final class ResultStorage: @unchecked Sendable {
    private let raw: OpaquePointer
    let rowCount: Int
    let columnCount: Int

    /// Takes ownership.
    init(_ raw: OpaquePointer) {
        self.raw = raw
        rowCount = Int(PQntuples(raw))
        columnCount = Int(PQnfields(raw))
    }

    deinit { PQclear(raw) }

    var affectedRows: Int {
        guard let text = PQcmdTuples(raw) else { return 0 }
        return Int(String(cString: text)) ?? 0
    }

    var commandTag: String { PQcmdStatus(raw).map { String(cString: $0) } ?? "" }

    /// The bytes of a value, valid as long as this object; nil for `NULL`.
    func text(row: Int, column: Int) -> UnsafeBufferPointer<UInt8>? {
        guard PQgetisnull(raw, Int32(row), Int32(column)) == 0 else { return nil }
        let count = Int(PQgetlength(raw, Int32(row), Int32(column)))
        guard let start = PQgetvalue(raw, Int32(row), Int32(column)) else { return nil }
        return UnsafeBufferPointer(
            start: UnsafeRawPointer(start).assumingMemoryBound(to: UInt8.self), count: count)
    }
}
