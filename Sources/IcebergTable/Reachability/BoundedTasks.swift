// SPDX-License-Identifier: Apache-2.0

/// Runs work on many items, a bounded number at once.
package enum BoundedTasks {
    /// Runs `body` on every item and stops at the first failure, which it throws.
    ///
    /// Items are taken as places come free, so memory does not grow with their number. What a body
    /// returns goes to `finished` on the caller's side, one at a time, in the order of finishing.
    /// A cancelled task throws `cancelled` before its next item.
    package static func forEach<Items: Sequence, Output: Sendable, Failure: Error>(
        _ items: Items, width: Int, cancelled: Failure, finished: (Output) -> Void,
        _ body: @escaping @Sendable (Items.Element) async throws(Failure) -> Output
    ) async throws(Failure) where Items.Element: Sendable {
        let failure: Failure? = await withTaskGroup(of: Result<Output, Failure>.self) { group in
            var iterator = items.makeIterator()
            var started = 0
            while started < width, let item = iterator.next() {
                group.addTask { await Self.run(item, cancelled: cancelled, body) }
                started += 1
            }
            while let result = await group.next() {
                switch result {
                case .failure(let failure):
                    group.cancelAll()
                    return failure
                case .success(let output):
                    finished(output)
                    if let item = iterator.next() {
                        group.addTask { await Self.run(item, cancelled: cancelled, body) }
                    }
                }
            }
            return nil
        }
        if let failure { throw failure }
    }

    private static func run<Item: Sendable, Output: Sendable, Failure: Error>(
        _ item: Item, cancelled: Failure,
        _ body: @Sendable (Item) async throws(Failure) -> Output
    ) async -> Result<Output, Failure> {
        if Task.isCancelled { return .failure(cancelled) }
        do throws(Failure) { return .success(try await body(item)) } catch {
            return .failure(error)
        }
    }
}
