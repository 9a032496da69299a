// SPDX-License-Identifier: Apache-2.0

/// Makes one file of many by copying whole row groups byte for byte.
///
/// What moves with a row group: its pages, page indexes and bloom filters, with their offsets
/// changed, statistics, and footer fields that this version does not know. Pages are not looked
/// into, so nothing is decompressed.
public struct RowGroupCopier<Source: ParquetByteSource, Sink: ParquetByteSink> {
    /// Why copying stopped.
    public typealias Failure = ParquetWriteError<Source.Failure, Sink.Failure>

    private let settings: ParquetWriteSettings
    /// How much is copied at once.
    private static var pieceSize: Int64 { 4 << 20 }

    /// Takes how the new file is written.
    public init(settings: ParquetWriteSettings = ParquetWriteSettings()) {
        self.settings = settings
    }

    /// Copies all row groups of the files, in order, and ends the new file with its footer.
    ///
    /// - Throws: ``ParquetError/incompatible(reason:)`` before anything is written when the schemas
    /// differ in more than the root's name.
    public func copy(
        _ files: [ParquetFile<Source>], to sink: consuming Sink
    ) async throws(Failure) -> (WrittenParquetFile, Sink) {
        let merge: FooterMerge
        do {
            merge = try FooterMerge(
                files.map { ($0.schema, $0.metadata) }, settings: settings)
        } catch { throw .format(error) }
        var writer = FileWriter<Source, Sink>(sink)
        for (file, keepsBounds) in zip(files, merge.keepsBounds) {
            try await copy(file, keepingBounds: keepsBounds, to: &writer)
        }
        return try await writer.finish(merge.metadata, files[0].schema, losses: merge.losses)
    }

    private func copy(
        _ file: ParquetFile<Source>, keepingBounds: Bool, to writer: inout FileWriter<Source, Sink>
    ) async throws(Failure) {
        let file = try await Self.withIndexes(file)
        for group in file.rowGroups.indices {
            try await copyGroup(group, of: file, keepingBounds: keepingBounds, to: &writer)
        }
    }

    /// The file with its page indexes in memory, where they are not much.
    static func withIndexes(
        _ file: ParquetFile<Source>
    ) async throws(Failure) -> ParquetFile<Source> {
        do { return try await file.loadingIndexes() } catch { throw Failure(error) }
    }

    /// Copies one row group.
    func copyGroup(
        _ index: Int, of file: ParquetFile<Source>, keepingBounds: Bool,
        to writer: inout FileWriter<Source, Sink>
    ) async throws(Failure) {
        let old = file.rowGroups[index]
        var group = old
        var shifts: [Int64] = []
        group.fileOffset = writer.offset
        for run in Self.runs(old) {
            // All chunks of a run move by as much.
            let shift = writer.offset - run.range.lowerBound
            shifts += repeatElement(shift, count: run.chunkCount)
            try await copyBytes(run.range, of: file, to: &writer)
        }
        var indexes: [FileWriter<Source, Sink>.ChunkIndexes] = []
        for (column, shift) in shifts.enumerated() {
            let leaf = file.schema.columns[column]
            group.columns[column].shift(by: shift)
            group.columns[column].metadata?.statistics =
                old.columns[column].metadata?.statistics?
                .carried(leaf, keepingBounds: keepingBounds)
            indexes.append(
                try await chunkIndexes(
                    file, index, column, shift: shift, keepingBounds: keepingBounds))
        }
        for (column, leaf) in file.schema.columns.enumerated()
        where settings.bloomFilters.columns[leaf.name] != .leftOut {
            try await copyBloomFilter(file, index, column, into: &group, to: &writer)
        }
        group.totalCompressedSize = old.storedSize
        writer.add(group, indexes)
    }

    /// Neighbouring chunks, which are copied as one, and how many they are.
    private static func runs(_ group: RowGroup) -> [(range: Range<Int64>, chunkCount: Int)] {
        var runs: [(range: Range<Int64>, chunkCount: Int)] = []
        for chunk in group.columns {
            let range = chunk.metadata?.byteRange ?? 0..<0
            if let last = runs.last, last.range.upperBound == range.lowerBound {
                let whole = last.range.lowerBound..<range.upperBound
                runs[runs.count - 1] = (whole, last.chunkCount + 1)
            } else {
                runs.append((range, 1))
            }
        }
        return runs
    }

