// SPDX-License-Identifier: Apache-2.0

package import IcebergCatalog
import IcebergSpec
import IcebergTable
import NativeEngine
package import ObjectStorage
import ParquetFormat
package import WireFormat

/// What reading all rows of a table found, and how long that took.
package struct TableReading: Sendable {
    /// How many rows there are, and their digest, whatever their order.
    package private(set) var rows = MultisetDigest()
    /// The rows with their ids and the sequence numbers of their last changes; empty before format
    /// version 3.
    package private(set) var lineage = MultisetDigest()
    /// Where the table is.
    package let location: String
    /// How long it took to read the manifests and to decode every value: the best of a few times.
    package let duration: Duration

    private static let timedScans = 3

    /// Reads the current snapshot of a table: a few times for the time, and once for the digests.
    ///
    /// - Throws: What reading it meets, and ``DemoFailure`` for a table without a snapshot.
    package init(
        _ table: TableIdentifier, in catalog: some Catalog, storage: some ObjectStorage
    ) async throws {
        let metadata = try await catalog.loadTable(table).metadata
        guard let snapshot = metadata.currentSnapshot,
            let schema = metadata.schema(metadata.currentSchemaID)
        else { throw DemoFailure("\(table) has no snapshot") }
        location = metadata.location
        let scan = RowScan(metadata, storage: storage)
        var best: Duration?
        for _ in 0..<Self.timedScans {
            let time = try await ContinuousClock().measure {
                try await scan.forEachRowGroup(of: snapshot) { _ in }
            }
            best = min(best ?? time, time)
        }
        duration = best ?? .zero
        let fields = schema.fields.map(\.id).sorted()
        var (rows, lineage) = (MultisetDigest(), MultisetDigest())
        try await scan.forEachRowGroup(of: snapshot) { group in
            let cells = GroupCells(group, fields: fields)
            for position in group.livePositions {
                var row = cells.row(at: position)
                rows.insert(row.digest)
                guard metadata.formatVersion >= .v3 else { continue }
                cells.addLineage(of: position, to: &row)
                lineage.insert(row.digest)
            }
        }
        (self.rows, self.lineage) = (rows, lineage)
    }
}

/// The values of a row group, cell by cell.
private struct GroupCells {
    private let group: ScannedRows
    private let columns: [(field: Int, cells: [CellValue])]
    private let rowIDs: [CellValue]
    private let lastChanges: [CellValue]

    init(_ group: ScannedRows, fields: [Int]) {
        self.group = group
        func cells(of field: Int32) -> [CellValue] {
            guard let batch = group.columns[field] else {
                return Array(repeating: .null, count: group.positions.count)
            }
            return batch.cells
        }
        columns = fields.map { ($0, cells(of: Int32(truncatingIfNeeded: $0))) }
        rowIDs = cells(of: ScannedRows.rowID)
        lastChanges = cells(of: ScannedRows.lastUpdated)
    }

    func row(at position: Int64) -> RowDigest {
        let index = Int(position - group.positions.lowerBound)
        var row = RowDigest()
        for column in columns { row.absorb(column.cells[index], of: column.field) }
        return row
    }

    /// Iceberg spec, Row Lineage: what a file does not say its rows inherit from its entry.
    func addLineage(of position: Int64, to row: inout RowDigest) {
        let index = Int(position - group.positions.lowerBound)
        let id = group.file.firstRowID.map { CellValue.integer($0 + position) } ?? .null
        row.absorb(rowIDs[index] == .null ? id : rowIDs[index], of: Int(ScannedRows.rowID))
        row.absorb(
            lastChanges[index] == .null
                ? .integer(group.file.dataSequenceNumber) : lastChanges[index],
            of: Int(ScannedRows.lastUpdated))
    }
}

extension ColumnBatch {
    /// The values of a column that does not nest, nulls among them.
    fileprivate var cells: [CellValue] {
        var next = 0
        return (0..<count).map { index in
            guard definitionLevels.isEmpty || definitionLevels[index] > 0 else { return .null }
            defer { next += 1 }
            return values.cell(at: next)
        }
    }
}

extension ColumnValues {
    fileprivate func cell(at index: Int) -> CellValue {
        switch self {
        case .boolean(let values): .truth(values[index])
        case .int32(let values): .integer(Int64(values[index]))
        case .int64(let values): .integer(values[index])
        case .float(let values): .number(Double(values[index]))
        case .double(let values): .number(values[index])
        case .byteArray(let values): .text(values[index])
        case .int96(let values), .fixedLengthByteArray(let values): .text(values[index])
        }
    }
}
