// SPDX-License-Identifier: Apache-2.0

import AWSSigning
import IcebergCatalog
import ObjectStorage
import S3Storage

/// Makes the storage of a table whose catalog has its own say in how the files are reached.
///
/// Where the catalog lends credentials, they alone are used for that table's S3 locations, and
/// are asked for again, by loading the table, before they end. Where it names only an endpoint or
/// a region, our own credentials go there. Where it says nothing, the usual storage serves.
struct TableStorages: Sendable {
    /// Why a table has no storage.
    enum Failure: Error {
        case catalog(CatalogError)
        case storage(StorageError)
    }

    /// The storage of tables of which the catalog says nothing.
    private let usual: StorageRouter
    private let local: LocalStorage
    private let settings: S3Settings
    private let isEndpointSet: Bool
    private let credentials: CredentialsCache

    /// - Parameters:
    ///   - isEndpointSet: Whether somebody set the endpoint of S3, who knows better than a catalog.
    ///   - credentials: Our own.
    init(
        usual: StorageRouter, local: LocalStorage, settings: S3Settings, isEndpointSet: Bool,
        credentials: CredentialsCache
    ) {
        self.usual = usual
        self.local = local
        self.settings = settings
        self.isEndpointSet = isEndpointSet
        self.credentials = credentials
    }

    /// The storage of a table of a catalog, as the catalog says now.
    func storage(
        of identifier: TableIdentifier, in catalog: some Catalog
    ) async throws(Failure) -> StorageRouter {
        let table: LoadedTable
        do throws(CatalogError) { table = try await catalog.loadTable(identifier) } catch {
            throw .catalog(error)
        }
        do throws(StorageError) {
            return try storage(of: table) { () async throws(CatalogError) in
                try await catalog.loadTable(identifier).storageAccess
            }
        } catch {
            throw .storage(error)
        }
    }

    /// The storage of a table that was just loaded.
    ///
    /// - Parameter reload: What the catalog says now; asked before lent credentials end.
    /// - Throws: ``StorageError/denied(_:reason:)`` for what cannot be used of the catalog's words.
    func storage(
        of table: LoadedTable,
        reload: @escaping @Sendable () async throws(CatalogError) -> StorageAccess
    ) throws(StorageError) -> StorageRouter {
        let access = table.storageAccess
        guard access != .none else { return usual }
        let place = table.metadataLocation
        var shares: [LentS3Storage.Share] = []
        // What holds for the whole table is lent for the empty prefix.
        for prefix in Set([""] + access.credentials.map(\.prefix)) {
            let said = Self.said(by: access, under: prefix)
            guard let lent = try Self.credentials(in: said, of: place) else { continue }
            let cache = CredentialsCache(first: lent) { () async throws(CredentialsError) in
                try await Self.fetch(prefix, reload)
            }
            shares.append(
                LentS3Storage.Share(
                    prefix: LentS3Storage.spelling(of: prefix),
                    store: S3Storage(try settings(said, of: place), credentials: cache)))
        }
        guard shares.isEmpty else {
            return StorageRouter(local: local, s3: LentS3Storage(shares))
        }
        let own = S3Storage(try settings(access.properties, of: place), credentials: credentials)
        return StorageRouter(local: local, s3: own)
    }

    /// The properties of a prefix over those of the table.
    private static func said(by access: StorageAccess, under prefix: String) -> [String: String] {
        let own = access.credentials.last { $0.prefix.utf8.elementsEqual(prefix.utf8) }
        return access.properties.merging(own?.properties ?? [:]) { $1 }
    }

    private func settings(
        _ properties: [String: String], of place: Location
    ) throws(StorageError) -> S3Settings {
        do throws(S3Endpoint.Invalid) {
            return try S3CatalogProperties(properties).applied(
                to: settings, keepingEndpoint: isEndpointSet)
        } catch {
            throw .denied(place, reason: "the catalog's s3.endpoint \(error)")
        }
    }

    private static func credentials(
        in properties: [String: String], of place: Location
    ) throws(StorageError) -> AWSCredentials? {
        do throws(CredentialsError) {
            return try S3CatalogProperties(properties).credentials()
        } catch {
            throw .denied(place, reason: error.description)
        }
    }

    private static func fetch(
        _ prefix: String, _ reload: () async throws(CatalogError) -> StorageAccess
    ) async throws(CredentialsError) -> AWSCredentials {
        let access: StorageAccess
        do throws(CatalogError) { access = try await reload() } catch {
            throw .unavailable(reason: "\(error)")
        }
        let properties = S3CatalogProperties(said(by: access, under: prefix))
        guard let lent = try properties.credentials() else {
            throw .missing(reason: "the catalog lends none any more")
        }
        return lent
    }
}
