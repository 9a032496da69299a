// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec
public import ObjectStorage
import Synchronization

/// Takes note of the live files of a snapshot as they are read.
///
/// Files come in no order; ``LiveFile/ordinal`` says where each one stands.
public protocol LiveFileCollector: Sendable {
    /// Takes note of the manifests, before anything else.
    mutating func add(manifests: [ManifestFile])
    /// Takes note of the delete files, before any data file.
    mutating func add(deleteFiles index: DeleteFileIndex)
    /// Takes note of a data file and of how many deletes apply to it.
    mutating func add(_ file: LiveFile, _ deletes: AppliedDeletes)
    /// Takes note of so many data files that a filter leaves out.
    mutating func leaveOut(files: Int64)
}

extension LiveFileCollector {
    /// Forgets them.
    public mutating func leaveOut(files: Int64) {}
}

/// Reads what files a snapshot has, from its manifests alone.
///
/// 1. Read the manifest list.
/// 2. Read the delete manifests, and index the delete files.
/// 3. Read the data manifests, several at once, and pass each file on with the deletes that apply;
///    with a filter only those manifests and files that may hold a row that passes it.
///
/// The delete files are held, up to a limit; data files only as far as the collector holds them.
public struct SnapshotScan<Storage: RangeReading>: Sendable {
    private let storage: Storage
    private let metadata: TableMetadata
    private let limits: ScanLimits
    private let filter: ScanFilter?
    private let reader: LiveFileReader<Storage>

    /// Reads a table's snapshots from a storage.
    ///
    /// - Parameters:
    ///   - filter: Chooses the data files that are passed on; nil for all.
    ///   - spans: Tells between which keys their rows lie, if that is wanted.
    public init(
        storage: Storage, metadata: TableMetadata, limits: ScanLimits = ScanLimits(),
        filter: RowFilter? = nil, spans: KeySpanMaker? = nil
    ) {
        self.storage = storage
        self.metadata = metadata
        self.limits = limits
        self.filter = filter.map { ScanFilter($0, metadata) }
        reader = LiveFileReader(
            storage: storage, metadata: metadata, filter: self.filter, spans: spans)
    }

    /// Reads a snapshot's files into a collector.
    ///
    /// A cancelled task stops at the next manifest.
    public func collect<Collector: LiveFileCollector>(
        _ snapshot: Snapshot, into collector: Collector
    ) async throws(ScanError) -> Collector {
        var collector = collector
        let manifests = try await manifests(of: snapshot)
        collector.add(manifests: manifests)
        let live = Array(manifests.enumerated().filter { $0.element.mayHaveLiveFiles })
        let index = try await deleteIndex(live.filter { $0.element.content == .deletes })
        collector.add(deleteFiles: index)
        var wanted: [EnumeratedSequence<[ManifestFile]>.Element] = []
        for item in live where item.element.content == .data {
            if filter?.mayPass(item.element) ?? true {
                wanted.append(item)
            } else {
                collector.leaveOut(files: item.element.liveFilesCount ?? 0)
            }
        }
        let box = CollectorBox(collector)
        try await BoundedTasks.forEach(
            wanted, width: limits.width,
            cancelled: ScanError.cancelled, finished: { (_: Void) in },
            { [reader] (item) throws(ScanError) in
                var chunk: [(LiveFile, AppliedDeletes)] = []
                chunk.reserveCapacity(ScanLimits.chunk)
                let leftOut = try await reader.forEachFile(
                    in: item.element, place: item.offset
                ) { (file) throws(ScanError) in
                    chunk.append((file, index.applied(to: file)))
                    if chunk.count == ScanLimits.chunk { box.take(&chunk) }
                }
                box.take(&chunk, leavingOut: leftOut)
            })
        return box.collector
    }

    /// The delete files of a snapshot.
    public func deleteFiles(of snapshot: Snapshot) async throws(ScanError) -> DeleteFileIndex {
        let manifests = try await manifests(of: snapshot)
        return try await deleteIndex(
            manifests.enumerated().filter {
                $0.element.mayHaveLiveFiles && $0.element.content == .deletes
            })
    }

    /// The manifests of a snapshot, in the order of its list.
    public func manifests(
        of snapshot: Snapshot
    ) async throws(ScanError) -> [ManifestFile] {
        guard snapshot.keyID == nil else { throw .encrypted(snapshotID: snapshot.id) }
        do throws(ManifestError) {
            if let list = snapshot.manifestList {
                return try await ManifestListReader(storage: storage)
                    .manifests(in: Location(list))
            }
            let manifestReader = ManifestReader(storage: storage)
            var manifests: [ManifestFile] = []
            for path in snapshot.manifests ?? [] {
                manifests.append(try await manifestReader.describe(Location(path)))
            }
            return manifests
        } catch {
            throw .manifest(error)
        }
    }

    private func deleteIndex(
        _ manifests: [EnumeratedSequence<[ManifestFile]>.Element]
    ) async throws(ScanError) -> DeleteFileIndex {
        var files: [LiveFile] = []
        let limit = limits.deleteFiles
        var isFull = false
        try await BoundedTasks.forEach(
            manifests, width: limits.width, cancelled: ScanError.cancelled,
            finished: { (found: [LiveFile]) in
                isFull = isFull || files.count + found.count > limit
                if !isFull { files += found }
            },
            { [reader] (item) throws(ScanError) in
                var found: [LiveFile] = []
                try await reader.forEachFile(in: item.element, place: item.offset) {
                    (file) throws(ScanError) in
                    guard found.count < limit else { throw Self.tooManyDeletes(limit) }
                    found.append(file)
                }
                return found
            })
        guard !isFull else { throw Self.tooManyDeletes(limit) }
        files.sort { $0.ordinal < $1.ordinal }
        return try DeleteFileIndex(files, specs: metadata.partitionSpecs)
    }

    private static func tooManyDeletes(_ limit: Int) -> ScanError {
        .tooLarge(
            reason: "the snapshot has more than \(limit) delete files, too many to match with "
                + "data files in memory")
    }
}

/// How much a scan holds and does at once.
public struct ScanLimits: Hashable, Sendable {
    /// How many manifests are read at once.
    public var width: Int
    /// How many delete files and deletion vectors a snapshot may have.
    public var deleteFiles: Int

    /// Some manifests of which the reading overlaps.
    public static let defaultWidth = 8
    /// About half a gigabyte of them.
    public static let defaultDeleteFiles = 1_000_000
    /// How many files are handed over at once.
    static let chunk = 512

    /// Takes both.
    public init(width: Int = defaultWidth, deleteFiles: Int = defaultDeleteFiles) {
        self.width = width
        self.deleteFiles = deleteFiles
    }
}

/// A collector that the tasks of a scan share.
private final class CollectorBox<Collector: LiveFileCollector>: Sendable {
    private let state: Mutex<Collector>

    init(_ collector: Collector) { state = Mutex(collector) }

    var collector: Collector { state.withLock { $0 } }

    func take(_ chunk: inout [(LiveFile, AppliedDeletes)], leavingOut files: Int64 = 0) {
        state.withLock { collector in
            if files > 0 { collector.leaveOut(files: files) }
            for (file, deletes) in chunk { collector.add(file, deletes) }
        }
        chunk.removeAll(keepingCapacity: true)
    }
}
