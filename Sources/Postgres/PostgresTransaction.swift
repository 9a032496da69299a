// SPDX-License-Identifier: Apache-2.0

/// An open transaction, for work that cannot be one statement.
///
/// One statement, or a ``PostgresPool/batch(_:)``, is a transaction by itself and costs one round
/// trip; this costs at least two.
public final class PostgresTransaction {
    private let connection: PostgresConnection
    private var hasBegun = false
    private var mustRollBack = false

    init(connection: PostgresConnection) { self.connection = connection }

    /// Runs one statement in the transaction.
    ///
    /// - Throws: never ``PostgresError/outcomeUnknown(reason:)``: nothing is committed yet.
    @discardableResult
    public func query(
        _ sql: String, _ parameters: [PostgresValue] = []
    ) async throws(PostgresError) -> PostgresResult {
        var statements = [PostgresStatement(sql, parameters, effect: .reads)]
        if !hasBegun { statements.insert(PostgresStatement("BEGIN", effect: .reads), at: 0) }
        // Even a failed exchange may have begun the transaction.
        hasBegun = true
        guard let result = try await connection.batch(statements).last else {
            throw .decoding(reason: "the server returned no result")
        }
        return result
    }

    /// Undoes everything when the body returns, although it returns a value.
    public func rollBackAtEnd() { mustRollBack = true }

    fileprivate func finish() async throws(PostgresError) {
        guard hasBegun else { return }
        guard !mustRollBack else { return await rollBack() }
        let result = try await connection.query(PostgresStatement("COMMIT"))
        guard result.commandTag == "COMMIT" else {
            throw .misuse(
                reason: "a statement of the transaction had failed, so nothing was committed")
        }
    }

    fileprivate func rollBack() async {
        guard hasBegun else { return }
        // If it fails the pool sees the open transaction and closes the connection, which rolls
        // back as well. In a cancelled task it is not even sent.
        _ = try? await connection.query(PostgresStatement("ROLLBACK", effect: .reads))
    }
}

extension PostgresPool {
    /// Runs the body in one transaction and commits it, or rolls back if the body throws.
    ///
    /// - Throws: the body's error; ``PostgresError/outcomeUnknown(reason:)`` only if the reply to
    ///   the commit was lost.
    public func withTransaction<Value>(
        _ body: (PostgresTransaction) async throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        try await withConnection { connection throws(PostgresError) in
            let transaction = PostgresTransaction(connection: connection)
            let value: Value
            do throws(PostgresError) {
                value = try await body(transaction)
            } catch {
                await transaction.rollBack()
                throw error
            }
            try await transaction.finish()
            return value
        }
    }
}
