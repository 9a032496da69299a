// SPDX-License-Identifier: Apache-2.0

extension Array where Element: Sendable {
    /// The elements as an asynchronous sequence.
    var async: AsyncStream<Element> {
        var rest = self[...]
        return AsyncStream { continuation in
            while let next = rest.popFirst() { continuation.yield(next) }
            continuation.finish()
        }
    }
}
