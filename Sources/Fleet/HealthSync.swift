// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
public import Jobs
public import Logging
public import ObjectStorage
public import WireFormat

/// Looks at the tables of the fleet, those first that nobody has looked at for longest, and keeps
/// what it sees.
///
/// One cycle at a time over all processes. A table that cannot be looked at keeps its last good
/// look, with the reason, and stops none of the others. It never changes a table.
public struct HealthSync<
    Tables: Catalog, Storage: ObjectStorage, Store: TableCache & TableObservations
>: Sendable {
    private let observer: TableObserver<Tables, Storage, Store>
    private let store: Store
    private let settings: HealthSyncSettings
    private let logger: Logger
    private let now: @Sendable () -> Timestamp

    /// Looks with an observer at the tables that the store's listing has.
    public init(
        observer: TableObserver<Tables, Storage, Store>, store: Store,
        settings: HealthSyncSettings, logger: Logger, now: @escaping @Sendable () -> Timestamp
    ) {
        self.observer = observer
        self.store = store
        self.settings = settings
        self.logger = logger
        self.now = now
    }

    /// Runs one cycle, over tables that were not looked at for at least `age`; nil when another
    /// process is at it.
    public func cycle(
        unlessYounger age: Duration = .zero
    ) async throws(HealthSyncError) -> HealthSyncReport? {
        do {
            return try await store.withLock(.healthSync) { () async throws in
                guard try await store.tableCacheState().lastSynced != nil else {
                    throw HealthSyncError.noListing
                }
                let due = try await dueTables(unlessYounger: age)
                let report = await look(at: due)
                try Task.checkCancellation()
                return report
            }
        } catch let error as HealthSyncError {
            throw error
        } catch let error as JobStoreError {
            throw .store(error)
        } catch {
            throw error is CancellationError
                ? .cancelled : .store(.unavailable(reason: "the lock of the cycle failed"))
        }
    }

    /// The tables to look at, those first that were looked at longest ago, or never.
    private func dueTables(
        unlessYounger age: Duration
    ) async throws(JobStoreError) -> [TableName] {
        let times = try await store.observationTimes()
        let latest = now()
        return try await store.cachedTables(database: nil).map(\.name)
            .filter { name in
                guard settings.databases?.contains(name.database) ?? true else { return false }
                guard let time = times[name] else { return true }
                return latest.since(time) >= age
            }
            .map { (name: $0, time: times[$0]?.microseconds ?? .min) }
            .sorted { ($0.time, $0.name.description) < ($1.time, $1.name.description) }
            .map(\.name)
    }

    private func look(at tables: [TableName]) async -> HealthSyncReport {
        await withTaskGroup(of: (TableName, Result<Bool, InspectionError>).self) { group in
            var report = HealthSyncReport()
            for (index, table) in tables.enumerated() {
                if index >= settings.concurrency, let (name, result) = await group.next() {
                    report.count(name, result)
                }
                guard !Task.isCancelled else { break }
                group.addTask { (table, await look(at: table)) }
            }
            for await (name, result) in group { report.count(name, result) }
            for (name, reason) in report.failed {
                logger.warning(
                    "table not looked at",
                    metadata: ["table.name": "\(name)", "reason": "\(reason)"])
            }
            return report
        }
    }

    /// Looks at one table within the time limit.
    private func look(at table: TableName) async -> Result<Bool, InspectionError> {
        let late = InspectionError.unavailable(
            reason: "looking at it took longer than \(settings.limit)")
        let result = await within(settings.limit, late: late, cancelled: .cancelled) {
            () async throws(InspectionError) in
            try await observer.refresh(table, now: now())
        }
        // The look itself was only told to end.
        if case .failure(late) = result { await observer.remember(late, of: table, now: now()) }
        return result
    }
}

/// What a cycle looks at, and how hard.
public struct HealthSyncSettings: Hashable, Sendable {
    /// The databases to look at; nil for all.
    public var databases: Set<String>?
    /// Tables that are looked at at once.
    public var concurrency: Int
    /// How long the look at one table may take.
    public var limit: Duration

    /// Takes every field.
    public init(
        databases: Set<String>?, concurrency: Int = 10, limit: Duration = .seconds(300)
    ) {
        self.databases = databases
        self.concurrency = concurrency
        self.limit = limit
    }
}

/// What a cycle did.
public struct HealthSyncReport: Hashable, Sendable {
    /// Tables whose manifests were read.
    public internal(set) var looked = 0
    /// Tables that had not changed.
    public internal(set) var unchanged = 0
    /// Tables that went away meanwhile.
    public internal(set) var vanished = 0
    /// Tables that could not be looked at, and why.
    public internal(set) var failed: [TableName: String] = [:]

    /// The report as JSON.
    public var json: JSONValue {
        [
            "looked": .integer(looked), "unchanged": .integer(unchanged),
            "vanished": .integer(vanished), "failed": .integer(failed.count),
            "errors": .array(
                failed.sorted { $0.key.description < $1.key.description }.map {
                    ["table": .string($0.key.description), "reason": .string($0.value)]
                }),
        ]
    }

    mutating func count(_ table: TableName, _ result: Result<Bool, InspectionError>) {
        switch result {
        case .success(true): looked += 1
        case .success(false): unchanged += 1
        case .failure(.noSuchTable): vanished += 1
        case .failure(let error): failed[table] = error.description
        }
    }
}

/// Why a cycle did not run.
public enum HealthSyncError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The catalog was never listed, so nobody knows which tables there are.
    case noListing
    /// The job store failed.
    case store(JobStoreError)
    /// The task was cancelled.
    case cancelled

    /// A sentence for a person.
    public var description: String {
        switch self {
        case .noListing: "the catalog has not been listed yet"
        case .store(let error): "\(error)"
        case .cancelled: "the cycle was given up"
        }
    }
}
