// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec
public import IcebergTable

/// Decides which position delete files of a snapshot are rewritten together.
///
/// Pure. The steps are Iceberg's: files out of size, by partition, packed, kept if worth it.
/// Equality deletes are another planner's: ``EqualityConversionPlanner``. With `where` only files
/// of partitions that may hold a row that passes are looked at.
///
/// It differs from Iceberg's where Iceberg's would plan its own result again for ever (P-50):
/// - from format version 3 on, every file that is left from before the upgrade becomes deletion
///   vectors, whatever its size and however few there are, with all of its partition; vectors stay;
/// - where each delete file is to be about one data file, those that are so already stay.
///
/// Files of different specs are never grouped, though Iceberg may take two tuples for one
/// partition that differ in nulls only: deletes have to keep the spec of their data (P-46).
public enum RewritePositionDeleteFilesPlanner {
    /// Plans for the delete files of a snapshot.
    public static func plan(
        _ files: some Sequence<LiveFile>, settings: RewritePositionDeleteFilesSettings,
        metadata: TableMetadata
    ) -> RewritePositionDeleteFilesPlan {
        let filter = settings.filter.map { ScanFilter($0, metadata) }
        var counts = RewritePositionDeleteFilesPlan.Counts()
        var positions: [LiveFile] = []
        for file in files {
            guard filter?.mayPass(file.partition) ?? true else {
                counts.filtered += 1
                continue
            }
            switch file.content {
            case .data: continue
            case .equalityDeletes:
                counts.equalityDeleteFiles += 1
                continue
            case .positionDeletes: break
            }
            counts.bytes = saturatingSum(counts.bytes, file.sizeInBytes)
            if file.isDeletionVector {
                counts.deletionVectors += 1
            } else {
                counts.positionDeleteFiles += 1
                positions.append(file)
            }
        }
        var planner = GroupPlanner(settings.groups)
        var left = (wellSized: LeftAlone(), settled: LeftAlone())
        if metadata.formatVersion < .v3 {
            for file in candidates(positions, settings, &left) {
                planner.add(.init(file: file, reasons: [], deletes: .none), to: file.partition)
            }
        } else {
            // What is deleted from one data file must become one vector.
            planner.keepsPartitionsWhole = true
            for file in positions {
                planner.add(
                    .init(file: file, reasons: [.noVectors], deletes: .none), to: file.partition)
            }
        }
        let outcome = planner.outcome()
        var gainless = outcome.gainless
        gainless.add(left.settled)
        return RewritePositionDeleteFilesPlan(
            settings: settings, groups: outcome.groups, counts: counts, wellSized: left.wellSized,
            tooFew: outcome.tooFew, gainless: gainless)
    }

    /// The files that should be rewritten; the others are counted.
    private static func candidates(
        _ files: [LiveFile], _ settings: RewritePositionDeleteFilesSettings,
        _ left: inout (wellSized: LeftAlone, settled: LeftAlone)
    ) -> [LiveFile] {
        guard !settings.groups.rewritesAll.value else { return files }
        var candidates: [LiveFile] = []
        for file in files {
            if settings.groups.sizes.isOutOfSize(file.sizeInBytes) {
                candidates.append(file)
            } else {
                left.wellSized.add(files: 1, bytes: file.sizeInBytes)
            }
        }
        guard settings.granularity.value == .file else { return candidates }
        let mixed = Set(candidates.filter { $0.referencedDataFile == nil }.map(\.partition))
        var count: [String: Int] = [:]
        for path in files.compactMap(\.referencedDataFile) { count[path, default: 0] += 1 }
        return candidates.filter { file in
            guard let path = file.referencedDataFile, count[path] == 1,
                !mixed.contains(file.partition),
                file.sizeInBytes <= settings.groups.sizes.maximum.value
            else { return true }
            left.settled.add(files: 1, bytes: file.sizeInBytes)
            return false
        }
    }
}

/// Which position delete files are rewritten together, and what is left alone.
public struct RewritePositionDeleteFilesPlan: Hashable, Sendable {
    /// The delete files of the snapshot, or those that `where` selects.
    public struct Counts: Hashable, Sendable {
        /// Position delete files that are no deletion vectors.
        public internal(set) var positionDeleteFiles = 0
        /// Deletion vectors.
        public internal(set) var deletionVectors = 0
        /// Equality delete files, which are not touched.
        public internal(set) var equalityDeleteFiles = 0
        /// Delete files of any kind that `where` leaves out.
        public internal(set) var filtered = 0
        /// The bytes of position deletes of both kinds.
        public internal(set) var bytes: Int64 = 0
    }

    /// What decided.
    public let settings: RewritePositionDeleteFilesSettings
    /// The groups in the order in which they are rewritten.
    public let groups: [FileGroup]
    /// The delete files of the snapshot.
    public let counts: Counts
    /// Files of the right size; every file counts as a group here.
    public let wellSized: LeftAlone
    /// Files in groups that are too few and too small to be worth it.
    public let tooFew: LeftAlone
    /// Files in groups that would become as many files as they are.
    public let gainless: LeftAlone

    /// Whether there is nothing to rewrite.
    public var isEmpty: Bool { groups.isEmpty }
    /// How many files are rewritten.
    public var rewrittenFiles: Int { groups.reduce(0) { $0 + $1.files.count } }
    /// How many bytes those have.
    public var rewrittenBytes: Int64 { groups.reduce(0) { saturatingSum($0, $1.bytes) } }
    /// The most files that they become; deletes of data that is gone are dropped on the way.
    public var expectedFiles: Int64 { groups.reduce(0) { saturatingSum($0, $1.expectedFiles) } }
}
