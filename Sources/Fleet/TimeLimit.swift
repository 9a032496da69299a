// SPDX-License-Identifier: Apache-2.0

/// What a body comes to; `late` when it takes longer than the limit, and `cancelled` when the task
/// is cancelled before it is done.
func within<Value: Sendable, Failure: Error>(
    _ limit: Duration, late: Failure, cancelled: Failure,
    _ body: @escaping @Sendable () async throws(Failure) -> Value
) async -> Result<Value, Failure> {
    await withTaskGroup(of: Result<Value, Failure>?.self) { group in
        group.addTask {
            do throws(Failure) { return .success(try await body()) } catch {
                return .failure(error)
            }
        }
        group.addTask {
            // Ended early by the cancellation below: the body won.
            do { try await Task.sleep(for: limit) } catch { return nil }
            return .failure(late)
        }
        var outcome: Result<Value, Failure>?
        while outcome == nil, let next = await group.next() { outcome = next }
        group.cancelAll()
        return outcome ?? .failure(cancelled)
    }
}
