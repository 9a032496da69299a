// SPDX-License-Identifier: Apache-2.0

import Jobs
import Synchronization

/// The tables of the newest listing whose metadata could not be read.
///
/// Remembered for a while: asked for every table's recommendation, the store would look through the
/// whole listing each time.
final class UnreadableTables<Cache: TableCache>: Sendable {
    private let cache: Cache
    private let known = Mutex<(tables: [TableName], until: ContinuousClock.Instant)?>(nil)

    /// How long an answer is remembered.
    static var validity: Duration { .seconds(30) }

    init(_ cache: Cache) { self.cache = cache }

    /// The tables now, or a little while ago.
    func tables() async throws(JobStoreError) -> [TableName] {
        let remembered = known.withLock { known in
            known.flatMap { $0.until > .now ? $0.tables : nil }
        }
        if let remembered { return remembered }
        let tables = try await cache.unreadableTables()
        known.withLock { $0 = (tables, .now.advanced(by: Self.validity)) }
        return tables
    }
}
