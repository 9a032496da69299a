// SPDX-License-Identifier: Apache-2.0

extension ColumnStitcher {
    /// Writes what a file gives to a column that it does not have, or whose nulls are filled.
    mutating func generate(
        _ part: Part, _ merged: MergedDictionary, use: MergedDictionary.Use,
        to writer: inout FileWriter<Source, Sink>
    ) async throws(Failure) {
        var position: UInt32?
        switch use {
        case .same: position = 0
        case .remapped(let mapping): position = mapping.first
        case .gathered: break
        }
        var batches = PartBatches(part, target: leaf, rowLimit: settings.pageRowLimit)
        while true {
            let next: ColumnBatch?
            do { next = try await batches.next() } catch { throw Failure(error) }
            guard let batch = next else { break }
            let isNull = batch.values.count == 0 && keepsToPositions(merged)
            let used = isPastPositions ? nil : isNull ? 0 : position
            do { try put(batch, used, to: &writer, part) } catch { throw .format(error) }
            try await writer.flush()
        }
    }

    private mutating func put(
        _ batch: ColumnBatch, _ position: UInt32?, to writer: inout FileWriter<Source, Sink>,
        _ part: Part
    ) throws(ParquetError) {
        guard batch.count > 0 else { return }
        var scan = ValueScan(order)
        scan.add(batch.values, 0..<batch.values.count)
        let bounds = scan.result(nullCount: Int64(batch.count - batch.values.count))
        note(bounds)
        let rows = batch.rowCount
        if batch.repetitionLevels.first ?? 0 > 0 { ledger.forgoOffsets() }
        let piece = PageAssembler.Piece(
            valueCount: batch.count, rowCount: Int64(rows),
            repetitionLevels: batch.repetitionLevels[...],
            definitionLevels: batch.definitionLevels[...], bounds: bounds)
        if let position {
            for part in PageSplitter(piece, leaf).parts(ofValues: PageAssembler.valueLimit) {
                var split = part.piece
                if part.isCut { split.bounds = self.bounds(of: batch.values, part) }
                try makeRoom(for: .positions, split, to: &writer)
                let positions = [UInt32](repeating: position, count: part.values.count)
                assembler.append(split, positions: positions[...])
            }
            return
        }
        filter?.insert(batch.values, 0..<batch.values.count)
        // Row ids hardly take any room as differences.
        let isCounted = part.projection.fill.isCounted && leaf.type == .int64
        let encoding: ParquetEncoding = isCounted ? .deltaBinaryPacked : .plain
        try putInPieces(piece, batch.values, encoding, to: &writer)
    }
}

extension ColumnFill {
    fileprivate var isCounted: Bool {
        switch self {
        case .rowOrdinals: true
        case .null, .constant: false
        }
    }
}

/// The values that a part gives to a column of the new file, in batches.
struct PartBatches<Source: ParquetByteSource> {
    private let part: ColumnPart<Source>
    private let target: ParquetColumn
    private let rowLimit: Int
    private var transform: BatchTransform
    private var reader: ColumnReader<Source>?
    private var left: Int64
    private static var pageBytes: Int { 1 << 20 }

    init(_ part: ColumnPart<Source>, target: ParquetColumn, rowLimit: Int) {
        self.part = part
        self.target = target
        // A long text in each row is not written as one page.
        let size = if case .constant(let bytes) = part.projection.fill { bytes.count } else { 0 }
        self.rowLimit = max(min(rowLimit, Self.pageBytes / max(size, 1)), 1)
        transform = part.transform(target)
        left = part.file.rowGroups[part.rowGroup].rowCount
    }

    /// The next batch, which may be empty and may begin within a row; nil after the last.
    mutating func next() async throws(ParquetReadError<Source.Failure>) -> ColumnBatch? {
        guard let source = part.source else {
            guard left > 0 else { return nil }
            var rows = ColumnBatch(for: target)
            rows.count = Int(min(left, Int64(rowLimit)))
            left -= Int64(rows.count)
            do { return try transform.apply(rows) } catch { throw .format(error) }
        }
        if reader == nil {
            do {
                reader = try ColumnReader(part.file, rowGroup: part.rowGroup, column: source)
            } catch { throw .format(error) }
        }
        guard let batch = try await reader?.next() else { return nil }
        do { return try transform.apply(batch) } catch { throw .format(error) }
    }
}
