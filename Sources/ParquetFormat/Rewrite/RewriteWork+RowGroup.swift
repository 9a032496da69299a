// SPDX-License-Identifier: Apache-2.0

/// What a new row group is made of.
private struct RowGroupParts<Source: ParquetByteSource>: Sendable {
    let parts: [RewritePlan.Part]
    /// The file of each, in memory if all of them fit.
    let files: [ParquetFile<Source>]
    /// Of each the rows that are left out, and the ordinal of its first row.
    let deleted: [(rows: ArraySlice<Int64>, firstRow: Int64)]
    /// How many rows stay.
    let rowCount: Int64

    /// Whether all columns are encoded anew: each part of a row group that is divided would take
    /// over the dictionary of all of it.
    var isEncodedAnew: Bool { parts.contains { $0.rows != nil } }
}

extension RewriteWork {
    /// Writes a new row group and says what it lacks of its sources.
    func write(
        _ group: [RewritePlan.Part], _ files: [ParquetFile<Source>], _ pageCodecs: PageCodec,
        to writer: inout FileWriter<Source, Sink>
    ) async throws(Failure) -> [String] {
        let start = writer.offset
        let rows = group.reduce(Int64(0)) { $0 + inputs[$1.file].rowCount(of: $1) }
        let group = RowGroupParts(
            parts: group, files: files, deleted: group.map { inputs[$0.file].deleted(in: $0) },
            rowCount: rows)
        var losses: [String] = []
        var chunks: [NewChunk] = []
        if decision.way == .encode {
            for column in schema.columns.indices {
                let (chunk, loss) = try await make(column, group, pageCodecs, to: &writer)
                if let loss { losses.append(loss) }
                chunks.append(chunk)
            }
        } else {
            chunks = try await stitch(group, pageCodecs, to: &writer, &losses)
        }
        try await writer.add(chunks, rowCount: rows, from: start)
        return losses
    }

    private func check(
        _ written: Int64, _ column: Int, of group: RowGroupParts<Source>
    ) throws(Failure) {
        guard written == group.rowCount else {
            let name = schema.columns[column].name
            throw .format(
                .incompatible(reason: "column \(name) has \(written) rows, not \(group.rowCount)"))
        }
    }

    // MARK: Stitching

    /// Puts the columns of a row group together, several at once.
    ///
    /// A column waits in memory for those before it; one that is too large for that is made when
    /// nothing waits.
    private func stitch(
        _ group: RowGroupParts<Source>, _ pageCodecs: PageCodec,
        to writer: inout FileWriter<Source, Sink>, _ losses: inout [String]
    ) async throws(Failure) -> [NewChunk] {
        var chunks: [NewChunk] = []
        var next = 0
        while next < schema.columns.count {
            let end = columnsAtOnce(from: next, group)
            if end - next > 1 {
                for made in try await stitchApart(next..<end, group) {
                    var (chunk, loss) = (made.chunk, made.loss)
                    if let pages = made.pages {
                        chunk.move(by: writer.offset)
                        for piece in pages { try await writer.write(piece) }
                    } else {
                        (chunk, loss) = try await make(
                            chunk.column, group, pageCodecs, to: &writer)
                    }
                    if let loss { losses.append(loss) }
                    chunks.append(chunk)
                }
            } else {
                let (chunk, loss) = try await make(next, group, pageCodecs, to: &writer)
                if let loss { losses.append(loss) }
                chunks.append(chunk)
            }
            next = end
        }
        return chunks
    }

    /// Makes one column of the row group.
    private func make<Pages: ParquetByteSink>(
        _ column: Int, _ group: RowGroupParts<Source>, _ pageCodecs: PageCodec,
        to writer: inout FileWriter<Source, Pages>
    ) async throws(Failure) -> (NewChunk, loss: String?)
    where Pages.Failure == Sink.Failure {
        let sources = sources(of: column, group)
        let chunk: NewChunk
        if decision.way == .encode || group.isEncodedAnew
            || ColumnMix(sources.parts).losesDictionaries
        {
            var encoder = ColumnReencoder<Source, Pages>(
                sources.parts, column: column, leaf: schema.columns[column],
                order: sources.order, codec: codecs[column], settings: settings,
                codecs: pageCodecs, filter: sources.filter)
            chunk = try await encoder.encode(to: &writer)
        } else {
            var stitcher = ColumnStitcher<Source, Pages>(
                sources.parts, column: column, leaf: schema.columns[column],
                order: sources.order, codec: codecs[column], settings: settings,
                codecs: pageCodecs, filter: sources.filter)
            chunk = try await stitcher.stitch(to: &writer)
        }
        try check(chunk.rowCount, column, of: group)
        return (chunk, sources.loss)
    }

    /// A column that was put together in memory.
    private struct Apart: Sendable {
        let chunk: NewChunk
        /// Nil if they became too many to wait.
        let pages: [[UInt8]]?
        let loss: String?
    }

