// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import Testing

/// Every kind of damage between our writer and the stored bytes is found before the commit.
@Suite struct RewriteMutationTests {
    /// A damage to an entry of a manifest, or to a row of a manifest list.
    enum Damage: CaseIterable, Sendable {
        case lostEntry, doubledEntry, replacedByDouble
        case path, dataSequence, fileSequence, snapshot, noSequence
        case partition, swappedPartitions, content, status
        case lowerBound, lostMetrics, recordCount, swappedRecordCounts, size, splitOffsets
        case headerSpec, cutFile
        case lostManifest, doubledManifest, listedRows, listedFiles, listedLength, listedSpec
        case listedContent, listedMinSequence, listedBounds, listedSnapshot, listedPath

        /// Which word of the message tells what it is.
        var word: String {
            switch self {
            case .lostEntry, .doubledEntry: "files, and has"
            case .replacedByDouble, .path: "paths"
            case .dataSequence, .fileSequence, .snapshot: "sequence numbers"
            case .noSequence: "without a sequence number"
            case .partition: "bounds of its partitions"
            case .swappedPartitions: "partitions"
            case .content: "contents"
            case .status: "not as existing"
            case .lowerBound, .lostMetrics: "metrics"
            case .recordCount: "rows, and has"
            case .swappedRecordCounts: "record counts"
            case .size, .splitOffsets: "sizes"
            case .headerSpec: "spec"
            case .cutFile: "does not read back"
            case .lostManifest: "lacks"
            case .doubledManifest, .listedPath: "belong"
            case .listedRows, .listedFiles, .listedLength, .listedSpec, .listedContent,
                .listedMinSequence, .listedBounds, .listedSnapshot:
                "another row"
            }
        }

        /// Damages entries that are about to be stored.
        func apply(to entries: inout [CompleteEntry]) {
            switch self {
            case .lostEntry: entries.remove(at: 1)
            case .doubledEntry: entries.append(entries[0])
            case .replacedByDouble: entries[1] = entries[0]
            case .path: entries[0].entry.dataFile.filePath += "x"
            case .dataSequence: entries[1].entry.sequenceNumber = 2
            case .fileSequence: entries[0].entry.fileSequenceNumber = 7
            case .snapshot: entries[0].entry.snapshotID = 7
            case .noSequence: entries[0].entry.sequenceNumber = nil
            case .partition: entries[0].partition = [.string("0")]
            case .swappedPartitions:
                (entries[0].partition, entries[2].partition) = (
                    entries[2].partition, entries[0].partition
                )
            case .content: entries[0].entry.dataFile.content = .equalityDeletes
            case .status: entries[0].entry.status = .added
            case .lowerBound:
                entries[0].metrics.lowerBounds = [ColumnFact(id: 1, value: [1])]
            case .lostMetrics: entries[0].metrics = ColumnMetrics()
            case .recordCount: entries[0].entry.dataFile.recordCount += 1
            case .swappedRecordCounts:
                entries[0].entry.dataFile.recordCount += 1
                entries[1].entry.dataFile.recordCount -= 1
            case .size: entries[0].entry.dataFile.fileSizeInBytes += 1
            case .splitOffsets: entries[0].entry.dataFile.splitOffsets = [4]
            case .headerSpec, .cutFile, .lostManifest, .doubledManifest, .listedRows,
                .listedFiles, .listedLength, .listedSpec, .listedContent, .listedMinSequence,
                .listedBounds, .listedSnapshot, .listedPath:
                break
            }
        }

        /// Damages rows of a list that are about to be stored.
        func apply(to rows: inout [ManifestFile]) {
            switch self {
            case .lostManifest: rows.removeLast()
            case .doubledManifest: rows.append(rows[0])
            case .listedRows: rows[0].existingRowsCount = 1
            case .listedFiles: rows[0].existingFilesCount = 1
            case .listedLength: rows[0].length += 1
            case .listedSpec: rows[0].partitionSpecID = 2
            case .listedContent: rows[0].content = rows[0].content == .data ? .deletes : .data
            case .listedMinSequence: rows[0].minSequenceNumber = 99
            case .listedBounds: rows[0].partitions?[0].upperBound = [1]
            case .listedSnapshot: rows[0].addedSnapshotID = 1
            case .listedPath: rows[0].path += "x"
            default: break
            }
        }
    }

    /// A storage that damages manifests, or manifest lists, as they are written.
    private struct DamagingStorage: ForwardingStorage {
        let base: LocalStorage
        let damage: Damage
        let kinds: [ManifestContent: ManifestKind]
        let scratch: ScratchFolder

