// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

extension KeyedTable {
    /// Turns equality deletes into position deletes, which are merged however few there are.
    @discardableResult
    func convert(_ more: JSONValue = [:]) async throws -> ActionReport {
        var options = JSONObject()
        options["convert-equality-deletes"] = true
        for member in more.objectValue?.members ?? [] { options[member.key] = member.value }
        return try await table.rewriteDeletes(.object(options))
    }

    /// The paths of the live data files.
    func dataPaths() async throws -> Set<String> {
        Set(
            try await table.entries().values.map(\.entry.dataFile)
                .filter { $0.content == .data }.map(\.filePath))
    }

    /// P-43: at most one vector for each data file, each of the spec and partition of its data
    /// file; no two entries in all that name one place.
    func checkDeleteFiles() async throws {
        let data = try await table.entries().values.filter {
            $0.entry.dataFile.content == .data
        }
        let partitions = Dictionary(
            uniqueKeysWithValues: data.map { ($0.entry.dataFile.filePath, $0.partition) })
        var seen: Set<String> = []
        for entry in try await table.deleteEntries() {
            let deletes = try await table.deletes(in: entry)
            #expect(Int64(deletes.count) == entry.entry.dataFile.recordCount)
            for path in Set(deletes.map(\.path)) { #expect(partitions[path] == entry.partition) }
            guard entry.entry.dataFile.fileFormat == .puffin else { continue }
            let path = try #require(entry.entry.dataFile.referencedDataFile)
            #expect(seen.insert(path).inserted, "two vectors for \(path)")
        }
    }

    /// A file of twenty rows and a delete file of one of them, with another of the same length.
    private func swappableDeletes(
        _ random: inout SeededGenerator
    ) async throws -> (path: String, other: String) {
        var rows = rows(20, &random)
        for index in rows.indices { rows[index][.code] = .bytes([1, 2, 3, 4]) }
        try await addRows(rows, region: "a")
        let path = try await delete([rows[3]], by: [.id], region: "a")
        return (path, try await delete([rows[4]], by: [.id], region: "b"))
    }

    /// What a rewrite found first and what its proof finds differ, and nothing is committed.
    ///
    /// - Parameter rewrite: Runs on a storage in which the proof sees another file.
    static func expectDifferenceStops(
        seed: UInt64,
        _ rewrite: (KeyedTable, SwappingStorage<LocalStorage>) async throws -> Void
    ) async throws {
        var random = SeededGenerator(seed: seed)
        let keyed = try await KeyedTable(.v2)
        let (path, other) = try await keyed.swappableDeletes(&random)
        let location = try await keyed.table.load().metadataLocation
        let storage = SwappingStorage.afterFirstRead(of: path, other, keyed.table.storage)
        await #expect {
            try await rewrite(keyed, storage)
        } throws: { error in
            guard case .refused("verification_failed", let reason)? = error as? MaintenanceError
            else { return false }
            return reason.contains("equality deletes")
        }
        #expect(try await keyed.table.load().metadataLocation == location)
    }
}

extension ManifestTable {
    /// What is deleted from each data file by position.
    func deletes() async throws -> [String: Set<Int64>] {
        var found: [String: Set<Int64>] = [:]
        for entry in try await deleteEntries() {
            for delete in try await deletes(in: entry) {
                found[delete.path, default: []].insert(delete.position)
            }
        }
        return found
    }
}

/// A storage that reads something else than it is asked for.
struct SwappingStorage<Base: ObjectStorage>: ForwardingStorage {
    let base: Base
    let instead: @Sendable (Location) -> Location

    func read(_ location: Location, range: Range<Int64>) async throws(StorageError) -> [UInt8] {
        try await base.read(instead(location), range: range)
    }

    /// Reads another file of the same length from the second time on.
    static func afterFirstRead(
        of path: String, _ other: String, _ base: Base
    ) -> SwappingStorage {
        let count = Counter()
        return SwappingStorage(base: base) { location in
            guard location.rawValue == path else { return location }
            return count.next() > 1 ? Location(other) : location
        }
    }
}
