// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// The part of the store that remembers what tables looked like.
///
/// Of each table it has one record for every metadata file that was looked at, the newest of which
/// is what "cached" means.
public protocol TableObservations: Sendable {
    /// Keeps what a look found, and forgets the failure before it.
    ///
    /// A look at the same metadata file replaces the one before. Safe to repeat.
    func record(_ observation: TableObservation) async throws(JobStoreError)

    /// Moves the time of the last look on, if that was at this metadata file and no failure came
    /// after it; otherwise changes nothing and returns false. Safe to repeat.
    func confirmObservation(
        of table: TableName, metadataLocation: String, at time: Timestamp
    ) async throws(JobStoreError) -> Bool

    /// Keeps why a look failed beside the last good one; where there is none, beside what is known
    /// without one, if that is given.
    func recordFailure(
        of table: TableName, reason: String, without known: TableObservation?
    ) async throws(JobStoreError)

    /// Since when the name is that of the table with this UUID; nil for as long as anybody knows.
    ///
    /// A UUID that is new under a name is its table's from now on. Safe to repeat.
    func firstSeen(
        _ table: TableName, uuid: String
    ) async throws(JobStoreError) -> Timestamp?

    /// The last good look at a table, or nil.
    func observation(of table: TableName) async throws(JobStoreError) -> RecordedObservation?

    /// When each table was looked at last; tables that never were are missing.
    func observationTimes() async throws(JobStoreError) -> [TableName: Timestamp]

    /// Assessments of health, the newest first; of one table if given. At most
    /// ``RecordedHealth/maximumPage``.
    func healthHistory(
        of table: TableName?, limit: Int
    ) async throws(JobStoreError) -> [RecordedHealth]
}

/// What one look at a table found.
public struct TableObservation: Hashable, Sendable {
    /// The table.
    public let table: TableName
    /// The metadata file that was read; empty where none could be.
    public let metadataLocation: String
    /// When the look began.
    public let collectedAt: Timestamp
    /// The REST contract's status document.
    public let status: JSONValue
    /// The REST contract's health document.
    public let health: JSONValue

    /// Takes every field.
    public init(
        table: TableName, metadataLocation: String, collectedAt: Timestamp, status: JSONValue,
        health: JSONValue
    ) {
        self.table = table
        self.metadataLocation = metadataLocation
        self.collectedAt = collectedAt
        self.status = status
        self.health = health
    }
}

/// The last good look at a table, and what went wrong since.
public struct RecordedObservation: Hashable, Sendable {
    /// What was found; its time is that of the last confirmation.
    public let observation: TableObservation
    /// How long ago that was, by the store's clock.
    public let age: Duration
    /// Why the look after it failed; nil if none did.
    public let lastError: String?

    /// Takes every field.
    public init(observation: TableObservation, age: Duration, lastError: String?) {
        self.observation = observation
        self.age = age
        self.lastError = lastError
    }
}

/// One assessment of a table's health.
public struct RecordedHealth: Hashable, Sendable {
    /// The most assessments that one read returns.
    public static let maximumPage = 500

    /// The table.
    public let table: TableName
    /// When the table was last seen so.
    public let collectedAt: Timestamp
    /// The REST contract's health document.
    public let health: JSONValue
    /// Why the look after it failed; nil if none did.
    public let lastError: String?

    /// Takes every field.
    public init(
        table: TableName, collectedAt: Timestamp, health: JSONValue, lastError: String?
    ) {
        self.table = table
        self.collectedAt = collectedAt
        self.health = health
        self.lastError = lastError
    }
}
