// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import ParquetFormat
import RowSets

/// What one delete file deletes from some data files.
struct FoundPositions: Sendable {
    /// The positions of deleted rows by the data file's path.
    var positions: [String: RowPositions] = [:]
    /// What these take of the allowance.
    var byteCount = 0
    /// Whether the positions of each data file follow each other and ascend, each once.
    var isSorted = true
    /// Which of the wanted files it names.
    var named: Set<String> = []
    /// What else it names; only where that was asked for.
    var others: Set<String> = []
    /// Whether it has the values of the deleted rows, too.
    var holdsRows = false

    /// Adds the positions to those of other delete files, which may take less together.
    func move(to all: inout [String: RowPositions], _ allowance: DeleteAllowance) {
        var growth = -byteCount
        for (path, positions) in positions {
            growth -= all[path]?.byteCount ?? 0
            all[path, default: []].formUnion(positions)
            growth += all[path]?.byteCount ?? 0
        }
        allowance.take(growth)
    }
}

/// The data files that deletes are looked for, shared between reads of many delete files.
struct DeleteTargets: Sendable {
    fileprivate var files: [[UInt8]: (path: String, since: Int64)] = [:]

    /// - Parameter wanted: The data files whose positions are to be told, and their sequence
    ///   numbers, below which no delete applies to them (P-41).
    init(wanted: some Sequence<(path: String, since: Int64)>) {
        for file in wanted { files[Array(file.path.utf8)] = file }
    }
}

/// Reads position delete files and deletion vectors.
///
/// Iceberg spec, Position Delete Files and Deletion Vectors.
struct PositionDeleteReader<Storage: ObjectStorage>: Sendable {
    let storage: Storage
    /// What may be held of all that it reads.
    private let allowance: DeleteAllowance

    init(storage: Storage, allowance: DeleteAllowance) {
        self.storage = storage
        self.allowance = allowance
    }

    /// - Parameter limit: The most bytes of deletes that are held.
    init(storage: Storage, limit: Int) {
        self.init(storage: storage, allowance: DeleteAllowance(limit: limit))
    }

    private typealias File = ParquetFile<DataFileSource<Storage>>
    private typealias Reader = ColumnReader<DataFileSource<Storage>>

    /// Reads a delete file, and names every data file that it names.
    ///
    /// - Parameter wanted: The data files whose positions are to be told.
    func read(
        _ file: LiveFile, wanted: Set<String>
    ) async throws(GroupFailure) -> FoundPositions {
        let targets = DeleteTargets(wanted: wanted.map { (path: $0, since: Int64.min) })
        var found = try await read(file, of: targets, namingOthers: true)
        found.named.formUnion(found.others)
        return found
    }

    /// Reads what a delete file deletes from some data files.
    ///
    /// - Parameter namesOthers: Whether the other data files that it names are told.
    func read(
        _ file: LiveFile, of targets: DeleteTargets, namingOthers namesOthers: Bool = false
    ) async throws(GroupFailure) -> FoundPositions {
        var collector = PositionCollector(
            targets, age: file.dataSequenceNumber, namesOthers: namesOthers,
            allowance: allowance)
        try await read(file, into: &collector)
        return collector.found
    }

    private func read(
        _ file: LiveFile, into collector: inout PositionCollector
    ) async throws(GroupFailure) {
        do throws(GroupFailure) {
            if file.isDeletionVector {
                try await read(vector: file, into: &collector)
            } else if file.format == .avro {
                try await read(avro: file, into: &collector)
            } else {
                try await read(parquet: file, into: &collector)
            }
        } catch { throw allowance.failure ?? error }
        collector.finish()
        if let failure = allowance.failure { throw failure }
    }

    /// Which of some data files a delete file names; positions are not held.
    func named(
        by file: LiveFile, of targets: DeleteTargets
    ) async throws(GroupFailure) -> Set<String> {
        var collector = PositionCollector(
            targets, age: file.dataSequenceNumber, namesOthers: false, allowance: allowance)
        collector.holdsPositions = false
        try await read(file, into: &collector)
        return collector.found.named
    }

    private func read(
        parquet file: LiveFile, into collector: inout PositionCollector
    ) async throws(GroupFailure) {
        let source = DataFileSource(Location(file.path), size: file.sizeInBytes, in: storage)
        do throws(ParquetReadError<MaintenanceError>) {
            let parquet = try await File.opening(
                source, isLoaded: file.sizeInBytes <= DataFileSource<Storage>.smallFile)
            guard
                let path = Self.column(
                    PositionDeleteColumns.path, "file_path", .byteArray, in: parquet),
                let position = Self.column(
                    PositionDeleteColumns.position, "pos", .int64, in: parquet)
            else {
                throw ParquetReadError.format(
                    .incompatible(reason: "it lacks the columns of a position delete file"))
            }
            if let fault = Self.fault(inCount: parquet.rowCount, of: file) {
                throw ParquetReadError.format(.incompatible(reason: fault))
            }
            collector.found.holdsRows = parquet.schema.nodes.contains {
                $0.fieldID == PositionDeleteColumns.row || $0.fieldID == nil && $0.name == "row"
            }
            for group in parquet.rowGroups.indices {
                try await Self.read(parquet, group, path, position, into: &collector)
            }
        } catch {
            throw GroupFailure(error, in: file.path)
        }
    }