        func write(
            _ bytes: [UInt8], to location: Location, condition: WriteCondition
        ) async throws(StorageError) -> ObjectInfo {
            let changed: [UInt8]
            do { changed = try await damaged(bytes, location) } catch {
                throw .denied(location, reason: "the test cannot damage it: \(error)")
            }
            return try await base.write(changed, to: location, condition: condition)
        }

        private func damaged(_ bytes: [UInt8], _ location: Location) async throws -> [UInt8] {
            let copy = scratch.appending("copy.avro")
            try await base.write(bytes, to: copy, condition: .none)
            let name = location.lastComponent
            if name.hasPrefix("snap-") {
                var rows = try await ManifestListReader(storage: base).manifests(in: copy)
                damage.apply(to: &rows)
                var writer = try ManifestListWriter(
                    .v2, snapshotID: rows[0].addedSnapshotID ?? 0, parentID: 1,
                    sequenceNumber: rows[0].sequenceNumber, firstRowID: nil)
                for row in rows { try writer.append(row) }
                return try writer.finish()
            }
            guard name.hasSuffix(".avro") else { return bytes }
            switch damage {
            case .cutFile: return Array(bytes.dropLast(40))
            case .headerSpec:
                let key = Array("partition-spec-id".utf8) + [2]
                var changed = bytes
                guard let place = changed.firstRange(of: key) else { return bytes }
                changed[place.upperBound] = UInt8(ascii: "2")
                return changed
            default: return try await damagedEntries(bytes, copy)
            }
        }

        private func damagedEntries(_ bytes: [UInt8], _ copy: Location) async throws -> [UInt8] {
            var row = try await ManifestReader(storage: base).describe(copy)
            row.addedSnapshotID = 1
            guard let kind = kinds[row.content] else { return bytes }
            // Only a manifest of deletes can have the wrong kind of them.
            if (damage == .content) != (row.content == .deletes) { return bytes }
            let reader = CompleteManifestReader(storage: base, partition: kind.partition)
            var entries: [CompleteEntry] = []
            _ = try await reader.forEachWrittenEntry(in: row) { entries.append($0) }
            damage.apply(to: &entries)
            return try Self.encode(entries, kind)
        }

        /// Our writer would refuse an existing entry without a number, so another one writes it.
        private static func encode(
            _ entries: [CompleteEntry], _ kind: ManifestKind
        ) throws -> [UInt8] {
            var writer = try ManifestWriter(kind)
            for entry in entries {
                var entry = entry
                if entry.entry.sequenceNumber == nil { entry.entry.status = .added }
                try writer.append(entry)
            }
            return try writer.finish().bytes
        }
    }

    private func table() async throws -> ManifestTable {
        let table = try await ManifestTable(.v2)
        for region in ["a", "a", "b", "c"] {
            try await table.append([ManifestTable.entry([.string(region)])])
            try await table.append(
                [ManifestTable.entry([.string(region)], content: .positionDeletes)],
                content: .deletes)
        }
        return table
    }

    @Test(arguments: Damage.allCases)
    func `P-60: damage is found, named, and leaves the table untouched`(
        damage: Damage
    ) async throws {
        let table = try await table()
        let metadata = try await table.load().metadata
        let before = try await table.entries()
        let files = try table.metadataFiles()
        let spec = try #require(metadata.partitionSpec(1))
        let storage = DamagingStorage(
            base: table.storage, damage: damage,
            kinds: [
                .data: try ManifestKind(of: metadata, spec: spec, content: .data),
                .deletes: try ManifestKind(of: metadata, spec: spec, content: .deletes),
            ], scratch: try ScratchFolder())
        let journal = MemoryJournal()

        let error = await #expect(throws: MaintenanceError.self) {
            try await table.rewrite(journal: journal, catalog: table.catalog, storage: storage)
        }

        guard case .refused("verification_failed", let reason) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        let word = damage == .noSequence ? "not as existing" : damage.word
        #expect(reason.contains(word), "\(reason)")
        #expect(try await table.entries() == before)
        #expect(try table.metadataFiles() == files, "what was written is gone again")
        #expect(journal.open.isEmpty)
    }

    @Test func `without damage the same storage lets the commit through`() async throws {
        let table = try await table()
        // No kind to damage.
        let storage = DamagingStorage(
            base: table.storage, damage: .lostEntry, kinds: [:], scratch: try ScratchFolder())
        let before = try await table.entries()
        let report = try await table.rewrite(catalog: table.catalog, storage: storage)
        #expect(report.manifestCounts == [8, 2])
        #expect(try await table.entries() == before)
    }
}
