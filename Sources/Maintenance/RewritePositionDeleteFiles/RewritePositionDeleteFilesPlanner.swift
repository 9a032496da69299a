// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec
public import IcebergTable

/// Decides which position delete files of a snapshot are rewritten together.
///
/// Pure. The steps are Iceberg's: files out of size, by partition, packed, kept if worth it. From
/// format version 3 on, nothing is done where there are deletion vectors only, and vectors are
/// looked at together with the older files that are left. Equality deletes are never touched.
///
/// Files of different specs are never grouped, though Iceberg may take two tuples for one
/// partition that differ in nulls only: deletes have to keep the spec of their data (P-46).
public enum RewritePositionDeleteFilesPlanner {
    /// Plans for the delete files of a snapshot.
    public static func plan(
        _ files: some Sequence<LiveFile>, settings: RewritePositionDeleteFilesSettings,
        formatVersion: FormatVersion
    ) -> RewritePositionDeleteFilesPlan {
        var planner = GroupPlanner(settings.groups)
        var counts = RewritePositionDeleteFilesPlan.Counts()
        var candidates: [LiveFile] = []
        for file in files {
            switch file.content {
            case .data: continue
            case .equalityDeletes: counts.equalityDeleteFiles += 1
            case .positionDeletes:
                if file.isDeletionVector {
                    counts.deletionVectors += 1
                } else {
                    counts.positionDeleteFiles += 1
                }
                counts.bytes = saturatingSum(counts.bytes, file.sizeInBytes)
                candidates.append(file)
            }
        }
        let hasWork = formatVersion < .v3 || counts.positionDeleteFiles > 0
        var wellSized = LeftAlone()
        for file in hasWork ? candidates : [] {
            if settings.groups.rewritesAll.value
                || settings.groups.sizes.isOutOfSize(file.sizeInBytes)
            {
                planner.add(
                    .init(file: file, reasons: [], deletes: .none), to: file.partition)
            } else {
                wellSized.add(files: 1, bytes: file.sizeInBytes)
            }
        }
        let outcome = planner.outcome()
        return RewritePositionDeleteFilesPlan(
            settings: settings, groups: outcome.groups, counts: counts, wellSized: wellSized,
            tooFew: outcome.tooFew, gainless: outcome.gainless)
    }
}

/// Which position delete files are rewritten together, and what is left alone.
public struct RewritePositionDeleteFilesPlan: Hashable, Sendable {
    /// The delete files of the snapshot.
    public struct Counts: Hashable, Sendable {
        /// Position delete files that are no deletion vectors.
        public internal(set) var positionDeleteFiles = 0
        /// Deletion vectors.
        public internal(set) var deletionVectors = 0
        /// Equality delete files, which are not touched.
        public internal(set) var equalityDeleteFiles = 0
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