    private static func fault(inCount count: Int64, of file: LiveFile) -> String? {
        count == file.recordCount
            ? nil : "it has \(count) rows, and its manifest says \(file.recordCount)"
    }

    private func read(
        avro file: LiveFile, into collector: inout PositionCollector
    ) async throws(GroupFailure) {
        var fields = AvroProjection()
        let path = fields.required(String.self, id: PositionDeleteColumns.path, name: "file_path")
        let position = fields.required(Int64.self, id: PositionDeleteColumns.position, name: "pos")
        var count: Int64 = 0
        var failure: ParquetError?
        do throws(AvroReadError<StorageError>) {
            let reader = try await AvroFileReader(
                StorageByteSource(
                    Location(file.path), in: storage, expectedLength: file.sizeInBytes))
            let program: AvroProgram
            do throws(AvroError) {
                let schema = try reader.schema()
                collector.found.holdsRows = Self.holdsRows(schema)
                program = try AvroProgram.compile(fields, for: schema)
            } catch { throw .format(error) }
            while !Task.isCancelled, failure == nil, try await reader.nextBlock() {
                do throws(AvroError) {
                    try reader.forEachRow(program) { (row) throws(AvroError) in
                        count += 1
                        let bytes = row.borrowedBytes(path)
                        do throws(ParquetError) {
                            try collector.add(bytes, row.value(position))
                        } catch { failure = failure ?? error }
                    }
                } catch { throw .format(error) }
            }
        } catch {
            switch error {
            case .source(let error): throw .stopped(MaintenanceError(reading: error))
            case .format(let error): throw .unsupported("\(file.path) cannot be read: \(error)")
            }
        }
        if Task.isCancelled { throw .stopped(.cancelled) }
        if let failure { throw .unsupported("\(file.path) cannot be read: \(failure)") }
        if let fault = Self.fault(inCount: count, of: file) {
            throw .unsupported("\(file.path) cannot be read: \(fault)")
        }
    }

    private static func holdsRows(_ schema: AvroSchema) -> Bool {
        guard case .named(let index) = schema.root,
            case .record(let fields) = schema.definitions[index].kind
        else { return false }
        return fields.contains {
            $0.id == PositionDeleteColumns.row || $0.id == nil && $0.name == "row"
        }
    }

    private func read(
        vector file: LiveFile, into collector: inout PositionCollector
    ) async throws(GroupFailure) {
        let offset = file.contentOffset ?? -1
        let (end, isBeyond) = offset.addingReportingOverflow(file.sizeInBytes)
        guard let path = file.referencedDataFile, offset >= 0, offset <= end, !isBeyond else {
            throw .unsupported("a deletion vector in \(file.path) has no place that it can be at")
        }
        // In memory it takes no less.
        guard file.sizeInBytes <= allowance.limit else {
            throw .unsupported(
                "\(file.path): a deletion vector has \(file.sizeInBytes) bytes, and memory is "
                    + "allowed \(allowance.limit) for deletes (ICEPACK_NATIVE_MEMORY_BYTES)")
        }
        let bytes: [UInt8]
        do throws(StorageError) {
            bytes = try await storage.read(
                Location(file.path), range: offset..<end)
        } catch {
            throw .stopped(MaintenanceError(reading: error))
        }
        let vector: DeletionVector
        do throws(DeletionVectorError) {
            vector = try DeletionVector(blob: bytes, limit: allowance.limit)
            guard Int64(vector.positions.count) == file.recordCount else {
                throw DeletionVectorError.malformed(
                    "it has \(vector.positions.count) positions, and its manifest says "
                        + "\(file.recordCount)")
            }
        } catch {
            throw .unsupported("\(file.path): \(error)")
        }
        do throws(ParquetError) { try collector.add(vector, of: path) } catch {
            throw .unsupported("\(file.path): \(error)")
        }
    }

    private static func column(
        _ id: Int32, _ name: String, _ type: PhysicalType, in file: File
    ) -> Int? {
        let columns = file.schema.columns
        let found =
            columns.firstIndex { $0.fieldID == id }
            ?? columns.firstIndex { $0.fieldID == nil && $0.path == [name] }
        return found.flatMap { columns[$0].type == type ? $0 : nil }
    }

