// SPDX-License-Identifier: Apache-2.0

import Compression
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import WireFormat

/// Makes sure that all table metadata below the roots is of the table itself (P-01).
struct MetadataOwnership<Storage: ObjectStorage>: Sendable {
    let storage: Storage
    let metadata: TableMetadata
    /// Tables that are no more and may go (P-02), in lower case.
    let adopted: Set<String>
    let width: Int

    /// Reads every one of these files; the first that is of another table is the refusal.
    func check(_ files: [Location]) async throws(MaintenanceError) {
        try await BoundedTasks.forEach(
            files, width: width, cancelled: MaintenanceError.cancelled, finished: { (_: Void) in },
            checkOne)
    }

    private var checkOne: @Sendable (Location) async throws(MaintenanceError) -> Void {
        { location throws(MaintenanceError) in try await check(location) }
    }

    private func check(_ location: Location) async throws(MaintenanceError) {
        let bytes: [UInt8]
        do throws(StorageError) {
            bytes = try await storage.read(location, limit: TableMetadata.maximumByteCount)
        } catch {
            // A commit may drop an old metadata file while we look.
            if case .notFound = error { return }
            throw MaintenanceError(error)
        }
        let document = Self.document(bytes)
        let uuid = document?["table-uuid"]?.stringValue?.lowercased()
        guard let uuid, uuid == metadata.tableUUID?.lowercased() || adopted.contains(uuid) else {
            // Format version 1 may lack a uuid; then the location decides.
            let isHere = document?["location"]?.stringValue == metadata.location
            if uuid == nil, metadata.tableUUID == nil, isHere { return }
            throw MaintenanceError(OrphanRefusal.foreignMetadata(location.rawValue, uuid: uuid))
        }
    }

    private static func document(_ bytes: [UInt8]) -> JSONObject? {
        var text = bytes
        if bytes.starts(with: [0x1F, 0x8B]) {
            do throws(CompressionError) {
                text = try Codec.gzip.decompress(bytes, limit: TableMetadata.maximumByteCount)
            } catch {
                return nil
            }
        }
        do throws(JSONSyntaxError) { return try JSONValue(parsing: text).objectValue } catch {
            return nil
        }
    }
}
