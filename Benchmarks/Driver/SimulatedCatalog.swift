// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import ObjectStorage
import Synchronization
import WireFormat

/// A catalog in memory: so many tables, alike but for their names, UUIDs, locations and policies,
/// whose snapshots share one manifest list.
///
/// A table's metadata is made and parsed anew for each load, as it would be if it had been read.
final class SimulatedCatalog: Catalog {
    /// Tables of one database.
    private static let tablesPerDatabase = 1_000
    /// Of so many tables, one is opted out, and one lets its snapshots go.
    private static let mixture = 10

    let name = "simulated"
    private let count: Int
    private let template: JSONObject
    private let loaded = Atomic(0)

    /// Takes the number of tables, and the metadata that each of them has.
    init(tables count: Int, template: JSONObject) {
        self.count = count
        self.template = template
    }

    /// How many loads there were.
    var loads: Int { loaded.load(ordering: .relaxed) }

    func listTables() async throws(CatalogError) -> [TableIdentifier] {
        (0..<count).map { number in
            TableIdentifier(
                namespace: ["db_\(number / Self.tablesPerDatabase)"], name: "table_\(number)")
        }
    }

    func loadTable(_ identifier: TableIdentifier) async throws(CatalogError) -> LoadedTable {
        guard let digits = identifier.name.split(separator: "_").last, let number = Int(digits),
            (0..<count).contains(number)
        else { throw .noSuchTable(identifier) }
        loaded.add(1, ordering: .relaxed)
        let digits12 = String(repeating: "0", count: max(0, 12 - digits.utf8.count)) + digits
        let uuid = "9c12d441-03fe-4693-9a96-\(digits12)"
        let location = "s3://lake/warehouse/\(identifier.namespace.joined())/\(identifier.name)"
        var document = template
        document["table-uuid"] = .string(uuid)
        document["location"] = .string(location)
        document["properties"] = .object(properties(of: number))
        do throws(TableMetadataError) {
            return LoadedTable(
                identifier: identifier,
                metadataLocation: Location("\(location)/metadata/00007-\(uuid).metadata.json"),
                metadata: try TableMetadata(parsing: JSONValue.object(document).bytes()))
        } catch {
            throw .unreadableTable(identifier, reason: "\(error)")
        }
    }

    func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement],
        to identifier: TableIdentifier, base: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome {
        .refused(.rejected(reason: "a simulated table is never changed"))
    }

    private func properties(of number: Int) -> JSONObject {
        var properties = JSONObject([
            .init(key: "owner", value: "bench"),
            .init(key: "write.target-file-size-bytes", value: "134217728"),
        ])
        switch number % Self.mixture {
        case 0: properties["icepack.maintenance_enabled"] = "false"
        case 1: properties["history.expire.max-snapshot-age-ms"] = "604800000000"
        default: break
        }
        return properties
    }
}

/// A storage that counts what is read of it.
final class CountingStorage<Base: ObjectStorage>: ObjectStorage {
    private let base: Base
    private let read = Atomic(0)

    init(_ base: Base) { self.base = base }

    /// Reads of objects, and looks at what there is.
    var reads: Int { read.load(ordering: .relaxed) }

    func read(_ location: Location, limit: Int) async throws(StorageError) -> [UInt8] {
        read.add(1, ordering: .relaxed)
        return try await base.read(location, limit: limit)
    }

    func read(_ location: Location, range: Range<Int64>) async throws(StorageError) -> [UInt8] {
        read.add(1, ordering: .relaxed)
        return try await base.read(location, range: range)
    }

    /// Metadata files are in no storage here, and the text's length serves instead.
    func stat(_ location: Location) async throws(StorageError) -> ObjectInfo? {
        guard !location.rawValue.hasPrefix("s3:") else { return nil }
        read.add(1, ordering: .relaxed)
        return try await base.stat(location)
    }

    func write(
        _ bytes: [UInt8], to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo {
        throw .denied(location, reason: "nothing is written here")
    }

    func write<Chunks: AsyncSequence & Sendable>(
        chunks: Chunks, to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo where Chunks.Element == [UInt8] {
        try await write([], to: location, condition: condition)
    }

    func list(_ prefix: Location) -> AsyncThrowingStream<ObjectInfo, any Error> {
        base.list(prefix)
    }

    func children(of prefix: Location) async throws(StorageError) -> [StorageChild] {
        try await base.children(of: prefix)
    }

    func exclusiveCreation(at location: Location) async throws(StorageError) -> ExclusiveCreation {
        try await base.exclusiveCreation(at: location)
    }

    func remove(_ locations: [Location]) async -> [RemovalOutcome] {
        locations.map { .failed(.denied($0, reason: "nothing is removed here")) }
    }
}
