// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// What the manifests of a group hold, partition by partition, without the entries themselves.
struct GroupSurvey: Sendable {
    /// The live entries of one partition in one manifest.
    struct Piece: Sendable {
        /// The partition's place in the order.
        let rank: Int
        /// The manifest's index among the sources.
        let source: Int
        /// What the entries take in memory.
        let memoryBytes: Int
    }

    let sources: [ManifestFile]
    /// The partitions in order, and the same as keys.
    let partitions: [[PartitionValue?]]
    let ranks: [[UInt8]: Int]
    /// In the order of partitions and, within one, of manifests.
    let pieces: [Piece]
    /// What the entries take before they are compressed.
    let plainBytes: Int
    let digests: EntryDigests
}

/// A manifest's live entries by partition.
private struct SourceSurvey: Sendable {
    struct Partition: Sendable {
        let values: [PartitionValue?]
        var count = 0
        var bytes = 0
    }

    let source: Int
    var partitions: [[UInt8]: Partition] = [:]
    var digests = EntryDigests()

    mutating func add(_ entry: CompleteEntry, in kind: ManifestKind) throws(AvroError) {
        let encoded = try EncodedEntry(entry, in: kind)
        let key = EncodedEntry.key(of: entry.partition, in: kind)
        partitions[key, default: Partition(values: entry.partition)].count += 1
        partitions[key]?.bytes += encoded.bytes.count
        digests.insert(entry, specID: Int32(truncatingIfNeeded: kind.spec.id))
    }
}

/// Reads the manifests of a group: first what they hold, and then the entries, some at a time.
struct GroupReader<Storage: ObjectStorage>: Sendable {
    let storage: Storage
    let kind: ManifestKind
    let sortFields: [Int]
    let width: Int
    let memoryBytes: Int
    let report: @Sendable (ActionProgress) -> Void

    /// Bytes that a partition takes in a survey, about, beyond its key and its values.
    private static var partitionBytes: Int { 256 }

    /// Reads all of a group's manifests once.
    func survey(_ sources: [ManifestFile]) async throws(MaintenanceError) -> GroupSurvey {
        let reader = CompleteManifestReader(storage: storage, partition: kind.partition)
        let kind = kind
        var partitions: [[UInt8]: [PartitionValue?]] = [:]
        var found: [SourceSurvey] = []
        var digests = EntryDigests()
        var taken = 0
        try await BoundedTasks.forEach(
            sources.indices, width: width, cancelled: MaintenanceError.cancelled,
            finished: { (survey: SourceSurvey) in
                for (key, partition) in survey.partitions {
                    taken += key.count * 2 + Self.partitionBytes
                    partitions[key] = partition.values
                }
                digests.formUnion(survey.digests)
                found.append(survey)
                progress("reading manifests", found.count, sources.count)
            },
            { (index) async throws(MaintenanceError) -> SourceSurvey in
                var survey = SourceSurvey(source: index)
                do throws(ManifestError) {
                    try await reader.forEachEntry(in: sources[index]) {
                        (entry) throws(AvroError) in
                        guard entry.entry.isLive else { return }
                        try survey.add(entry.carried(to: kind), in: kind)
                    }
                } catch {
                    throw MaintenanceError(error)
                }
                return survey
            })
        guard taken <= memoryBytes else {
            throw .refused(
                code: "out_of_memory",
                reason: "the partitions of \(sources.count) manifests take more than the limit of "
                    + "\(memoryBytes) bytes; raise ICEPACK_NATIVE_MEMORY_BYTES")
        }
        return ordered(sources, partitions, found, digests)
    }

    private func ordered(
        _ sources: [ManifestFile], _ partitions: [[UInt8]: [PartitionValue?]],
        _ found: [SourceSurvey], _ digests: EntryDigests
    ) -> GroupSurvey {
        let order = PartitionOrder(sortFields: sortFields, fieldCount: kind.partition.count)
        let sorted = partitions.sorted { left, right in
            order.precedes(left.value, right.value)
                ?? left.key.lexicographicallyPrecedes(right.key)
        }
        var ranks: [[UInt8]: Int] = [:]
        for (rank, partition) in sorted.enumerated() { ranks[partition.key] = rank }
        var pieces: [GroupSurvey.Piece] = []
        var plainBytes = 0
        for survey in found {
            for (key, partition) in survey.partitions {
                plainBytes += partition.bytes
                pieces.append(
                    GroupSurvey.Piece(
                        rank: ranks[key] ?? 0, source: survey.source,
                        memoryBytes: partition.bytes
                            + partition.count * EncodedEntry.overheadBytes))
            }
        }
        pieces.sort { ($0.rank, $0.source) < ($1.rank, $1.source) }
        return GroupSurvey(
            sources: sources, partitions: sorted.map(\.value), ranks: ranks, pieces: pieces,
            plainBytes: plainBytes, digests: digests)
    }

