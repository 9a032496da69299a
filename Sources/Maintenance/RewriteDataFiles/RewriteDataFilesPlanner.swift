// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec
public import IcebergTable

/// Decides which data files of a snapshot are rewritten together.
///
/// Pure: files in, in any order, a plan out. The steps are those of Iceberg's bin-pack planner:
/// 1. a file is a candidate if its size is out of range, or if it has too many delete files or
///    too many deleted rows; with `rewrite-all` every file is one; with `overlap-threshold` those
///    that share a range of keys with too many others of their partition are as well, and so are
///    these others;
/// 2. candidates are grouped by partition; files of other specs than the one that is written,
///    whose rows may belong to any partition, are one group with the partition of nulls;
/// 3. each group is packed to its largest size, and kept if it is worth it (``GroupPlanner``);
/// 4. `max-files-to-rewrite` cuts off what is beyond it, and `rewrite-job-order` sorts the rest.
public struct RewriteDataFilesPlanner: Sendable {
    private let settings: RewriteDataFilesSettings
    private let outputSpecID: Int
    private let nullPartition: PartitionTuple
    private var groups: GroupPlanner
    private var fileCount = 0
    private var byteCount: Int64 = 0
    private var wellSized = LeftAlone()
    private var oldestKept: [PartitionKey: Int64] = [:]
    private var hasEqualityDeletes = false
    private var filteredFiles: Int64 = 0
    /// Files with nothing against them but perhaps their keys.
    private var sortable: [PartitionKey: [(file: LiveFile, deletes: AppliedDeletes)]] = [:]
    /// The keys of the others.
    private var spans: [PartitionKey: [KeySpan]] = [:]
    private var unknownKeys: Int64 = 0

    /// Plans for the files of a table.
    public init(_ settings: RewriteDataFilesSettings, metadata: TableMetadata) {
        self.init(
            settings,
            partitionFieldCount: metadata.partitionSpec(settings.outputSpecID.value)?
                .fields.count ?? 0)
    }

    init(_ settings: RewriteDataFilesSettings, partitionFieldCount: Int) {
        self.settings = settings
        outputSpecID = settings.outputSpecID.value
        nullPartition = PartitionTuple(Array(repeating: nil, count: partitionFieldCount))
        groups = GroupPlanner(settings)
    }

    /// Takes note of a data file and of the deletes that apply to it.
    public mutating func add(_ file: LiveFile, _ deletes: AppliedDeletes) {
        fileCount += 1
        byteCount = saturatingSum(byteCount, file.sizeInBytes)
        if file.keySpan?.isTelling != true { unknownKeys += 1 }
        hasEqualityDeletes = hasEqualityDeletes || deletes.equalityDeleteFiles > 0
        var reasons: Set<FileGroup.Reason> = []
        // P-50: what was there before the file is has nothing more to delete from it.
        let count = deletes.count - deletes.earlierPositionDeleteFiles
        if Int64(count) >= settings.deleteFileThreshold.value {
            reasons.insert(.deleteFiles)
        }
        if isDeletedEnough(file, deletes) { reasons.insert(.deleteRatio) }
        guard
            settings.groups.rewritesAll.value || !reasons.isEmpty
                || settings.groups.sizes.isOutOfSize(file.sizeInBytes)
        else {
            guard file.keySpan != nil, file.partition.specID == outputSpecID else {
                wellSized.add(files: 1, bytes: file.sizeInBytes)
                return keep(file)
            }
            sortable[file.partition, default: []].append((file, deletes))
            return
        }
        if let span = file.keySpan { spans[file.partition, default: []].append(span) }
        let partition =
            file.partition.specID == outputSpecID
            ? file.partition : PartitionKey(specID: outputSpecID, tuple: nullPartition)
        groups.add(.init(file: file, reasons: reasons, deletes: deletes), to: partition)
    }

    /// Takes note of data files that `where` leaves out.
    public mutating func leaveOut(files: Int64) {
        filteredFiles = saturatingSum(filteredFiles, files)
    }

    private func isDeletedEnough(_ file: LiveFile, _ deletes: AppliedDeletes) -> Bool {
        guard deletes.count > 0, file.recordCount > 0 else { return false }
        let ratio = Double(deletes.knownDeletedRecords) / Double(file.recordCount)
        return ratio >= settings.deleteRatioThreshold.value
    }

    private mutating func keep(_ file: LiveFile) {
        Self.keep(file, in: &oldestKept)
    }

    private static func keep(_ file: LiveFile, in oldest: inout [PartitionKey: Int64]) {
        oldest[file.partition] = min(
            oldest[file.partition] ?? .max, file.dataSequenceNumber)
    }

    /// The plan for the files that were added.
    public func plan() -> RewriteDataFilesPlan {
        var groups = groups
        var wellSized = wellSized
        var oldest = oldestKept
        var largest: Int?
        for partition in Set(sortable.keys).union(spans.keys) {
            let files = sortable[partition] ?? []
            let spans = files.map(\.file.keySpan) + (spans[partition] ?? [])
            largest = max(largest ?? 0, KeyOverlaps.counts(of: spans).max() ?? 0)
            let crowded = settings.overlapThreshold.map {
                KeyOverlaps.crowded(spans, threshold: Int(clamping: $0.value))
            }
            for (place, (file, deletes)) in files.enumerated() {
                if crowded?[place] == true {
                    groups.add(
                        .init(file: file, reasons: [.overlap], deletes: deletes), to: partition)
                } else {
                    wellSized.add(files: 1, bytes: file.sizeInBytes)
                    Self.keep(file, in: &oldest)
                }
            }
        }
        let outcome = groups.outcome()
        wellSized.add(outcome.wellSized)
        for file in outcome.remaining { Self.keep(file, in: &oldest) }
        return RewriteDataFilesPlan(
            settings: settings, groups: outcome.groups, fileCount: fileCount,
            byteCount: byteCount, wellSized: wellSized, tooFew: outcome.tooFew,
            gainless: outcome.gainless, beyondLimit: outcome.beyondLimit,
            filteredFiles: filteredFiles, largestOverlap: largest, unknownKeys: unknownKeys,
            hasEqualityDeletes: hasEqualityDeletes, oldestKept: oldest)
    }
}

extension GroupPlanner {
    /// Forms groups of data files.
    init(_ settings: RewriteDataFilesSettings) {
        self.init(settings.groups)
        maxFiles = settings.maxFiles?.value
        overlapThreshold = settings.overlapThreshold.map { Int(clamping: $0.value) }
        if settings.strategy.value == .sort {
            compressionFactor = settings.compressionFactor.value
        }
    }
}
