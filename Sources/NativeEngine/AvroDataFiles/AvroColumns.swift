// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import ParquetFormat

/// The rows of an Avro file on their way into the columns of a Parquet file.
///
/// Rows are taken apart as Parquet has them: a value, or what is not there, becomes an entry of
/// each column below it, with how often it repeats and how much of its path is there.
struct AvroColumns {
    private let root: AvroDataNode
    private let schema: ParquetSchema
    private var columns: [AvroColumn]
    /// The most bytes that rows may take which are held at once.
    private let limit: Int
    /// About how many bytes the rows take that are held.
    private(set) var byteCount = 0

    /// - Parameter schema: The Parquet schema of the fields.
    init(_ root: AvroDataNode, _ schema: ParquetSchema, limit: Int) {
        self.root = root
        self.schema = schema
        self.limit = limit
        columns = schema.columns.map { AvroColumn($0) }
    }

    /// The rows that are held, one batch for each column; none are held any more.
    mutating func take() -> [ColumnBatch] {
        let batches = columns.map(\.batch)
        for index in columns.indices { columns[index] = AvroColumn(schema.columns[index]) }
        byteCount = 0
        return batches
    }

    /// Reads a row.
    mutating func read(_ cursor: inout AvroCursor) throws(AvroError) {
        try read(root, &cursor, repetition: 0, definition: 0)
    }

    private mutating func read(
        _ node: AvroDataNode, _ cursor: inout AvroCursor, repetition: UInt8, definition: UInt8
    ) throws(AvroError) {
        switch node {
        case .value(let kind, let column):
            byteCount += try columns[column].read(kind, &cursor, repetition, definition)
            guard byteCount <= limit else { throw tooLarge(cursor) }
        case .record(let fields):
            for field in fields {
                try read(field, &cursor, repetition: repetition, definition: definition)
            }
        case .optional(let inner, let nullBranch, let range):
            let branch = try cursor.long()
            guard branch == 0 || branch == 1 else { throw cursor.failure(.unknownBranch(branch)) }
            guard branch != nullBranch else {
                return try addNothing(to: range, cursor, repetition, definition)
            }
            try read(inner, &cursor, repetition: repetition, definition: definition + 1)
        case .repeated(let parts, let range, let level):
            try readElements(of: parts, range, level, &cursor, repetition, definition)
        }
    }

    private mutating func readElements(
        of parts: [AvroDataNode], _ range: Range<Int>, _ level: UInt8,
        _ cursor: inout AvroCursor, _ repetition: UInt8, _ definition: UInt8
    ) throws(AvroError) {
        var isFirst = true
        while true {
            let block = try cursor.collectionBlock()
            if block.count == 0 { break }
            let end = block.byteSize.map { cursor.position + $0 }
            for _ in 0..<block.count {
                for part in parts {
                    try read(
                        part, &cursor, repetition: isFirst ? repetition : level,
                        definition: definition + 1)
                }
                isFirst = false
            }
            guard end == nil || end == cursor.position else {
                throw cursor.failure(.leftoverBytes((end ?? 0) - cursor.position))
            }
        }
        if isFirst { try addNothing(to: range, cursor, repetition, definition) }
    }

    private mutating func addNothing(
        to range: Range<Int>, _ cursor: AvroCursor, _ repetition: UInt8, _ definition: UInt8
    ) throws(AvroError) {
        for column in range { columns[column].addNothing(repetition, definition) }
        byteCount += range.count * AvroColumn.entryBytes
        guard byteCount <= limit else { throw tooLarge(cursor) }
    }

    /// A few bytes may say that thousands of columns are not there.
    private func tooLarge(_ cursor: AvroCursor) -> AvroError {
        cursor.tooLarge(part: "a row", size: byteCount, limit: limit)
    }
}

/// The entries of one column.
private struct AvroColumn {
    /// What an entry takes beside its value.
    static let entryBytes = 2

    private let column: ParquetColumn
    private var definitions: [UInt8] = []
    private var repetitions: [UInt8] = []
    private var count = 0
    private var booleans: [Bool] = []
    private var ints: [Int32] = []
    private var longs: [Int64] = []
    private var floats: [Float] = []
    private var doubles: [Double] = []
    private var bytes = ByteArrays()
    private var fixed: FixedByteArrays

    init(_ column: ParquetColumn) {
        self.column = column
        fixed = FixedByteArrays(width: max(1, column.typeLength))
    }

    var batch: ColumnBatch {
        let values: ColumnValues
        switch column.type {
        case .boolean: values = .boolean(booleans)
        case .int32: values = .int32(ints)
        case .int64: values = .int64(longs)
        case .float: values = .float(floats)
        case .double: values = .double(doubles)
        case .byteArray: values = .byteArray(bytes)
        case .fixedLengthByteArray: values = .fixedLengthByteArray(fixed)
        case .int96: preconditionFailure("no field of Avro becomes an INT96")
        }
        return ColumnBatch(
            values, definitionLevels: definitions, repetitionLevels: repetitions, count: count)
    }

    private mutating func add(_ repetition: UInt8, _ definition: UInt8) {
        count += 1
        if column.maximumDefinitionLevel > 0 { definitions.append(definition) }
        if column.maximumRepetitionLevel > 0 { repetitions.append(repetition) }
    }

    mutating func addNothing(_ repetition: UInt8, _ definition: UInt8) {
        add(repetition, definition)
    }

    /// Reads a value, and tells about how many bytes it takes.
    mutating func read(
        _ kind: AvroDataKind, _ cursor: inout AvroCursor, _ repetition: UInt8, _ definition: UInt8
    ) throws(AvroError) -> Int {
        add(repetition, definition)
        switch kind {
        case .boolean: booleans.append(try cursor.boolean())
        case .int: ints.append(Int32(truncatingIfNeeded: try cursor.int()))
        case .long: longs.append(try cursor.long())
        case .float: floats.append(Float(bitPattern: try cursor.fixedWidth(UInt32.self)))
        case .double: doubles.append(Double(bitPattern: try cursor.fixedWidth(UInt64.self)))
        case .bytes, .text:
            let value = try cursor.bytes(cursor.length())
            if case .text = kind, String(validating: value, as: UTF8.self) == nil {
                throw cursor.failure(.invalidText(field: column.path.joined(separator: ".")))
            }
            bytes.append(value)
            return Self.entryBytes + MemoryLayout<Int>.size + value.count
        case .fixed(let size):
            fixed.append(try cursor.bytes(size))
            return Self.entryBytes + size
        }
        return Self.entryBytes + MemoryLayout<Int64>.size
    }
}
