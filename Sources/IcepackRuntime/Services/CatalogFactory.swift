// SPDX-License-Identifier: Apache-2.0

import FileSystemCatalog
import Foundation
public import IcebergCatalog
public import ObjectStorage
import SQLCatalog

extension Configuration {
    /// The stores of objects that locations may name: local files, by plain path or `file:` URI.
    ///
    /// - Throws: ``StartupFailure`` if the working directory is no absolute path.
    public func makeStorage() throws(StartupFailure) -> StorageRouter {
        do throws(StorageError) {
            let here = Location(FileManager.default.currentDirectoryPath)
            let local = try LocalStorage(relativeTo: here)
            return StorageRouter(plainPaths: local, schemes: ["file": local])
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
            do throws(CatalogError) {
                return try SQLCatalog(name: catalog.name, uri: catalog.uri ?? "", storage: storage)
            } catch {
                throw StartupFailure("the catalog cannot be opened: \(error)")
            }
        }
    }
}
