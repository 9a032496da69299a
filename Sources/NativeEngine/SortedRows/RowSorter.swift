// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage
import ParquetFormat
import SortedRuns

/// Puts the rows of a group's files in order, within a share of memory.
///
/// 1. Of each row group one column after the other is decoded, as new files have it and without
///    deleted rows, and put down value by value: in memory, or in a temporary file if it is much.
/// 2. Rows are put together from all columns, and sorted by their keys; what does not fit into
///    memory goes to temporary files as sorted runs.
/// 3. The runs are merged while new files are written.
struct RowSorter<Storage: ObjectStorage> {
    typealias Source = DataFileSource<Storage>

    private var keys: RowKeys
    private let layouts: [RowLayout]
    private let folder: TemporaryFolder
    private let limits: RewriteLimits
    private var sorter: RecordSorter
    private var rowCount: UInt64 = 0
    private var spilledRuns = 0

    /// More runs are merged before more come: each is an open file.
    private static var mostRuns: Int { 128 }
    /// After so many rows a cancelled task stops.
    private static var step: Int64 { 4096 }

    init(
        _ keys: RowKeys, target: ParquetSchema, limits: RewriteLimits
    ) throws(GroupFailure) {
        self.keys = keys
        self.limits = limits
        layouts = target.columns.map { RowLayout($0) }
        do throws(SortedRunsError) {
            folder = try TemporaryFolder(in: limits.temporaryFolder)
        } catch { throw GroupFailure(error) }
        sorter = RecordSorter(in: folder, memoryBytes: limits.sortBytes)
    }

    /// Takes the rows of a file.
    mutating func add(
        _ input: ParquetRewriteInput<Source>, target: ParquetSchema
    ) async throws(GroupFailure) {
        let path = input.file.source.location.rawValue
        let projection: ParquetProjection<Source>
        do throws(ParquetError) {
            projection = try ParquetProjection(input, target: target)
        } catch { throw .unsupported("\(path) cannot be put together with others: \(error)") }
        for group in input.file.rowGroups.indices {
            let rows = projection.rowCount(inRowGroup: group)
            guard rows > 0 else { continue }
            var spool = ByteSpool(in: folder, memoryBytes: limits.spoolBytes)
            var starts: [Int64] = []
            for index in layouts.indices {
                starts.append(spool.count)
                let found = try await put(projection.column(index, rowGroup: group), index, &spool)
                guard found == rows else {
                    let name = target.columns[index].path.joined(separator: ".")
                    throw .unsupported(
                        "\(path) has \(found) rows in the column \(name), and \(rows) in its footer"
                    )
                }
            }
            try sort(rows, spool, starts)
        }
    }

    /// Puts down the values of a column, and says how many rows they are of.
    private func put(
        _ column: ProjectedColumn<Source>, _ index: Int, _ spool: inout ByteSpool
    ) async throws(GroupFailure) -> Int64 {
        var column = column
        var bytes: [UInt8] = []
        var count: Int64 = 0
        while true {
            let next: WholeRows?
            do throws(ParquetReadError<MaintenanceError>) { next = try await column.next() } catch {
                throw GroupFailure(error, in: "a data file")
            }
            guard let rows = next else { return count }
            bytes.removeAll(keepingCapacity: true)
            do throws(ParquetError) { try layouts[index].append(rows, to: &bytes) } catch {
                throw GroupFailure(.format(error), in: "a data file")
            }
            do throws(SortedRunsError) { try spool.append(bytes) } catch {
                throw GroupFailure(error)
            }
            count += Int64(rows.rowCount)
        }
    }

    private mutating func sort(
        _ rows: Int64, _ spool: consuming ByteSpool, _ starts: [Int64]
    ) throws(GroupFailure) {
        let bytes: SpooledBytes
        do throws(SortedRunsError) { bytes = try spool.finish() } catch {
            throw GroupFailure(error)
        }
        let buffer = limits.spoolBufferBytes(columns: starts.count)
        var cursors = starts.map { SpoolCursor(bytes, at: $0, bufferSize: buffer) }
        var row = PackedRow()
        var key: [UInt8] = []
        for index in 0..<rows {
            guard !index.isMultiple(of: Self.step) || !Task.isCancelled else {
                throw .stopped(.cancelled)
            }
            row.removeAll()
            do throws(SortedRunsError) {
                for column in cursors.indices {
                    row.starts.append(row.bytes.count)
                    try cursors[column].take(into: &row.bytes, size: layouts[column].size)
                }
            } catch { throw GroupFailure(error) }
            row.starts.append(row.bytes.count)
            try sort(row, &key)
        }
    }

    private mutating func sort(
        _ row: PackedRow, _ key: inout [UInt8]
    ) throws(GroupFailure) {
        do throws(Unsupported) {
            try keys.make(row, ordinal: rowCount, into: &key)
        } catch { throw GroupFailure(error) }
        rowCount += 1
        let longest = RecordSorter.longestPart
        guard row.bytes.count <= longest, key.count <= longest else {
            throw .unsupported(
                "a row has \(max(row.bytes.count, key.count)) bytes, and rows of more than "
                    + "\(longest) are not sorted")
        }
        do throws(SortedRunsError) {
            let runs = sorter.runCount
            try sorter.append(key: key, value: row.bytes)
            guard sorter.runCount > runs else { return }
            spilledRuns += 1
            if sorter.runCount > Self.mostRuns { _ = try sorter.mergeRuns() }
        } catch { throw GroupFailure(error) }
    }

    /// All rows in order, and the partitions that they are divided among, if they are.
    mutating func finish() throws(GroupFailure) -> (rows: SortedRows, partitions: [FilePartition]?)
    {
        do throws(SortedRunsError) {
            // Each may take seconds.
            while try sorter.mergeRuns() {
                if Task.isCancelled { break }
            }
        } catch { throw GroupFailure(error) }
        guard !Task.isCancelled else { throw .stopped(.cancelled) }
        do throws(SortedRunsError) {
            let rows = try SortedRows(
                sorter.finish(), layouts, spilledRuns: spilledRuns, blockBytes: limits.blockBytes)
            return (rows, keys.partitions?.partitions)
        } catch { throw GroupFailure(error) }
    }
}

extension GroupFailure {
    /// What it means that there is no room for rows on disk.
    init(_ error: SortedRunsError) { self = .stopped(MaintenanceError(error)) }
}
