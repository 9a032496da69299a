// SPDX-License-Identifier: Apache-2.0

import Postgres
import TestSupport

/// How a test's pool differs from the usual one.
struct PoolOptions {
    var maximumConnections = 4
    var acquireTimeout: Duration = .seconds(30)
    var statementTimeout: Duration = .seconds(30)
    var replyGrace: Duration = .seconds(5)
}

/// A fresh database and a pool on it, closed when the body is done.
func withPool<Value>(
    _ options: PoolOptions = PoolOptions(), _ body: (PostgresPool) async throws -> Value
) async throws -> Value {
    let url = try await PostgresCluster.shared().createDatabase()
    return try await withPool(url: url, options, body)
}

/// A pool on a database, closed when the body is done.
func withPool<Value>(
    url: String, _ options: PoolOptions = PoolOptions(),
    _ body: (PostgresPool) async throws -> Value
) async throws -> Value {
    var configuration = try PostgresConfiguration(url: url)
    configuration.statementTimeout = options.statementTimeout
    configuration.replyGrace = options.replyGrace
    var limits = PostgresPool.Limits(maximumConnections: options.maximumConnections)
    limits.acquireTimeout = options.acquireTimeout
    let pool = PostgresPool(configuration, limits: limits)
    do {
        let value = try await body(pool)
        await pool.shutdown()
        return value
    } catch {
        await pool.shutdown()
        throw error
    }
}

/// Whether the condition comes to hold before the deadline.
func eventually(_ condition: @escaping @Sendable () async throws -> Bool) async throws -> Bool {
    do {
        try await eventually("the condition", condition)
        return true
    } catch is DeadlineExceeded {
        return false
    }
}

/// The error that the body throws, or nil.
func failure<Value>(
    of body: () async throws(PostgresError) -> Value
) async -> PostgresError? {
    do throws(PostgresError) {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}
