// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec
public import IcebergTable
public import WireFormat

/// Equality deletes that are turned into position deletes together, or not at all.
public struct EqualityConversion: Hashable, Sendable {
    /// The equality delete files; of the partition that they delete from, or of an unpartitioned
    /// spec where some of them delete everywhere.
    public let group: FileGroup
    /// Every data file to which any of them applies, by partition.
    public let targets: [LiveFile]
}

/// Decides which equality deletes are turned into position deletes together.
///
/// Pure. An equality delete file may go once every data file that it applies to has position
/// deletes in its place (P-42). So these belong together:
/// - the equality deletes of a partition, with the older data files of the partition;
/// - the deletes that apply everywhere, with those of every partition that has an older data file.
///
/// Deletes that apply to no data file are among them: nothing comes in their place.
public struct EqualityConversionPlanner: Sendable {
    private let settings: RewritePositionDeleteFilesSettings
    private let metadata: TableMetadata
    private let filter: ScanFilter?
    private var everywhere: [LiveFile] = []
    private var deletes: [PartitionKey: [LiveFile]] = [:]
    private var targets: [PartitionKey: [LiveFile]] = [:]

    /// Takes the delete files of a snapshot.
    public init(
        _ files: some Sequence<LiveFile>, settings: RewritePositionDeleteFilesSettings,
        metadata: TableMetadata
    ) {
        self.settings = settings
        self.metadata = metadata
        filter = settings.filter.map { ScanFilter($0, metadata) }
        for file in files where file.content == .equalityDeletes {
            if metadata.partitionSpec(file.partition.specID)?.isUnpartitioned == true {
                everywhere.append(file)
            } else {
                deletes[file.partition, default: []].append(file)
            }
        }
    }

    /// Takes note of a data file; those without equality deletes do not matter.
    public mutating func add(_ file: LiveFile, _ applied: AppliedDeletes) {
        guard applied.equalityDeleteFiles > 0 else { return }
        targets[file.partition, default: []].append(file)
    }

    /// What is turned, by the first delete file.
    ///
    /// With `where`, only what lies in partitions that may hold a row that passes.
    public func conversions() -> [EqualityConversion] {
        let newest = everywhere.map(\.dataSequenceNumber).max() ?? .min
        let joined = Set(
            targets.filter { $0.value.contains { $0.dataSequenceNumber < newest } }.keys)
        var found: [EqualityConversion] = []
        if let first = everywhere.first {
            found += conversion(
                of: everywhere + joined.flatMap { deletes[$0] ?? [] },
                in: PartitionKey(specID: first.partition.specID, tuple: .empty), from: joined)
        }
        for (partition, files) in deletes where !joined.contains(partition) {
            found += conversion(of: files, in: partition, from: [partition])
        }
        return found.sorted { Self.place($0.group.files) < Self.place($1.group.files) }
    }

    private static func inOrder(_ files: [LiveFile]) -> [LiveFile] {
        files.sorted { $0.ordinal < $1.ordinal }
    }

    private static func place(_ files: [LiveFile]) -> Int64 { files.first?.ordinal ?? 0 }

    /// At most one: none where `where` leaves a partition out.
    private func conversion(
        of files: [LiveFile], in partition: PartitionKey, from partitions: Set<PartitionKey>
    ) -> [EqualityConversion] {
        let concerned = partitions.union(files.map(\.partition))
        guard concerned.allSatisfy({ filter?.mayPass($0) ?? true }) else { return [] }
        // By the first file, so that a plan does not depend on chance.
        let parts: [[LiveFile]] = partitions.compactMap { self.targets[$0] }.map {
            Self.inOrder($0)
        }
        let targets = parts.sorted { Self.place($0) < Self.place($1) }.flatMap(\.self)
        let bytes = files.reduce(0) { saturatingSum($0, $1.sizeInBytes) }
        return [
            EqualityConversion(
                group: FileGroup(
                    partition: partition, files: Self.inOrder(files),
                    reasons: [.equalityDeletes], bytes: bytes,
                    expectedFiles: expectedFiles(targets),
                    inputSplitSize: settings.groups.sizes.target.value, deletionVectors: 0,
                    deletedRecords: 0),
                targets: targets)
        ]
    }

    /// The most files or vectors that come, unless some have more than fits into one.
    private func expectedFiles(_ targets: [LiveFile]) -> Int64 {
        let isByFile = metadata.formatVersion >= .v3 || settings.granularity.value == .file
        return Int64(isByFile ? targets.count : Set(targets.map(\.partition)).count)
    }
}

extension [EqualityConversion] {
    /// What is turned, in numbers.
    public func summary(naming name: PartitionNaming) -> JSONValue {
        let groups = map(\.group)
        return [
            "groups_count": .integer(count),
            "equality_delete_files_count": .integer(groups.reduce(0) { $0 + $1.files.count }),
            "equality_delete_files_bytes": .integer(
                groups.reduce(0) { saturatingSum($0, $1.bytes) }),
            "data_files_count": .integer(reduce(0) { $0 + $1.targets.count }),
            "data_files_bytes": .integer(
                reduce(0) { $1.targets.reduce($0) { saturatingSum($0, $1.sizeInBytes) } }),
            "added_delete_files_count": .integer(
                groups.reduce(0) { saturatingSum($0, $1.expectedFiles) }),
            "partitions": groups.largestPartitions(name),
        ]
    }
}
