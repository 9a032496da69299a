// SPDX-License-Identifier: Apache-2.0

/// Runs a call and gives up on it after a time; nil then.
///
/// Real time, whatever clock the engine has: it bounds calls that hang, not what is waited for.
/// The call is cancelled, and must return when it is.
func limited<Value: Sendable>(
    to limit: Duration, _ call: @escaping @Sendable () async -> Value
) async -> Value? {
    await withTaskGroup(of: Value?.self) { group in
        group.addTask { await call() }
        group.addTask {
            // Throws when the call was faster.
            try? await ContinuousClock().sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        return await group.next() ?? nil
    }
}
