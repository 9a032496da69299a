// SPDX-License-Identifier: Apache-2.0

import FileSystemCatalog
import Foundation
import GlueCatalog
public import IcebergCatalog
public import ObjectStorage
import RESTCatalog
import S3Storage
import SQLCatalog

extension Configuration {
    /// The stores of objects that locations may name: local files, by plain path or `file:` URI,
    /// and whatever speaks the S3 API.
    ///
    /// - Throws: ``StartupFailure`` if the working directory is no absolute path, or AWS's
    ///   environment has mistakes.
    public func makeStorage() throws(StartupFailure) -> StorageRouter {
        StorageRouter(local: try makeLocalStorage(), s3: try makeS3Storage())
    }

    /// What makes the storages of tables whose catalog lends credentials for their files; nil for
    /// a catalog that lends none.
    ///
    /// - Parameter usual: The storage of tables of which the catalog says nothing.
    func makeTableStorages(
        usual: StorageRouter
    ) throws(StartupFailure) -> TableStorages? {
        guard catalog.kind == .rest, catalog.rest?.accessDelegation == .vendedCredentials else {
            return nil
        }
        let environment = CredentialsEnvironment(variables: values.aws)
        return TableStorages(
            usual: usual, local: try makeLocalStorage(), settings: try s3Settings(environment),
            isEndpointSet: s3.endpoint != nil || environment.s3EndpointURL != nil,
            credentials: CredentialsCache(CredentialsChain(environment)))
    }

    private func makeLocalStorage() throws(StartupFailure) -> LocalStorage {
        do throws(StorageError) {
            return try LocalStorage(
                relativeTo: Location(FileManager.default.currentDirectoryPath))
        } catch {
            throw StartupFailure("local files cannot be served: \(error)")
        }
    }

    /// Opens the configured catalog over a storage.
    ///
    /// - Throws: ``StartupFailure`` when it cannot be opened.
    public func makeCatalog(storage: StorageRouter) throws(StartupFailure) -> any Catalog {
        switch catalog.kind {
        case .filesystem:
            return FileSystemCatalog(
                name: catalog.name, warehouse: Location(catalog.warehouse), storage: storage)
        case .sql:
            return try opened { () throws(CatalogError) in
                try SQLCatalog(name: catalog.name, uri: catalog.uri ?? "", storage: storage)
            }
        case .rest:
            let settings = try restSettings()
            return try opened { () throws(CatalogError) in try RESTCatalog(settings) }
        case .glue:
            return GlueCatalog(try glueSettings(), storage: storage)
        }
    }

    private func opened<Kind: Catalog>(
        _ open: () throws(CatalogError) -> Kind
    ) throws(StartupFailure) -> any Catalog {
        do throws(CatalogError) { return try open() } catch {
            throw StartupFailure("the catalog cannot be opened: \(error)")
        }
    }
}

extension StorageRouter {
    /// Local files, by plain path or `file:` URI, and a store behind S3's schemes.
    init(local: LocalStorage, s3: some ObjectStorage) {
        var schemes: [String: any ObjectStorage] = ["file": local]
        for scheme in S3Storage.schemes { schemes[scheme] = s3 }
        self.init(plainPaths: local, schemes: schemes)
    }
}
