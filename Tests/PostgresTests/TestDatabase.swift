// SPDX-License-Identifier: Apache-2.0

import Postgres
import TestSupport

/// A fresh database and a pool on it, closed when the body is done.
func withPool<Value>(
    maximumConnections: Int = 4, adjust: (inout PostgresConfiguration) -> Void = { _ in },
    limits adjustLimits: (inout PostgresPool.Limits) -> Void = { _ in },
    _ body: (PostgresPool) async throws -> Value
) async throws -> Value {
    let url = try await PostgresCluster.shared().createDatabase()
    return try await withPool(
        url: url, maximumConnections: maximumConnections, adjust: adjust, limits: adjustLimits, body
    )
}

/// A pool on a database, closed when the body is done.
func withPool<Value>(
    url: String, maximumConnections: Int = 4,
    adjust: (inout PostgresConfiguration) -> Void = { _ in },
    limits adjustLimits: (inout PostgresPool.Limits) -> Void = { _ in },
    _ body: (PostgresPool) async throws -> Value
) async throws -> Value {
    var configuration = try PostgresConfiguration(url: url)
    adjust(&configuration)
    var limits = PostgresPool.Limits(maximumConnections: maximumConnections)
    limits.acquireTimeout = .seconds(30)
    adjustLimits(&limits)
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

/// Waits until the condition holds, looking every few milliseconds, at most ten seconds.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return false
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
