// SPDX-License-Identifier: Apache-2.0

import IcebergSpec

/// What is the most of anything that a server may make us hold or do.
enum RESTLimits {
    /// Of the reply that holds a table: its metadata, and little beside it.
    static let tableReplyBytes = TableMetadata.maximumByteCount
    /// Of a page of a list.
    static let pageBytes = 64 << 20
    /// Of any other reply.
    static let replyBytes = 1 << 20
    /// Pages of one list.
    static let pages = 100_000
    /// Namespaces of a catalog.
    static let namespaces = 100_000
    /// Tables of a catalog.
    static let tables = 1_000_000
    /// Levels of a namespace.
    static let levels = 64
    /// Calls at once while tables are listed.
    static let listingWidth = 8
    /// Tries of a call that changes nothing.
    static let tries = 3
    /// The first pause between them, which then doubles.
    static let firstPause = Duration.milliseconds(200)
    /// The longest that a server's `Retry-After` is obeyed; for longer, the caller is told.
    static let longestRetryAfter = Duration.seconds(10)
    /// How often a commit with an idempotency key is sent again after its outcome got lost.
    static let resends = 3
    /// How long after the first try, unless the server forgets the key sooner.
    static let resendTime = Duration.seconds(60)
    /// The characters of a server's message that are passed on.
    static let messageCharacters = 500
}
