// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
public import Jobs
import Maintenance
public import ObjectStorage
public import WireFormat

/// A document about a table that is made by looking at it.
public enum TableDocument: String, CaseIterable, Hashable, Sendable {
    /// What it looks like.
    case status
    /// Whether that is concerning.
    case health
    /// What should be run.
    case recommendation
}

/// Makes the REST contract's documents about a table as it is now.
public struct TableReporter<
    Tables: Catalog, Storage: ObjectStorage, Store: JobStore
>: Sendable {
    private let observer: TableObserver<Tables, Storage, Store>
    private let recommender: Recommender<Store>

    /// Joins the look at a table with what is recommended for it.
    public init(
        observer: TableObserver<Tables, Storage, Store>, recommender: Recommender<Store>
    ) {
        self.observer = observer
        self.recommender = recommender
    }

    /// The document about a table at a time.
    public func document(
        _ document: TableDocument, of table: TableName, now: Timestamp
    ) async throws(InspectionError) -> JSONValue {
        let inspection = try await observer.observe(table, now: now)
        switch document {
        case .status: return inspection.statusJSON
        case .health: return inspection.healthJSON
        case .recommendation:
            do throws(JobStoreError) {
                return try await recommender.recommend(inspection, now: now)
            } catch {
                throw .store(error)
            }
        }
    }
}
