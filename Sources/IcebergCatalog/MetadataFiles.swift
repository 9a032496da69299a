// SPDX-License-Identifier: Apache-2.0

import Compression
import FoundationEssentials
import IcebergSpec
package import ObjectStorage

/// Reads, writes and clears away metadata files; what every catalog without a server shares.
package struct MetadataFiles<Storage: ObjectStorage>: Sendable {
    /// Where they are.
    package let storage: Storage
    /// The time, in milliseconds since the epoch.
    package let now: @Sendable () -> Int64

    /// The most bytes of a metadata file that are read, before and after decompression.
    package static var maximumByteCount: Int { TableMetadata.maximumByteCount }

    /// Takes a storage, and the time in milliseconds since the epoch.
    package init(
        storage: Storage,
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1000) }
    ) {
        self.storage = storage
        self.now = now
    }

    /// The metadata that a file holds.
    ///
    /// Compressed files are known by their first bytes, because
    /// engines disagree about their names.
    package func load(
        _ location: Location, of identifier: TableIdentifier
    ) async throws(CatalogError) -> LoadedTable {
        let bytes: [UInt8]
        do throws(StorageError) {
            bytes = try await storage.read(location, limit: Self.maximumByteCount)
        } catch {
            throw Self.catalogError(error, of: identifier)
        }
        let text = try Self.decompressed(bytes, of: identifier, at: location)
        do throws(TableMetadataError) {
            return LoadedTable(
                identifier: identifier, metadataLocation: location,
                metadata: try TableMetadata(parsing: text))
        } catch {
            throw .unreadableTable(identifier, reason: "\(error) (in \(location))")
        }
    }

    private static func decompressed(
        _ bytes: [UInt8], of identifier: TableIdentifier, at location: Location
    ) throws(CatalogError) -> [UInt8] {
        // No JSON text begins like this.
        guard bytes.starts(with: [0x1F, 0x8B]) else { return bytes }
        do throws(CompressionError) {
            return try Codec.gzip.decompress(bytes, limit: maximumByteCount)
        } catch {
            throw .unreadableTable(identifier, reason: "\(error) (in \(location))")
        }
    }

    /// What a fault of the storage means to somebody who reads a table.
    package static func catalogError(
        _ error: StorageError, of identifier: TableIdentifier
    ) -> CatalogError {
        switch error {
        case .unavailable, .outcomeUnknown: .unavailable(reason: error.description)
        case .notFound, .alreadyExists, .tooLarge, .denied, .unsupported:
            .unreadableTable(identifier, reason: error.description)
        }
    }
}
