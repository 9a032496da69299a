// SPDX-License-Identifier: Apache-2.0

/// Finds the footer at the end of a file.
enum FooterBytes {
    /// How much of the end is read at first: the footers of most files fit.
    static let firstRead: Int64 = 64 << 10
    static let magic = Array("PAR1".utf8)
    static let encryptedMagic = Array("PARE".utf8)
    /// The footer's length in four bytes, then the magic.
    static let tail: Int64 = 8

    /// The footer's bytes and where they begin.
    static func read<Source: ParquetByteSource>(
        _ source: Source, limits: ParquetLimits
    ) async throws(ParquetReadError<Source.Failure>) -> ([UInt8], Int64) {
        let size = source.size
        guard size >= tail + Int64(magic.count) else {
            throw .format(.notParquet(reason: "it has \(size) bytes"))
        }
        let start = max(0, size - firstRead)
        let end = try await exactly(source, start..<size)
        if start == 0, !end.starts(with: magic), !end.starts(with: encryptedMagic) {
            throw .format(.notParquet(reason: "it does not begin with PAR1"))
        }
        let mark = Array(end.suffix(magic.count))
        guard mark != encryptedMagic else { throw .format(.encrypted(column: nil)) }
        guard mark == magic else {
            throw .format(.notParquet(reason: "it does not end with PAR1"))
        }
        let length = end.suffix(Int(tail)).prefix(4).reversed().reduce(Int64(0)) {
            $0 << 8 | Int64($1)
        }
        guard length > 0, length <= size - tail - Int64(magic.count) else {
            throw .format(.notParquet(reason: "its footer cannot have \(length) bytes"))
        }
        guard length <= limits.footerBytes else {
            throw .format(
                .tooLarge(part: "the footer", size: length, limit: Int64(limits.footerBytes)))
        }
        let footerStart = size - tail - length
        let footerEnd = Int(size - tail - start)
        guard footerStart < start else {
            return (Array(end[Int(footerStart - start)..<footerEnd]), footerStart)
        }
        let front = try await exactly(source, footerStart..<start)
        return (front + end[..<footerEnd], footerStart)
    }

    private static func exactly<Source: ParquetByteSource>(
        _ source: Source, _ range: Range<Int64>
    ) async throws(ParquetReadError<Source.Failure>) -> [UInt8] {
        let bytes: [UInt8]
        do { bytes = try await source.read(range) } catch { throw .source(error) }
        guard bytes.count == range.count else {
            throw .format(.notParquet(reason: "it is shorter than its stated size"))
        }
        return bytes
    }
}

/// Compares what a footer says with itself and with the file.
struct FooterCheck {
    let schema: ParquetSchema
    let footerStart: Int64

    /// No header of a page is shorter.
    private static let leastPageHeader: Int64 = 8

    private func malformed(_ reason: String) -> ParquetError {
        .malformed(reason: reason, at: ParquetPlace(.footer, footerStart))
    }

    func check(_ metadata: FileMetadata) throws(ParquetError) {
        var rows: Int64 = 0
        var values: Int64 = 0
        for group in metadata.rowGroups {
            guard group.columns.count == schema.columns.count else {
                throw malformed(
                    "a row group has \(group.columns.count) columns "
                        + "instead of \(schema.columns.count)")
            }
            for (chunk, column) in zip(group.columns, schema.columns) {
                try check(chunk, column, rows: group.rowCount)
                let (sum, overflow) = values.addingReportingOverflow(
                    chunk.metadata?.valueCount ?? 0)
                guard !overflow else { throw malformed("the value counts overflow") }
                values = sum
            }
            let (sum, overflow) = rows.addingReportingOverflow(group.rowCount)
            guard !overflow else { throw malformed("the row counts overflow") }
            rows = sum
        }
        // An early writer counted nothing; the row groups are what is read.
        guard rows == metadata.rowCount || metadata.rowCount == 0 else {
            throw malformed("it counts \(metadata.rowCount) rows, its row groups \(rows)")
        }
        if let orders = metadata.columnOrders, orders.count != schema.columns.count {
            throw malformed("it has \(orders.count) column orders")
        }
    }

    private func check(
        _ chunk: ColumnChunk, _ column: ParquetColumn, rows: Int64
    ) throws(ParquetError) {
        guard !chunk.isEncrypted else { throw .encrypted(column: column.name) }
        guard chunk.filePath == nil else {
            throw .unsupported(feature: "a column chunk in another file")
        }
        guard let metadata = chunk.metadata else {
            throw malformed("column \(column.name) has no metadata")
        }
        guard metadata.type == column.type else {
            throw malformed("column \(column.name) has two types")
        }
        let range = metadata.byteRange
        let isWithin =
            range.lowerBound >= 0 && range.upperBound <= footerStart
            && range.lowerBound <= range.upperBound
        guard isWithin else {
            throw malformed("column \(column.name) reaches out of the file")
        }
        // A page states at most so many values, and its header takes some bytes.
        let pages = metadata.compressedSize / Self.leastPageHeader + 1
        let most = pages.multipliedReportingOverflow(by: Int64(Int32.max))
        guard most.overflow || metadata.valueCount <= most.partialValue else {
            throw malformed(
                "column \(column.name) has \(metadata.valueCount) values in "
                    + "\(metadata.compressedSize) bytes")
        }
        // Only lists can make a chunk's values more than its rows, and none makes them fewer.
        let isCountRight =
            column.maximumRepetitionLevel == 0
            ? metadata.valueCount == rows : metadata.valueCount >= rows
        guard isCountRight else {
            throw malformed(
                "column \(column.name) has \(metadata.valueCount) values in \(rows) rows")
        }
    }
}
