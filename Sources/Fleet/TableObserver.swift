// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
public import Jobs
public import Logging
import Maintenance
public import ObjectStorage
public import WireFormat

/// Looks at tables and remembers what it saw, for those who ask later.
///
/// That the store is away costs the memory, never the look.
public struct TableObserver<
    Tables: Catalog, Storage: ObjectStorage, Store: TableObservations
>: Sendable {
    private let inspector: TableInspector<Tables, Storage>
    private let store: Store
    private let logger: Logger

    /// Looks with an inspector and remembers in a store.
    public init(
        inspector: TableInspector<Tables, Storage>, store: Store, logger: Logger
    ) {
        self.inspector = inspector
        self.store = store
        self.logger = logger
    }

    /// Looks at a table now; what was found, or why nothing could be, is kept.
    public func observe(
        _ table: TableName, now: Timestamp
    ) async throws(InspectionError) -> TableInspection {
        do throws(InspectionError) {
            let inspection = try await inspector.inspect(table, now: now)
            await remember(table) { () throws(JobStoreError) in
                try await store.record(inspection.observation)
            }
            return inspection
        } catch {
            await remember(error, of: table, now: now)
            throw error
        }
    }

    /// Looks at a table unless its metadata file is the one that was looked at last, which costs
    /// one call of the catalog; whether it was looked at.
    public func refresh(
        _ table: TableName, now: Timestamp
    ) async throws(InspectionError) -> Bool {
        do throws(InspectionError) {
            let loaded = try await inspector.load(table)
            let isSame = try await keeping { () throws(JobStoreError) in
                try await store.confirmObservation(
                    of: table, metadataLocation: loaded.metadataLocation.rawValue, at: now)
            }
            guard !isSame else { return false }
            let inspection = try await inspector.inspect(table, as: loaded, now: now)
            try await keeping { () throws(JobStoreError) in
                try await store.record(inspection.observation)
            }
            return true
        } catch {
            await remember(error, of: table, now: now)
            throw error
        }
    }

    private func keeping<Value>(
        _ body: () async throws(JobStoreError) -> Value
    ) async throws(InspectionError) -> Value {
        do throws(JobStoreError) { return try await body() } catch { throw .store(error) }
    }

    /// Keeps why a table could not be looked at.
    func remember(
        _ failure: InspectionError, of table: TableName, now: Timestamp
    ) async {
        let known: TableObservation?
        switch failure {
        case .store, .cancelled: return
        // Of what is gone only what was seen is worth keeping.
        case .noSuchTable: known = nil
        case .unavailable, .unreadable: known = .unknown(table, at: now)
        }
        await remember(table) { () throws(JobStoreError) in
            try await store.recordFailure(
                of: table, reason: failure.description, without: known)
        }
    }

    private func remember(
        _ table: TableName, _ body: () async throws(JobStoreError) -> Void
    ) async {
        do throws(JobStoreError) {
            try await body()
        } catch {
            logger.warning(
                "the look at a table was not kept",
                metadata: ["table.name": "\(table)", "reason": "\(error)"])
        }
    }
}

extension TableInspection {
    /// The look as the store keeps it.
    var observation: TableObservation {
        TableObservation(
            table: table, metadataLocation: metadataLocation, collectedAt: collectedAt,
            status: statusJSON, health: healthJSON)
    }
}

extension TableObservation {
    /// What is known of a table that could never be read: no status, and that its health is not
    /// known.
    static func unknown(_ table: TableName, at now: Timestamp) -> TableObservation {
        let note = CollectionNote(
            source: .live, collectedAt: now, durationMilliseconds: 0, snapshotID: nil,
            isStale: true, warnings: [], lastError: nil)
        return TableObservation(
            table: table, metadataLocation: "", collectedAt: now, status: [:],
            health: [
                "health_status": .string(TableHealth.Verdict.unknown.rawValue), "issues": [],
                "collection": note.json,
            ])
    }
}