    private func stitchApart(
        _ columns: Range<Int>, _ group: RowGroupParts<Source>
    ) async throws(Failure) -> [Apart] {
        let results = await withTaskGroup(of: (Int, Result<Apart, Failure>).self) { tasks in
            var made = [Result<Apart, Failure>?](repeating: nil, count: columns.count)
            var left = columns
            func start() {
                guard let column = left.popFirst() else { return }
                tasks.addTask { (column - columns.lowerBound, await apart(column, group)) }
            }
            for _ in 0..<settings.columnsAtOnce { start() }
            while let (index, result) = await tasks.next() {
                if case .failure = result {
                    tasks.cancelAll()
                    return [result]
                }
                made[index] = result
                start()
            }
            return made.compactMap(\.self)
        }
        var all: [Apart] = []
        for result in results { all.append(try result.get()) }
        return all
    }

    private func apart(
        _ column: Int, _ group: RowGroupParts<Source>
    ) async -> Result<Apart, Failure> {
        do throws(Failure) {
            let limit = 2 * (estimate(column, group) ?? 0) + Self.smallColumn
            var writer = FileWriter<Source, GatheredPages<Sink.Failure>>(
                pagesTo: GatheredPages(limit: limit))
            let (chunk, loss) = try await make(column, group, PageCodec(), to: &writer)
            return .success(
                Apart(chunk: chunk, pages: try await writer.finishPages().pieces, loss: loss))
        } catch { return .failure(error) }
    }

    /// What a column may take in memory beside twice what its sources take.
    private static var smallColumn: Int64 { 64 << 10 }

    /// Behind the columns, from one on, that are put together in memory before any is written.
    private func columnsAtOnce(from first: Int, _ group: RowGroupParts<Source>) -> Int {
        guard settings.columnsAtOnce > 1 else { return first + 1 }
        var bytes: Int64 = 0
        for column in first..<schema.columns.count {
            guard let more = estimate(column, group), bytes + more <= settings.waitingBytes else {
                return max(column, first + 1)
            }
            bytes += more
        }
        return schema.columns.count
    }

    /// About how many bytes a column of the new row group takes; nil where a page may take much
    /// memory by itself, or all pages wait for the end of a dictionary.
    private func estimate(_ column: Int, _ group: RowGroupParts<Source>) -> Int64? {
        var sum: Int64 = 0
        for (part, file) in zip(group.parts, group.files) {
            guard let source = projections[part.file].columns[column].source,
                let chunk = file.rowGroups[part.rowGroup].columns[source].metadata
            else { continue }
            guard chunk.uncompressedSize <= PageBody.largeSize else { return nil }
            sum += codecs[column] == .uncompressed ? chunk.uncompressedSize : chunk.compressedSize
        }
        let isEncoded =
            group.isEncodedAnew || ColumnMix(parts(of: column, group)).losesDictionaries
        return isEncoded ? nil : sum
    }

    // MARK: Sources

    /// What a column of the new row group is made of.
    private struct ColumnSources {
        let parts: [ColumnPart<Source>]
        let order: BoundsOrder?
        let filter: BloomFilterBuilder?
        /// What the new column lacks of them.
        let loss: String?
    }

    private func sources(of column: Int, _ group: RowGroupParts<Source>) -> ColumnSources {
        let leaf = schema.columns[column]
        let parts = parts(of: column, group)
        // Row groups without the column have no say in its filter.
        let chunks = parts.filter(\.projection.hasValues).compactMap(\.chunk)
        let filter = settings.bloomFilters.builder(leaf, from: chunks)
        let isLost =
            filter == nil && settings.bloomFilters.columns[leaf.name] == nil
            && chunks.contains { $0.bloomFilterOffset != nil }
        return ColumnSources(
            parts: parts, order: BoundsOrder(leaf, order: merge.metadata.columnOrders?[column]),
            filter: filter,
            loss: isLost
                ? "bloom filters of \(leaf.name), which not all row groups have" : nil)
    }

    private func parts(
        of column: Int, _ group: RowGroupParts<Source>
    ) -> [ColumnPart<Source>] {
        group.parts.indices.map { part($0, of: group, column: column, schema.columns[column]) }
    }

    private func part(
        _ index: Int, of group: RowGroupParts<Source>, column: Int, _ leaf: ParquetColumn
    ) -> ColumnPart<Source> {
        let (part, file) = (group.parts[index], group.files[index])
        let projection = projections[part.file].columns[column]
        let deleted = group.deleted[index]
        // A count for the file is one for its row group only where that is its only one.
        let nanCount = leaf.fieldID.flatMap { inputs[part.file].nanCounts[$0] }
        let isKnown = nanCount == 0 || file.rowGroups.count == 1 && part.rows == nil
        return ColumnPart(
            file: file, rowGroup: part.rowGroup, projection: projection, source: projection.source,
            keepsBounds: merge.keepsBounds[part.file], firstRow: deleted.firstRow,
            deleted: deleted.rows, nanCount: isKnown ? nanCount : nil)
    }
}
