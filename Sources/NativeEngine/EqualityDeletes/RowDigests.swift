// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import ObjectStorage
import ParquetFormat

/// Digests the values that some columns have in each row.
struct RowDigests<Storage: ObjectStorage>: Sendable {
    typealias File = ParquetFile<DataFileSource<Storage>>

    private let file: File
    private let schema: ParquetSchema
    private let columns: EqualityColumns
    private let fills: [Int32: ColumnFill]

    init(
        _ file: File, _ schema: ParquetSchema, _ columns: EqualityColumns,
        fills: [Int32: ColumnFill]
    ) {
        self.file = file
        self.schema = schema
        self.columns = columns
        self.fills = fills
    }

    /// Visits the digests of some rows, with their ordinals.
    func forEach(
        in rows: Range<Int64>, _ body: (ColumnDigest, Int64) -> Void
    ) async throws(GroupFailure) {
        do throws(ParquetReadError<MaintenanceError>) {
            var first: Int64 = 0
            for group in file.rowGroups.indices {
                let end = first + file.rowGroups[group].rowCount
                if end > rows.lowerBound, first < rows.upperBound {
                    try await visit(group, from: first, to: end) { digest, row in
                        if rows.contains(row) { body(digest, row) }
                    }
                }
                first = end
            }
        } catch {
            throw GroupFailure(error, in: file.source.location.rawValue)
        }
    }

    private func visit(
        _ group: Int, from first: Int64, to end: Int64, _ body: (ColumnDigest, Int64) -> Void
    ) async throws(ParquetReadError<MaintenanceError>) {
        var parts: [DigestPart<Storage>] = []
        do throws(ParquetError) {
            for (place, column) in columns.columns.enumerated() {
                parts.append(
                    try DigestPart(
                        column, place: place, fill: fills[column.id], of: file, schema, group))
            }
        } catch { throw .format(error) }
        var row = first
        while row < end {
            var count = Int(min(end - row, Self.batchSize))
            for index in parts.indices { count = min(count, try await parts[index].bring()) }
            var digests = [ColumnDigest](repeating: ColumnDigest(), count: count)
            for index in parts.indices { parts[index].add(to: &digests) }
            for digest in digests {
                body(digest, row)
                row += 1
            }
        }
    }

    private static var batchSize: Int64 { 4096 }
}

/// What one column adds to the digests of rows.
private struct DigestPart<Storage: ObjectStorage> {
    private let place: Int
    /// What every row has, where the file lacks the column.
    private var constant = ColumnDigest.Entry.nothing(at: 0)
    private var reader: ColumnReader<DataFileSource<Storage>>?
    private var kind = PlainMeaning.Kind.plain
    private var batch: ColumnBatch?
    /// How many rows and how many values of the batch are done.
    private var done = (rows: 0, values: 0)

    init(
        _ column: EqualityColumn, place: Int, fill: ColumnFill?, of file: RowDigests<Storage>.File,
        _ schema: ParquetSchema, _ group: Int
    ) throws(ParquetError) {
        self.place = place
        if let index = schema.columns.firstIndex(where: { $0.fieldID == column.id }) {
            reader = try ColumnReader(file, rowGroup: group, column: index)
            kind = PlainMeaning.kind(of: schema.columns[index], beside: column.stored)
        } else if case .constant(let bytes)? = fill {
            constant = .something(at: place)
            PlainMeaning.absorb(constant: bytes, of: column.stored, into: &constant)
        } else {
            constant = .nothing(at: place)
        }
    }

    /// Brings the next page where that is due; tells how many rows are there.
    mutating func bring() async throws(ParquetReadError<MaintenanceError>) -> Int {
        while reader != nil {
            if let batch, done.rows < batch.count { return batch.count - done.rows }
            guard let next = try await reader?.next() else {
                throw .format(.incompatible(reason: "a column has fewer rows than its file"))
            }
            batch = next
            done = (0, 0)
        }
        return .max
    }

    /// Adds the next rows, as many of which are there.
    mutating func add(to digests: inout [ColumnDigest]) {
        guard let batch, let reader else {
            for index in digests.indices { digests[index].add(constant) }
            return
        }
        let maximum = reader.column.maximumDefinitionLevel
        for index in digests.indices {
            let isThere =
                batch.definitionLevels.isEmpty || Int(batch.definitionLevels[done.rows]) == maximum
            var entry = isThere ? ColumnDigest.Entry.something(at: place) : .nothing(at: place)
            if isThere {
                PlainMeaning.absorb(batch.values, done.values, kind, into: &entry)
                done.values += 1
            }
            digests[index].add(entry)
            done.rows += 1
        }
    }
}

extension ColumnDigest.Entry {
    fileprivate static func something(at place: Int) -> ColumnDigest.Entry {
        ColumnDigest.entry(row: 0, place: Int64(place), presence: 1)
    }

    fileprivate static func nothing(at place: Int) -> ColumnDigest.Entry {
        ColumnDigest.entry(row: 0, place: Int64(place), presence: 0)
    }
}

extension RowDigests {
    /// Visits the digests of some rows of a delete file in Avro.
    static func forEach(
        of file: LiveFile, in rows: Range<Int64>, _ reader: EqualityDeleteReader<Storage>,
        _ body: (ColumnDigest) -> Void
    ) async throws(GroupFailure) {
        let keys = AvroKeys(storage: reader.storage, columns: reader.columns)
        try await keys.forEachBatch(of: file) { (values, first) throws(GroupFailure) in
            let count = Int64(values.first?.count ?? 0)
            for row in 0..<count where rows.contains(first + row) {
                var digest = ColumnDigest()
                for (place, column) in values.enumerated() {
                    digest.add(entry(place, column[Int(row)]))
                }
                body(digest)
            }
            return true
        }
    }

    private static func entry(_ place: Int, _ value: AvroKeyValue) -> ColumnDigest.Entry {
        var entry = ColumnDigest.Entry.something(at: place)
        switch value {
        case .null: return .nothing(at: place)
        case .boolean(let truth): entry.absorb(truth ? 1 : 0)
        case .integer(let number): entry.absorb(UInt64(bitPattern: number))
        case .number(let number): PlainMeaning.absorb(number, into: &entry)
        case .bytes(let bytes): entry.absorb(bytes[...])
        case .decimal(let bytes): PlainMeaning.absorb(decimal: bytes[...], into: &entry)
        }
        return entry
    }
}
