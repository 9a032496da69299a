// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec

/// Finds the delete files of a snapshot that apply to a data file.
///
/// Iceberg spec, Scan Planning, in the reading of the reference implementation:
/// - a deletion vector applies to the file it names, and then no position delete file does;
/// - a position delete file applies to data that is not newer than it (P-41): of the one file it
///   names or is bound to, else of its partition;
/// - an equality delete file applies to data strictly older than it (P-41): of its partition, or
///   of the whole table if its spec is unpartitioned (P-42).
public struct DeleteFileIndex: Sendable {
    /// Every delete file, in the order of the manifests.
    public let files: [LiveFile]

    private var vectors: [String: Int] = [:]
    private var positionsByPath: [String: ByAge] = [:]
    private var positionsByPartition: [PartitionKey: ByAge] = [:]
    private var equalityByPartition: [PartitionKey: ByAge] = [:]
    private var globalEquality = ByAge()

    /// Delete files by ascending sequence number.
    fileprivate struct ByAge {
        var sequenceNumbers: [Int64] = []
        var indices: [Int] = []

        /// The position of the first one of at least this sequence number.
        func start(from sequenceNumber: Int64) -> Int {
            var low = 0
            var high = sequenceNumbers.count
            while low < high {
                let middle = (low + high) / 2
                if sequenceNumbers[middle] < sequenceNumber {
                    low = middle + 1
                } else {
                    high = middle
                }
            }
            return low
        }

        func count(from sequenceNumber: Int64) -> Int {
            indices.count - start(from: sequenceNumber)
        }

        func files(from sequenceNumber: Int64) -> ArraySlice<Int> {
            indices[start(from: sequenceNumber)...]
        }
    }

    /// Indexes the delete files of a snapshot.
    ///
    /// - Throws: ``ScanError/corrupt(reason:)`` when two deletion vectors are for one data file
    ///   (P-43), or a file has a spec that the table does not have.
    public init(_ files: [LiveFile], specs: [PartitionSpec]) throws(ScanError) {
        self.files = files
        let isUnpartitioned = Dictionary(
            specs.map { ($0.id, $0.isUnpartitioned) }, uniquingKeysWith: { first, _ in first })
        let oldestFirst = files.indices.sorted {
            (files[$0].dataSequenceNumber, files[$0].ordinal)
                < (files[$1].dataSequenceNumber, files[$1].ordinal)
        }
        for index in oldestFirst {
            let file = files[index]
            switch file.content {
            case .data:
                throw .corrupt(reason: "\(file.path) holds data and is listed among deletes")
            case .positionDeletes where file.isDeletionVector:
                try addVector(file, index)
            case .positionDeletes:
                if let path = file.referencedDataFile {
                    positionsByPath[path, default: ByAge()].append(file, index)
                } else {
                    positionsByPartition[file.partition, default: ByAge()].append(file, index)
                }
            case .equalityDeletes:
                guard let isGlobal = isUnpartitioned[file.partition.specID] else {
                    throw .corrupt(
                        reason: "\(file.path) has the partition spec \(file.partition.specID), "
                            + "which the table does not have")
                }
                if isGlobal {
                    globalEquality.append(file, index)
                } else {
                    equalityByPartition[file.partition, default: ByAge()].append(file, index)
                }
            }
        }
    }

    /// Whether there is no delete file at all.
    public var isEmpty: Bool { files.isEmpty }

    private mutating func addVector(_ file: LiveFile, _ index: Int) throws(ScanError) {
        guard let path = file.referencedDataFile else {
            throw .corrupt(reason: "a deletion vector in \(file.path) names no data file")
        }
        guard vectors.updateValue(index, forKey: path) == nil else {
            throw .corrupt(reason: "\(path) has more than one deletion vector")
        }
    }
}

extension DeleteFileIndex {
    /// How many deletes apply to a data file.
    ///
    /// Logarithmic in the number of delete files of a partition. Those that contradict the data
    /// file count as well: one such file does not make the rest of a table unreadable.
    public func applied(to file: LiveFile) -> AppliedDeletes {
        guard !files.isEmpty else { return .none }
        var applied = AppliedDeletes()
        applied.equalityDeleteFiles = equalityCount(file)
        if let index = vectors[file.path] {
            applied.hasDeletionVector = true
            applied.knownDeletedRecords = min(files[index].recordCount, file.recordCount)
            return applied
        }
        let byPath = positionsByPath[file.path]?.files(from: file.dataSequenceNumber) ?? []
        var known: Int64 = 0
        for index in byPath {
            // Files may delete the same row twice, so that the sum may pass any count.
            known =
                known.addingReportingOverflow(files[index].recordCount).overflow
                ? .max : known + files[index].recordCount
        }
        if let deletes = positionsByPartition[file.partition] {
            let count = deletes.count(from: file.dataSequenceNumber)
            applied.positionDeleteFiles = count
            if let added = file.fileSequenceNumber, added > file.dataSequenceNumber {
                applied.earlierPositionDeleteFiles = count - deletes.count(from: added)
            }
        }
        applied.positionDeleteFiles += byPath.count
        applied.knownDeletedRecords = min(known, file.recordCount)
        return applied
    }

    /// The delete files that apply to a data file: equality deletes first, each kind oldest first.
    ///
    /// - Throws: ``ScanError/corrupt(reason:)`` when a delete file that names the data file is
    ///   older than it, for a deletion vector, or of another partition (P-43).
    public func deleteFiles(for file: LiveFile) throws(ScanError) -> [LiveFile] {
        guard applied(to: file).count > 0 else { return [] }
        // What applies to strictly older data applies from the next sequence number on.
        let (newer, isLast) = file.dataSequenceNumber.addingReportingOverflow(1)
        var indices: [Int] = []
        if !isLast {
            indices += globalEquality.files(from: newer)
            indices += equalityByPartition[file.partition]?.files(from: newer) ?? []
        }
        let age = file.dataSequenceNumber
        if let vector = vectors[file.path] {
            guard files[vector].dataSequenceNumber >= age else {
                throw .corrupt(
                    reason: "the deletion vector of \(file.path) is older than the file")
            }
            try checkPartition(of: files[vector], file)
            indices.append(vector)
        } else {
            let byPath = positionsByPath[file.path]?.files(from: age) ?? []
            for index in byPath { try checkPartition(of: files[index], file) }
            indices += positionsByPartition[file.partition]?.files(from: age) ?? []
            indices += byPath
        }
        return indices.map { files[$0] }
    }

    private func equalityCount(_ file: LiveFile) -> Int {
        let (newer, isLast) = file.dataSequenceNumber.addingReportingOverflow(1)
        guard !isLast else { return 0 }
        return globalEquality.count(from: newer)
            + (equalityByPartition[file.partition]?.count(from: newer) ?? 0)
    }

    private func checkPartition(of delete: LiveFile, _ file: LiveFile) throws(ScanError) {
        guard delete.partition == file.partition else {
            throw .corrupt(
                reason: "\(delete.path) deletes from \(file.path), which is of another partition")
        }
    }
}

extension DeleteFileIndex.ByAge {
    fileprivate mutating func append(_ file: LiveFile, _ index: Int) {
        sequenceNumbers.append(file.dataSequenceNumber)
        indices.append(index)
    }
}
