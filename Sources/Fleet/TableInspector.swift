// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
import IcebergSpec
import IcebergTable
public import Jobs
public import Maintenance
public import ObjectStorage
public import WireFormat

/// Looks at a table now: its status, its health, and what each action's planner finds.
public struct TableInspector<Tables: Catalog, Storage: ObjectStorage>: Sendable {
    private let catalog: Tables
    private let storage: @Sendable (LoadedTable) throws(StorageError) -> Storage
    private let thresholds: HealthThresholds

    /// Reads tables from a catalog and their manifests from a storage.
    public init(
        catalog: Tables, storage: Storage, thresholds: HealthThresholds = HealthThresholds()
    ) {
        self.init(catalog: catalog, thresholds: thresholds) { _ in storage }
    }

    /// Reads tables from a catalog, and the manifests of each from the storage that it has.
    public init(
        catalog: Tables, thresholds: HealthThresholds = HealthThresholds(),
        storage: @escaping @Sendable (LoadedTable) throws(StorageError) -> Storage
    ) {
        self.catalog = catalog
        self.storage = storage
        self.thresholds = thresholds
    }

    /// Looks at a table; reads its metadata, and the manifests of its current snapshot once.
    ///
    /// A cancelled task stops at the next manifest.
    public func inspect(
        _ table: TableName, now: Timestamp
    ) async throws(InspectionError) -> TableInspection {
        let began = ContinuousClock.now
        return try await inspect(table, as: load(table), now: now, since: began)
    }

    /// Asks the catalog for a table; reads no manifest.
    func load(_ table: TableName) async throws(InspectionError) -> LoadedTable {
        do throws(CatalogError) {
            return try await catalog.loadTable(TableIdentifier(table))
        } catch {
            throw InspectionError(error)
        }
    }

    /// Looks at a table that is loaded.
    func inspect(
        _ table: TableName, as loaded: LoadedTable, now: Timestamp,
        since began: ContinuousClock.Instant = .now
    ) async throws(InspectionError) -> TableInspection {
        let metadata = loaded.metadata
        let storage: Storage
        do throws(StorageError) { storage = try self.storage(loaded) } catch {
            throw .unreadable(reason: error.description)
        }
        var assessment = TableAssessment(metadata)
        if let snapshot = metadata.currentSnapshot {
            do throws(ScanError) {
                assessment = try await SnapshotScan(storage: storage, metadata: metadata)
                    .collect(snapshot, into: assessment)
            } catch {
                throw InspectionError(error)
            }
        }
        let status = assessment.status(
            metadataFileBytes: try await metadataBytes(of: loaded, in: storage), now: now)
        return TableInspection(
            table: table, loaded: loaded, assessment: assessment, status: status,
            health: TableHealth(of: status, thresholds: thresholds, now: now), collectedAt: now,
            duration: began.duration(to: .now))
    }

    /// The size of the metadata file; of its text where the catalog keeps it elsewhere.
    private func metadataBytes(
        of table: LoadedTable, in storage: Storage
    ) async throws(InspectionError) -> Int64 {
        do throws(StorageError) {
            if let info = try await storage.stat(table.metadataLocation) { return info.size }
        } catch {
            switch error {
            case .unsupported, .notFound, .denied: break
            case .unavailable, .alreadyExists, .outcomeUnknown, .tooLarge:
                throw .unavailable(reason: error.description)
            }
        }
        return Int64(table.metadata.json.text().utf8.count)
    }
}

/// Why a table could not be looked at.
public enum InspectionError: Error, Hashable, Sendable {
    /// The catalog has no such table.
    case noSuchTable
    /// The catalog or the storage failed in passing.
    case unavailable(reason: String)
    /// The table's metadata or manifests cannot be used.
    case unreadable(reason: String)
    /// The job store failed; the table was read.
    case store(JobStoreError)
    /// The task was cancelled.
    case cancelled

    init(_ error: CatalogError) {
        switch error {
        case .noSuchTable: self = .noSuchTable
        case .unreadableTable: self = .unreadable(reason: error.description)
        case .unavailable, .denied: self = .unavailable(reason: error.description)
        }
    }

    init(_ error: ScanError) {
        switch error {
        case .cancelled: self = .cancelled
        case .manifest, .encrypted, .corrupt, .tooLarge:
            self =
                error.isPassing
                ? .unavailable(reason: error.description)
                : .unreadable(reason: error.description)
        }
    }
}

extension InspectionError: CustomStringConvertible {
    /// A sentence for a person.
    public var description: String {
        switch self {
        case .noSuchTable: "the catalog has no such table any more"
        case .unavailable(let reason), .unreadable(let reason): reason
        case .store(let error): "\(error)"
        case .cancelled: "the look at the table was given up"
        }
    }
}
