// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage

extension OrphanListing {
    /// The bytes of an inventory that are read at once.
    private static var chunkSize: Int64 { 1 << 20 }

    /// Reads an inventory instead of listing; paths outside the roots are passed over.
    mutating func read<Storage: ObjectStorage>(
        _ inventory: Location, in storage: Storage, _ report: (ActionProgress) -> Void
    ) async throws(MaintenanceError) {
        if inventory.rawValue.lowercased().hasSuffix(ParquetInventory<Storage>.suffix) {
            let parquet = try await ParquetInventory(inventory, in: storage)
            try await parquet.readObjects { (info) throws(MaintenanceError) in try take(info) }
            return
        }
        var reader = InventoryReader()
        var line: [UInt8] = []
        var offset: Int64 = 0
        while true {
            try MaintenanceError.checkCancellation()
            let chunk: [UInt8]
            do throws(StorageError) {
                chunk = try await storage.read(
                    inventory, range: offset..<offset + Self.chunkSize)
            } catch {
                throw MaintenanceError(OrphanRefusal.inventory(error.description))
            }
            if chunk.isEmpty { break }
            offset += Int64(chunk.count)
            for byte in chunk {
                if byte != UInt8(ascii: "\n") {
                    line.append(byte)
                    guard line.count <= InventoryReader.longestLine else {
                        throw MaintenanceError(
                            OrphanRefusal.inventory(
                                "a line is longer than \(InventoryReader.longestLine) bytes"))
                    }
                    continue
                }
                try take(line, &reader)
                line.removeAll(keepingCapacity: true)
            }
            report(
                ActionProgress(
                    phase: "reading the inventory", done: Int64(count), total: nil, unit: "files"))
        }
        try take(line, &reader)
    }

    private mutating func take(
        _ line: [UInt8], _ reader: inout InventoryReader
    ) throws(MaintenanceError) {
        guard let text = String(validating: line, as: UTF8.self) else {
            throw MaintenanceError(OrphanRefusal.inventory("a line is not UTF-8"))
        }
        let info: ObjectInfo?
        do throws(OrphanRefusal) { info = try reader.read(text) } catch {
            throw MaintenanceError(error)
        }
        if let info { try take(info) }
    }

    private mutating func take(_ info: ObjectInfo) throws(MaintenanceError) {
        let key = matching.key(of: info.location.rawValue)
        guard let root = roots.first(where: { $0.contains(key) }) else { return }
        let below = String(decoding: key.dropFirst(root.key.count + 1), as: UTF8.self)
        // Spelled as a listing would, so that it stays within the store of its root.
        let listed = ObjectInfo(
            location: Location(root.location.rawValue + "/" + below), size: info.size,
            modifiedMilliseconds: info.modifiedMilliseconds)
        try note(listed, relative: below.utf8[...])
    }
}
