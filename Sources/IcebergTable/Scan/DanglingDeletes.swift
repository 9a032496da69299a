// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec

/// Tells which delete files can apply to none of some data files, by what manifests say (P-53).
///
/// Iceberg spec, Scan Planning, as ``DeleteFileIndex`` reads it, and on the safe side of it:
/// - what names one data file is dangling when no data file has that path, in whatever partition
///   and however old;
/// - other position deletes, when every data file of their partition is newer than they are;
/// - equality deletes, when no data file of their partition, or of the whole table if their spec is
///   unpartitioned, is strictly older (P-42).
///
/// It holds the delete files and of data only what these ask for, however many files there are.
public struct DanglingDeletes: Sendable {
    /// The delete files, in the order of the index.
    public let deletes: [LiveFile]
    /// Specs whose equality deletes delete everywhere.
    private let unpartitioned: Set<Int>
    /// The partitions and the paths that matter.
    private let partitions: Set<PartitionKey>
    private let named: Set<String>

    /// The least sequence number of data in each partition that has any.
    private var oldest: [PartitionKey: Int64] = [:]
    private var oldestOfAll: Int64?
    private var live: Set<String> = []

    /// Starts without any data file: until some are kept, every delete file is dangling.
    public init(_ index: DeleteFileIndex, specs: [PartitionSpec]) {
        deletes = index.files
        unpartitioned = Set(specs.filter(\.isUnpartitioned).map(\.id))
        partitions = Set(index.files.map(\.partition))
        named = Set(index.files.compactMap(\.referencedDataFile))
    }

    /// Takes note of a data file that there is.
    public mutating func keep(_ file: LiveFile) {
        if named.contains(file.path) { live.insert(file.path) }
        keep(dataOf: file.partition, since: file.dataSequenceNumber)
    }

    /// Takes note of a data file that no delete names, because it is new.
    public mutating func keep(dataOf partition: PartitionKey, since sequenceNumber: Int64) {
        oldestOfAll = min(oldestOfAll ?? sequenceNumber, sequenceNumber)
        guard partitions.contains(partition) else { return }
        oldest[partition] = min(oldest[partition] ?? sequenceNumber, sequenceNumber)
    }

    /// Whether a delete file can apply to no data file that was kept.
    public func isDangling(_ delete: LiveFile) -> Bool {
        switch delete.content {
        case .data: return false
        case .positionDeletes:
            if let path = delete.referencedDataFile { return !live.contains(path) }
            // P-41: positions apply to data that is as old as they are.
            guard let oldest = oldest[delete.partition] else { return true }
            return delete.dataSequenceNumber < oldest
        case .equalityDeletes:
            let oldest =
                unpartitioned.contains(delete.partition.specID)
                ? oldestOfAll : oldest[delete.partition]
            guard let oldest else { return true }
            return delete.dataSequenceNumber <= oldest
        }
    }
}
