// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
public import IcebergSpec
import ObjectStorage
import WireFormat

extension FileSystemCatalog {
    /// Makes a table: its first metadata file, and the hint.
    ///
    /// - Throws: ``IcebergCatalog/CatalogError/denied(reason:)`` where there is one already.
    public func createTable(
        _ identifier: TableIdentifier, _ metadata: TableMetadata
    ) async throws(CatalogError) -> LoadedTable {
        let folder = folder(at: try location(of: identifier))
        let first = VersionFileName(version: 1, .none)
        do throws(StorageError) {
            try await files.storage.write(
                metadata.json.bytes(), to: folder.metadataFolder.appending(first.text),
                condition: .absent)
        } catch {
            throw Self.catalogError(error)
        }
        await folder.advanceHint(to: first.version)
        return try await loadTable(identifier)
    }
}