    private func copyBytes(
        _ range: Range<Int64>, of file: ParquetFile<Source>,
        to writer: inout FileWriter<Source, Sink>
    ) async throws(Failure) {
        var start = range.lowerBound
        let place = ParquetPlace(.columnChunk, start)
        while start < range.upperBound {
            let end = min(start + Self.pieceSize, range.upperBound)
            let piece: [UInt8]
            do { piece = try await file.read(start..<end, place) } catch { throw Failure(error) }
            try await writer.pass(piece)
            start = end
        }
    }

    private func chunkIndexes(
        _ file: ParquetFile<Source>, _ group: Int, _ column: Int, shift: Int64, keepingBounds: Bool
    ) async throws(Failure) -> FileWriter<Source, Sink>.ChunkIndexes {
        do throws(ParquetReadError<Source.Failure>) {
            var indexes = FileWriter<Source, Sink>.ChunkIndexes(column: column)
            guard var offsets = try await file.offsetIndex(rowGroup: group, column: column),
                let range = file.rowGroups[group].columns[column].metadata?.byteRange
            else { return indexes }
            for page in offsets.pages.indices {
                let offset = offsets.pages[page].offset
                let size = Int64(offsets.pages[page].compressedSize)
                guard range.contains(offset), size <= range.upperBound - offset else {
                    throw .format(
                        .malformed(
                            reason: "a page lies outside its chunk",
                            at: ParquetPlace(.pageIndex, range.lowerBound)))
                }
                offsets.pages[page].offset += shift
            }
            indexes.offsetIndex = offsets.thriftBytes
            guard keepingBounds else { return indexes }
            let bounds = try await file.columnIndex(rowGroup: group, column: column)
            if let bounds, bounds.nullPages.count == offsets.pages.count {
                indexes.columnIndex = bounds.thriftBytes
            }
            return indexes
        } catch { throw Failure(error) }
    }

    private func copyBloomFilter(
        _ file: ParquetFile<Source>, _ index: Int, _ column: Int, into group: inout RowGroup,
        to writer: inout FileWriter<Source, Sink>
    ) async throws(Failure) {
        do throws(ParquetReadError<Source.Failure>) {
            guard let filter = try await file.bloomFilter(rowGroup: index, column: column),
                let start = file.rowGroups[index].columns[column].metadata?.bloomFilterOffset
            else { return }
            let bytes = try await file.read(
                start..<filter.bits.upperBound, ParquetPlace(.bloomFilter, start))
            group.columns[column].metadata?.bloomFilterOffset = writer.offset
            group.columns[column].metadata?.bloomFilterLength = Int32(bytes.count)
            writer.append(bytes)
        } catch { throw Failure(error) }
        try await writer.flush()
    }
}

extension ParquetWriteError {
    /// Why a source could not be used, while writing.
    init(_ error: ParquetReadError<SourceFailure>) {
        switch error {
        case .source(let failure): self = .source(failure)
        case .format(let error): self = .format(error)
        }
    }
}

extension ColumnChunk {
    /// Says where the chunk is after it was moved; its indexes are written elsewhere.
    mutating func shift(by shift: Int64) {
        // What writers put there differs; 0 says that no metadata lies outside the footer.
        fileOffset = 0
        (offsetIndexOffset, offsetIndexLength) = (nil, nil)
        (columnIndexOffset, columnIndexLength) = (nil, nil)
        guard let old = metadata else { return }
        let range = old.byteRange
        let hasDictionary = old.dictionaryPageOffset.map(range.contains) ?? false
        metadata?.dataPageOffset += shift
        metadata?.dictionaryPageOffset =
            hasDictionary ? old.dictionaryPageOffset.map { $0 + shift } : nil
        metadata?.indexPageOffset = nil
        metadata?.bloomFilterOffset = nil
        metadata?.bloomFilterLength = nil
    }
}
