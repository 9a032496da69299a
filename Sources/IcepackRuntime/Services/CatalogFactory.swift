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
        let s3 = try makeS3Storage()
        do throws(StorageError) {
            let here = Location(FileManager.default.currentDirectoryPath)
            let local = try LocalStorage(relativeTo: here)
            var schemes: [String: any ObjectStorage] = ["file": local]
            for scheme in S3Storage.schemes { schemes[scheme] = s3 }
            return StorageRouter(plainPaths: local, schemes: schemes)
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
