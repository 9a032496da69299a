// SPDX-License-Identifier: Apache-2.0

/// What a test waited for did not happen in time.
public struct DeadlineExceeded: Error, CustomStringConvertible {
    /// What it was.
    public let description: String
}

/// Runs the body and gives up, throwing ``DeadlineExceeded``, when it takes longer than the limit.
///
/// The limit only bounds a failing test: a passing one ends as soon as what it waits for happens.
public func withDeadline<Value: Sendable>(
    _ what: String, limit: Duration = .seconds(30),
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await body() }
        group.addTask {
            // The limit itself; nothing that passes waits for it.
            try await ContinuousClock().sleep(for: limit)
            throw DeadlineExceeded(description: what)
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else {
            throw DeadlineExceeded(description: what)
        }
        return value
    }
}

/// Two milliseconds of real time, for tests whose own clock stands still meanwhile.
public func moment() async {
    // Throws only when cancelled, and then there is nothing to wait for.
    try? await ContinuousClock().sleep(for: .milliseconds(2))
}

/// Looks every few milliseconds until the condition holds; throws ``DeadlineExceeded`` if it does
/// not within the limit.
public func eventually(
    _ what: String, limit: Duration = .seconds(30),
    _ condition: @escaping @Sendable () async throws -> Bool
) async throws {
    try await withDeadline(what, limit: limit) {
        while try await !condition() {
            // Polls: what is waited for cannot tell.
            try await ContinuousClock().sleep(for: .milliseconds(5))
        }
    }
}
