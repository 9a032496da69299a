// SPDX-License-Identifier: Apache-2.0

import Compression
import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import ParquetFormat
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// Every kind of damage between our writer and the stored deletes is found before the commit.
@Suite struct PositionDeleteProofTests {
    typealias Delete = (path: String, position: Int64)

    /// What becomes of the deletes in a file.
    enum Damage: CaseIterable, Sendable {
        case lost, added, shifted, doubled, otherFile, foreignFile, unsorted

        func apply(to deletes: inout [Delete]) {
            let last = deletes.count - 1
            switch self {
            case .lost: deletes.removeLast()
            case .added: deletes.append((deletes[last].path, deletes[last].position + 1))
            case .shifted: deletes[last].position += 1
            case .doubled: deletes[1] = deletes[0]
            case .otherFile: deletes[0].path = deletes[last].path
            case .foreignFile: deletes[last].path = "/data/another.parquet"
            case .unsorted: deletes.swapAt(0, 1)
            }
        }
    }

    private static let schema: [ParquetField] = [
        .values("file_path", id: 2_147_483_546, .required, .byteArray, logicalType: .string),
        .values("pos", id: 2_147_483_545, .required, .int64),
    ]

    private func table(_ version: FormatVersion = .v2) async throws -> ManifestTable {
        let table = try await ManifestTable(
            .v2,
            properties: ManifestTable.quickRetries.merging(
                ["write.delete.parquet.compression-codec": "uncompressed"]) { _, new in new })
        var deletes: [Delete] = []
        for start in stride(from: Int64(0), to: 400, by: 20) {
            let path = try await table.addRows(start..<start + 20, region: "a")
            deletes += [(path, 3), (path, 4), (path, 11)]
        }
        let half = deletes.count / 2
        try await table.deleteRows(Array(deletes[..<half]), region: "a")
        try await table.deleteRows(Array(deletes[half...]), region: "a")
        return version == .v2 ? table : try await table.upgrade(to: version)
    }

    /// A file of the same length with other deletes: what is compressed leaves room for a note.
    private func damage(_ bytes: [UInt8], _ damage: Damage?) async throws -> [UInt8] {
        guard let damage else { return bytes }
        let file = try await ParquetFile(opening: ParquetMemorySource(bytes))
        let paths = try await file.readColumn(rowGroup: 0, column: 0)
        let positions = try await file.readColumn(rowGroup: 0, column: 1)
        guard case .byteArray(let texts) = paths.values,
            case .int64(let numbers) = positions.values
        else { throw ManifestTable.Failure(description: "no deletes") }
        var deletes: [Delete] = numbers.indices.map {
            (String(decoding: texts[$0], as: UTF8.self), numbers[$0])
        }
        damage.apply(to: &deletes)
        var noteLength = 300
        while true {
            var settings = ParquetWriteSettings()
            settings.keyValues = [
                KeyValue(key: "note", value: String(repeating: "n", count: noteLength))
            ]
            var writer = try ParquetWriter(
                ParquetSchema(Self.schema), settings: settings, to: ParquetMemorySink())
            try await writer.write([
                ColumnBatch(.byteArray(ByteArrays(deletes.map { Array($0.path.utf8) }))),
                ColumnBatch(.int64(deletes.map(\.position))),
            ])
            let damaged = try await writer.finish().1.bytes
            if damaged.count == bytes.count { return damaged }
            noteLength += bytes.count - damaged.count
            try #require(noteLength > 0, "the damaged file is too long")
        }
    }

    private func run(
        _ table: ManifestTable, verify: Bool = true,
        _ damage: @escaping @Sendable ([UInt8]) async throws -> [UInt8]
    ) async throws -> ActionReport {
        try await table.rewriteDeletes(
            ["min-input-files": 2, "verify": .bool(verify)], catalog: table.catalog,
            storage: DamagedDeletes(base: table.storage, damage: damage))
    }