    private static func read(
        _ file: File, _ group: Int, _ pathColumn: Int, _ positionColumn: Int,
        into collector: inout PositionCollector
    ) async throws(ParquetReadError<MaintenanceError>) {
        var paths: Reader
        var positions: Reader
        do throws(ParquetError) {
            paths = try ColumnReader(file, rowGroup: group, column: pathColumn)
            positions = try ColumnReader(file, rowGroup: group, column: positionColumn)
        } catch { throw .format(error) }
        var numbers: [Int64] = []
        var next = 0
        while let batch = try await paths.next() {
            guard case .byteArray(let texts) = batch.values, texts.count == batch.count else {
                throw .format(.incompatible(reason: "a delete has no path"))
            }
            for index in 0..<texts.count {
                while next == numbers.count {
                    guard let more = try await positions.next(),
                        case .int64(let values) = more.values, values.count == more.count
                    else { throw .format(.incompatible(reason: "a delete has no position")) }
                    (numbers, next) = (values, 0)
                }
                do throws(ParquetError) {
                    try collector.add(texts[index], numbers[next])
                } catch { throw .format(error) }
                next += 1
            }
        }
    }
}

/// Sorts deletes by the data file that they name.
private struct PositionCollector {
    private let targets: DeleteTargets
    /// The sequence number of the deletes.
    private let age: Int64
    private let namesOthers: Bool
    private let allowance: DeleteAllowance
    var holdsPositions = true
    var found = FoundPositions()
    /// The path of the delete before, which mostly is that of the next.
    private var last: [UInt8] = []
    /// The data file whose positions are wanted, if that is what it names.
    private var wanted: String?
    /// The positions of that data file.
    private var current = RowPositions()
    private var lastPosition = Int64.min
    /// What the positions of the others take.
    private var otherBytes = 0
    /// How many deletes came since the allowance, which others ask as well, was told.
    private var untold = 0

    private static let toldAtOnce = 1024

    init(
        _ targets: DeleteTargets, age: Int64, namesOthers: Bool, allowance: DeleteAllowance
    ) {
        self.targets = targets
        self.age = age
        self.namesOthers = namesOthers
        self.allowance = allowance
    }

    mutating func add(
        _ path: some Collection<UInt8>, _ position: Int64
    ) throws(ParquetError) {
        if last.isEmpty || !path.elementsEqual(last) {
            last = Array(path)
            try turn(to: last)
        }
        guard wanted != nil, holdsPositions else { return }
        if position <= lastPosition { found.isSorted = false }
        lastPosition = position
        current.insert(position)
        untold += 1
        if untold >= Self.toldAtOnce, !settle() { throw tooMuch }
    }

    mutating func add(_ vector: DeletionVector, of path: String) throws(ParquetError) {
        try turn(to: Array(path.utf8))
        guard wanted != nil, holdsPositions else { return }
        current = vector.positions
        guard settle() else { throw tooMuch }
    }

    /// Ends the last data file.
    mutating func finish() {
        putAway()
        settle()
    }

    /// Tells the allowance of all that is held; false if that is too much.
    @discardableResult
    private mutating func settle() -> Bool {
        untold = 0
        let byteCount = otherBytes + current.byteCount
        defer { found.byteCount = byteCount }
        return allowance.take(byteCount - found.byteCount)
    }

    private var tooMuch: ParquetError {
        .tooLarge(
            part: "its deletes", size: Int64(allowance.limit) + 1, limit: Int64(allowance.limit))
    }

    private mutating func putAway() {
        guard let wanted, !current.isEmpty else { return }
        otherBytes += current.byteCount
        found.positions[wanted] = current
        current = []
    }

    private mutating func turn(to path: [UInt8]) throws(ParquetError) {
        putAway()
        wanted = nil
        lastPosition = .min
        if let file = targets.files[path], file.since <= age {
            wanted = file.path
            found.named.insert(file.path)
            if let earlier = found.positions.removeValue(forKey: file.path) {
                found.isSorted = false
                current = earlier
                otherBytes -= earlier.byteCount
            }
            return
        }
        guard namesOthers else { return }
        guard let name = String(validating: path, as: UTF8.self) else {
            throw .incompatible(reason: "a delete has a path that is no text")
        }
        guard !found.others.contains(name) else { return }
        guard let name = allowance.shared(name) else { throw tooMuch }
        found.others.insert(name)
    }
}

/// The reserved field ids of position delete files.
enum PositionDeleteColumns {
    /// The path of the data file.
    static let path: Int32 = 2_147_483_546
    /// The position of the row in it.
    static let position: Int32 = 2_147_483_545
    /// The values of the row.
    static let row: Int32 = 2_147_483_544
}

extension FileFormat {
    /// Whether position delete files of this format are read here.
    var holdsReadableDeletes: Bool {
        switch self {
        case .parquet, .avro: true
        case .orc, .puffin: false
        }
    }
}
