// SPDX-License-Identifier: Apache-2.0

/// Makes one file of many whose small row groups become large ones, without decoding values.
///
/// Columns are worked on one after the other, pages one after the other, so that memory holds a
/// window of one source, one dictionary and the footer. Row groups that stay alone are copied.
/// Bloom filters do not survive in a row group that is put together: those of its sources are for
/// fewer values.
public struct PageStitcher<Source: ParquetByteSource, Sink: ParquetByteSink> {
    /// Why stitching stopped.
    public typealias Failure = ParquetWriteError<Source.Failure, Sink.Failure>

    private let settings: ParquetWriteSettings

    /// Takes how the new file is written.
    public init(settings: ParquetWriteSettings = ParquetWriteSettings()) {
        self.settings = settings
    }

    /// Stitches all row groups of the files, in order, and ends the new file with its footer.
    ///
    /// - Throws: ``ParquetError/incompatible(reason:)`` before anything is written when the schemas
    /// differ in more than the root's name.
    public func stitch(
        _ files: [ParquetFile<Source>], to sink: consuming Sink
    ) async throws(Failure) -> (WrittenParquetFile, Sink) {
        let merge: FooterMerge
        do {
            merge = try FooterMerge(
                files.map { ($0.schema, $0.metadata) }, settings: settings)
        } catch { throw .format(error) }
        let plan = StitchPlan(files.map(\.rowGroups), settings: settings)
        var writer = FileWriter<Source, Sink>(sink)
        let copier = RowGroupCopier<Source, Sink>(settings: settings)
        let codecs = PageCodec()
        var losses = Set(merge.losses)
        for group in plan.groups {
            if let only = group.first, group.count == 1, isCopied(files[only.file], only.rowGroup) {
                try await copier.copyGroup(
                    only.rowGroup, of: files[only.file],
                    keepingBounds: merge.keepsBounds[only.file], to: &writer)
                continue
            }
            let parts = try await load(group, files, merge)
            losses.formUnion(Self.losses(parts))
            try await stitch(parts, merge, codecs, to: &writer)
        }
        return try await writer.finish(merge.metadata, losses: losses.sorted())
    }

    /// Whether a row group that stays alone is as it should be.
    private func isCopied(_ file: ParquetFile<Source>, _ group: Int) -> Bool {
        guard let codec = settings.codec else { return true }
        return file.rowGroups[group].columns.allSatisfy { $0.metadata?.codec == codec }
    }

    private typealias Part = ColumnStitcher<Source, Sink>.Part

    /// The sources of a new row group, in memory if all of them fit.
    private func load(
        _ group: [StitchPlan.Part], _ files: [ParquetFile<Source>], _ merge: FooterMerge
    ) async throws(Failure) -> [Part] {
        var parts: [Part] = []
        let ranges = group.map { Self.loadedRange(files[$0.file], $0.rowGroup) }
        let total = ranges.reduce(Int64(0)) { $0 + Int64($1.count) }
        for (part, range) in zip(group, ranges) {
            var file = files[part.file]
            if total <= settings.loadedBytes {
                do { file = try await file.loading(range) } catch { throw Failure(error) }
            }
            parts.append(
                Part(
                    file: file, rowGroup: part.rowGroup,
                    keepsBounds: merge.keepsBounds[part.file]))
        }
        return parts
    }

    /// The pages of a row group, with the indexes where they are near.
    private static func loadedRange(_ file: ParquetFile<Source>, _ group: Int) -> Range<Int64> {
        let pages = file.span(ofRowGroup: group)
        let near: Int64 = 1 << 20
        let isNear = file.footerStart - pages.upperBound <= near
        return isNear ? pages.lowerBound..<file.footerStart : pages
    }

    private func stitch(
        _ parts: [Part], _ merge: FooterMerge, _ codecs: PageCodec,
        to writer: inout FileWriter<Source, Sink>
    ) async throws(Failure) {
        guard let schema = parts.first?.file.schema else { return }
        let start = writer.offset
        var columns: [ColumnChunk] = []
        var indexes: [FileWriter<Source, Sink>.ChunkIndexes] = []
        let rows = parts.reduce(Int64(0)) { $0 + $1.file.rowGroups[$1.rowGroup].rowCount }
        for (index, leaf) in schema.columns.enumerated() {
            let order = BoundsOrder(leaf, order: merge.metadata.columnOrders?[index])
            var stitcher = ColumnStitcher<Source, Sink>(
                parts, column: index, leaf: leaf, order: order, settings: settings, codecs: codecs)
            let (chunk, index) = try await stitcher.stitch(to: &writer)
            guard stitcher.rowCount == rows else {
                throw .format(
                    .malformed(
                        reason: "column \(leaf.name) has \(stitcher.rowCount) rows, not \(rows)",
                        at: ParquetPlace(.columnChunk, start)))
            }
            columns.append(chunk)
            indexes.append(index)
        }
        writer.add(columns, rowCount: rows, from: start, indexes)
    }

    private static func losses(_ parts: [Part]) -> [String] {
        let chunks = parts.flatMap { $0.file.rowGroups[$0.rowGroup].columns.compactMap(\.metadata) }
        var losses: [String] = []
        if chunks.contains(where: { $0.bloomFilterOffset != nil }) {
            losses.append("bloom filters of row groups that were put together")
        }
        if chunks.contains(where: { $0.geospatialStatistics != nil }) {
            losses.append("bounds of geometries of row groups that were put together")
        }
        if parts.contains(where: { $0.file.rowGroups[$0.rowGroup].isSorted }) {
            losses.append("the note that rows are sorted")
        }
        return losses
    }
}