    @Test(arguments: Damage.allCases)
    func `damage to deletes is found before the commit`(damage: Damage) async throws {
        let table = try await table()
        let location = try await table.load().metadataLocation
        let folder = try table.dataFolder()
        await #expect {
            _ = try await run(table) { try await self.damage($0, damage) }
        } throws: { error in
            guard case .refused(let code, let reason)? = error as? MaintenanceError else {
                return false
            }
            return code == "verification_failed" && reason.contains("nothing was committed")
        }
        #expect(try await table.load().metadataLocation == location)
        #expect(try table.dataFolder() == folder)
    }

    @Test func `what is not damaged passes, and damage passes where nobody looks`() async throws {
        let table = try await table()
        let before = try await table.rows()
        #expect(try await run(table) { $0 }.deleteCounts == [2, 1])
        #expect(try await table.rows() == before)
        // So it is the comparison that finds it.
        let other = try await self.table()
        let rows = try await other.rows()
        let report = try await run(other, verify: false) {
            try await self.damage($0, .shifted)
        }
        #expect(report.deleteCounts == [2, 1])
        #expect(try await other.rows() != rows)
    }

    /// What becomes of the vectors in a Puffin file.
    enum VectorDamage: CaseIterable, Sendable {
        case shifted, swapped, checksum

        func apply(to bytes: inout [UInt8], _ places: [Range<Int>]) throws {
            switch self {
            case .shifted:
                // The last container's last position is the last number before the checksum.
                let place = places[0].upperBound - 6
                bytes[place] += 1
                let body = Array(bytes[places[0].lowerBound + 4..<places[0].upperBound - 4])
                let sum = crc32(body.span.bytes)
                for (index, shift) in [24, 16, 8, 0].enumerated() {
                    bytes[places[0].upperBound - 4 + index] = UInt8(
                        truncatingIfNeeded: sum >> UInt32(shift))
                }
            case .swapped:
                let first = Array(bytes[places[0]])
                bytes.replaceSubrange(places[0], with: bytes[places[1]])
                bytes.replaceSubrange(places[1], with: first)
            case .checksum: bytes[places[0].upperBound - 1] ^= 1
            }
        }
    }

    @Test(arguments: VectorDamage.allCases)
    func `P-43: damage to vectors is found before the commit`(damage: VectorDamage) async throws {
        let old = try await ManifestTable(.v2, properties: ManifestTable.quickRetries)
        let first = try await old.addRows(0..<20, region: "a")
        let second = try await old.addRows(20..<40, region: "a")
        try await old.deleteRows(
            [(first, 3), (first, 9), (second, 4), (second, 13)], region: "a")
        let table = try await old.upgrade(to: .v3)
        let location = try await table.load().metadataLocation
        await #expect {
            _ = try await run(table) { bytes in
                var bytes = bytes
                let magic: [UInt8] = [0xD1, 0xD3, 0x39, 0x64]
                let starts = bytes.indices.filter { bytes[$0...].starts(with: magic) }
                let places = starts.map { start in
                    start - 4..<start + 4 + Int(bytes[start - 1])
                }
                try damage.apply(to: &bytes, places)
                return bytes
            }
        } throws: { error in
            guard case .refused(let code, _)? = error as? MaintenanceError else { return false }
            return code == "verification_failed"
        }
        #expect(try await table.load().metadataLocation == location)
    }
}

/// A storage that damages new delete files on their way.
private struct DamagedDeletes<Base: ObjectStorage>: ForwardingStorage {
    let base: Base
    let damage: @Sendable ([UInt8]) async throws -> [UInt8]

    func write(
        _ bytes: [UInt8], to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo {
        let name = location.lastComponent
        guard name.hasSuffix("-deletes.parquet") || name.hasSuffix("-deletes.puffin") else {
            return try await base.write(bytes, to: location, condition: condition)
        }
        let damaged: [UInt8]
        do { damaged = try await damage(bytes) } catch {
            throw .unavailable(location, reason: "the test cannot damage it: \(error)")
        }
        return try await base.write(damaged, to: location, condition: condition)
    }
}
