// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec
public import IcebergTable

/// What a table's files and manifests look like, counted in one pass over its manifests.
///
/// It holds counts, and one line for each partition; files are not held.
public struct TableFacts: LiveFileCollector, Hashable {
    /// The counts of one partition.
    public struct Partition: Hashable, Sendable {
        /// Data files.
        public internal(set) var files = 0
        /// Those that are too small.
        public internal(set) var smallFiles = 0
        /// The bytes of all data files.
        public internal(set) var bytes: Int64 = 0
    }

    /// Which sizes are small and large.
    public let sizes: FileSizes
    /// The specs that live data files have.
    public private(set) var specIDs: Set<Int> = []
    /// Data files.
    public private(set) var dataFiles = 0
    /// Their bytes.
    public private(set) var dataBytes: Int64 = 0
    /// Their rows, deleted ones included.
    public private(set) var records: Int64 = 0
    /// Rows that position deletes delete: at most as many as each file has.
    ///
    /// Rows that partition-wide delete files delete are estimated by their number of entries.
    public private(set) var knownDeletedRecords: Int64 = 0
    /// Data files that are too small.
    public private(set) var smallFiles = 0
    /// The bytes of those.
    public private(set) var smallBytes: Int64 = 0
    /// Data files that are too large.
    public private(set) var largeFiles = 0
    /// How many data files have each size; see ``TableFacts/histogramBounds``.
    public private(set) var histogram = Array(
        repeating: 0, count: TableFacts.histogramBounds.count + 1)
    /// Position delete files that are no deletion vectors.
    public private(set) var positionDeleteFiles = 0
    /// Equality delete files.
    public private(set) var equalityDeleteFiles = 0
    /// Deletion vectors.
    public private(set) var deletionVectors = 0
    /// The bytes of all delete files.
    public private(set) var deleteBytes: Int64 = 0
    /// Entries of position delete files that are not for one data file alone.
    public private(set) var sharedDeletedRecords: Int64 = 0
    /// Entries of equality delete files.
    public private(set) var equalityDeletedRecords: Int64 = 0
    /// The manifests, in the order of the list.
    public private(set) var manifests: [ManifestFile] = []
    /// The counts of each partition.
    public private(set) var partitions: [PartitionKey: Partition] = [:]
    /// Files that the native engine does not read, such as ORC.
    public private(set) var orcFiles = 0
    /// Files that are encrypted.
    public private(set) var encryptedFiles = 0

    /// The upper bounds of the histogram's classes, in bytes; the last class has none.
    public static let histogramBounds: [Int64] = [
        1 << 20, 8 << 20, 32 << 20, 128 << 20, 512 << 20, 1 << 30,
    ]

    /// Nothing yet.
    public init(sizes: FileSizes) { self.sizes = sizes }

    /// Keeps the manifests.
    public mutating func add(manifests: [ManifestFile]) { self.manifests = manifests }

    /// Counts the delete files.
    public mutating func add(deleteFiles index: DeleteFileIndex) {
        for file in index.files {
            deleteBytes = saturatingSum(deleteBytes, file.sizeInBytes)
            encryptedFiles += file.isEncrypted ? 1 : 0
            orcFiles += file.format == .orc ? 1 : 0
            switch file.content {
            case .data: continue
            case .equalityDeletes:
                equalityDeleteFiles += 1
                equalityDeletedRecords = saturatingSum(equalityDeletedRecords, file.recordCount)
            case .positionDeletes:
                if file.isDeletionVector {
                    deletionVectors += 1
                } else {
                    positionDeleteFiles += 1
                    if file.referencedDataFile == nil {
                        sharedDeletedRecords = saturatingSum(
                            sharedDeletedRecords, file.recordCount)
                    }
                }
            }
        }
    }

    /// Counts a data file.
    public mutating func add(_ file: LiveFile, _ deletes: AppliedDeletes) {
        dataFiles += 1
        dataBytes = saturatingSum(dataBytes, file.sizeInBytes)
        records = saturatingSum(records, file.recordCount)
        knownDeletedRecords = saturatingSum(knownDeletedRecords, deletes.knownDeletedRecords)
        specIDs.insert(file.partition.specID)
        encryptedFiles += file.isEncrypted ? 1 : 0
        orcFiles += file.format == .orc ? 1 : 0
        let isSmall = file.sizeInBytes < sizes.minimum.value
        if isSmall {
            smallFiles += 1
            smallBytes = saturatingSum(smallBytes, file.sizeInBytes)
        }
        if file.sizeInBytes > sizes.maximum.value { largeFiles += 1 }
        let place =
            Self.histogramBounds.firstIndex { file.sizeInBytes < $0 }
            ?? Self.histogramBounds.count
        histogram[place] += 1
        var partition = partitions[file.partition] ?? Partition()
        partition.files += 1
        partition.smallFiles += isSmall ? 1 : 0
        partition.bytes = saturatingSum(partition.bytes, file.sizeInBytes)
        partitions[file.partition] = partition
    }

    /// The deleted rows, as far as manifests tell; never more than there are.
    ///
    /// Rows that only equality deletes delete are counted by entries, which may match none or many.
    public var deletedRecordsEstimate: Int64 {
        min(
            records,
            saturatingSum(
                saturatingSum(knownDeletedRecords, sharedDeletedRecords), equalityDeletedRecords))
    }

    /// The bytes of all manifests.
    public var manifestBytes: Int64 { manifests.reduce(0) { saturatingSum($0, $1.length) } }
}