    private func progress(_ phase: String, _ done: Int, _ total: Int) {
        report(
            ActionProgress(
                phase: phase, done: Int64(done), total: Int64(total), unit: "manifests"))
    }
}

/// The order of partitions.
private struct PartitionOrder {
    private let fields: [Int]

    init(sortFields: [Int], fieldCount: Int) {
        fields = sortFields + (0..<fieldCount).filter { !sortFields.contains($0) }
    }

    /// Whether one comes before the other, nulls first; nil if they are the same.
    func precedes(_ left: [PartitionValue?], _ right: [PartitionValue?]) -> Bool? {
        for field in fields {
            switch (left[field], right[field]) {
            case (nil, nil): continue
            case (nil, _): return true
            case (_, nil): return false
            case (let left?, let right?):
                if left.precedes(right) { return true }
                if right.precedes(left) { return false }
            }
        }
        return nil
    }
}

// MARK: The entries

extension GroupReader {
    /// An entry and its place.
    private struct Placed: Sendable {
        let rank: Int
        let source: Int
        let ordinal: Int
        let entry: EncodedEntry
    }

    /// Visits the live entries of a group's manifests in order, as they are to be written.
    ///
    /// Whatever fits in memory is read at once; the manifests that have more of it are read again
    /// for the rest.
    func forEachEntry(
        of survey: GroupSurvey, _ body: (EncodedEntry) async throws(MaintenanceError) -> Void
    ) async throws(MaintenanceError) {
        var start = 0
        while start < survey.pieces.count {
            let end = sliceEnd(of: survey.pieces, from: start)
            var placed = try await entries(of: survey.pieces[start..<end], in: survey)
            placed.sort {
                ($0.rank, $0.source, $0.ordinal) < ($1.rank, $1.source, $1.ordinal)
            }
            for element in placed { try await body(element.entry) }
            progress("writing manifests", end, survey.pieces.count)
            start = end
        }
    }

    private func sliceEnd(of pieces: [GroupSurvey.Piece], from start: Int) -> Int {
        var bytes = 0
        var end = start
        while end < pieces.count {
            bytes += pieces[end].memoryBytes
            // One piece at least: it is no larger than a manifest.
            if bytes > memoryBytes, end > start { break }
            end += 1
        }
        return end
    }

    private func entries(
        of pieces: ArraySlice<GroupSurvey.Piece>, in survey: GroupSurvey
    ) async throws(MaintenanceError) -> [Placed] {
        var wanted: [Int: Set<Int>] = [:]
        for piece in pieces { wanted[piece.source, default: []].insert(piece.rank) }
        let reader = CompleteManifestReader(storage: storage, partition: kind.partition)
        let kind = kind
        var placed: [Placed] = []
        try await BoundedTasks.forEach(
            wanted.sorted { $0.key < $1.key }, width: width,
            cancelled: MaintenanceError.cancelled,
            finished: { (some: [Placed]) in placed += some },
            { (source, ranks) async throws(MaintenanceError) -> [Placed] in
                var found: [Placed] = []
                var ordinal = 0
                do throws(ManifestError) {
                    try await reader.forEachEntry(in: survey.sources[source]) {
                        (entry) throws(AvroError) in
                        guard entry.entry.isLive else { return }
                        ordinal += 1
                        let key = EncodedEntry.key(of: entry.partition, in: kind)
                        guard let rank = survey.ranks[key], ranks.contains(rank) else { return }
                        var encoded = try EncodedEntry(entry.carried(to: kind), in: kind)
                        encoded.partition = survey.partitions[rank]
                        found.append(
                            Placed(rank: rank, source: source, ordinal: ordinal, entry: encoded))
                    }
                } catch {
                    throw MaintenanceError(error)
                }
                return found
            })
        return placed
    }
}

extension CompleteEntry {
    /// The entry as a new manifest of a kind has it: existing, with everything that it inherited
    /// said of itself (P-60).
    func carried(to kind: ManifestKind) -> CompleteEntry {
        var copy = self
        copy.entry.status = .existing
        // Version 1 has no sequence numbers; readers take them for 0.
        if kind.formatVersion == .v1 {
            copy.entry.sequenceNumber = nil
            copy.entry.fileSequenceNumber = nil
        }
        return copy
    }
}
