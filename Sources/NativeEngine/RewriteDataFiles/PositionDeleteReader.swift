// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import ObjectStorage
import ParquetFormat

/// What one delete file deletes from some data files.
struct FoundPositions: Sendable {
    /// The positions of deleted rows by the data file's path, in the order of the file.
    var positions: [String: [Int64]] = [:]
    /// Which of the files that anybody asked about it names.
    var named: Set<String> = []
}

/// Reads position delete files and deletion vectors.
///
/// Iceberg spec, Position Delete Files and Deletion Vectors.
struct PositionDeleteReader<Storage: ObjectStorage>: Sendable {
    let storage: Storage
    /// The most deletes that are held.
    let limit: Int

    private typealias File = ParquetFile<DataFileSource<Storage>>
    private typealias Reader = ColumnReader<DataFileSource<Storage>>

    /// The reserved field ids.
    private static var pathID: Int32 { 2_147_483_546 }
    private static var positionID: Int32 { 2_147_483_545 }

    /// Reads a delete file.
    ///
    /// - Parameters:
    ///   - wanted: The data files whose positions are to be told.
    ///   - known: Data files of which only whether they are named matters.
    func read(
        _ file: LiveFile, wanted: Set<String>, known: Set<String>
    ) async throws(GroupFailure) -> FoundPositions {
        if file.isDeletionVector { return try await vector(file, wanted: wanted) }
        let source = DataFileSource(Location(file.path), size: file.sizeInBytes, in: storage)
        do throws(ParquetReadError<MaintenanceError>) {
            let parquet = try await File.opening(source)
            var collector = PositionCollector(wanted: wanted, known: known, limit: limit)
            guard let path = Self.column(Self.pathID, "file_path", .byteArray, in: parquet),
                let position = Self.column(Self.positionID, "pos", .int64, in: parquet)
            else {
                throw ParquetReadError.format(
                    .incompatible(reason: "it lacks the columns of a position delete file"))
            }
            guard parquet.rowCount == file.recordCount else {
                throw ParquetReadError.format(
                    .incompatible(
                        reason: "it has \(parquet.rowCount) rows, and its manifest says "
                            + "\(file.recordCount)"))
            }
            for group in parquet.rowGroups.indices {
                try await Self.read(parquet, group, path, position, into: &collector)
            }
            return collector.found
        } catch {
            throw GroupFailure(error, in: file.path)
        }
    }

    private func vector(
        _ file: LiveFile, wanted: Set<String>
    ) async throws(GroupFailure) -> FoundPositions {
        guard let path = file.referencedDataFile, let offset = file.contentOffset, offset >= 0,
            file.sizeInBytes <= Self.longestVector
        else {
            throw .unsupported("a deletion vector in \(file.path) has no place that it can be at")
        }
        let bytes: [UInt8]
        do throws(StorageError) {
            bytes = try await storage.read(
                Location(file.path), range: offset..<offset + file.sizeInBytes)
        } catch {
            throw .stopped(MaintenanceError(reading: error))
        }
        var found = FoundPositions()
        do throws(DeletionVectorError) {
            let vector = try DeletionVector(blob: bytes, limit: limit)
            guard Int64(vector.positions.count) == file.recordCount else {
                throw DeletionVectorError.malformed(
                    "it has \(vector.positions.count) positions, and its manifest says "
                        + "\(file.recordCount)")
            }
            found.named = [path]
            if wanted.contains(path) { found.positions[path] = vector.positions }
        } catch {
            throw .unsupported("\(file.path): \(error)")
        }
        return found
    }

    /// A vector of a billion rows without any order takes less.
    private static var longestVector: Int64 { 256 << 20 }

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
    private enum Role {
        case wanted(String)
        case known
        case other
    }

    private let roles: [[UInt8]: String]
    private let wanted: Set<String>
    private let limit: Int
    private(set) var found = FoundPositions()
    private var count = 0
    /// The path of the delete before, which mostly is that of the next.
    private var last: [UInt8] = []
    private var lastRole = Role.other

    init(wanted: Set<String>, known: Set<String>, limit: Int) {
        self.wanted = wanted
        self.limit = limit
        var roles: [[UInt8]: String] = [:]
        for path in wanted.union(known) { roles[Array(path.utf8)] = path }
        self.roles = roles
    }

    mutating func add(_ path: ArraySlice<UInt8>, _ position: Int64) throws(ParquetError) {
        if !path.elementsEqual(last) || last.isEmpty {
            last = Array(path)
            if let name = roles[last] {
                found.named.insert(name)
                lastRole = wanted.contains(name) ? .wanted(name) : .known
            } else {
                lastRole = .other
            }
        }
        guard case .wanted(let name) = lastRole else { return }
        count += 1
        guard count <= limit else {
            throw .tooLarge(part: "its deletes", size: Int64(count), limit: Int64(limit))
        }
        found.positions[name, default: []].append(position)
    }
}
