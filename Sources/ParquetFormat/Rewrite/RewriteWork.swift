// SPDX-License-Identifier: Apache-2.0

import RowSets

/// Rewriting as it was decided: what goes where, and the hands that do it.
struct RewriteWork<Source: ParquetByteSource, Sink: ParquetByteSink>: Sendable {
    typealias Failure = ParquetWriteError<Source.Failure, Sink.Failure>

    let decision: ParquetRewriteDecision
    let plan: RewritePlan
    /// Whether each new file would be one of the inputs again.
    let repeatsInputs: Bool
    let inputs: [ParquetRewriteInput<Source>]
    let projections: [FileProjection]
    /// For each input, whether its columns are those of the new file as they are.
    private let isSame: [Bool]
    let schema: ParquetSchema
    let merge: FooterMerge
    let codecs: [ParquetCodec]
    let settings: ParquetWriteSettings

    init(
        _ inputs: [ParquetRewriteInput<Source>], target: ParquetSchema?, way: ParquetRewriteWay?,
        settings: ParquetWriteSettings
    ) throws(ParquetError) {
        guard let first = inputs.first else {
            throw .incompatible(reason: "there is no file to make one of")
        }
        let schema = target ?? first.file.schema
        try settings.check(schema)
        var projections: [FileProjection] = []
        var isSame: [Bool] = []
        var facts: [ParquetRewriteFacts] = []
        for input in inputs {
            try input.check()
            let source = try input.file.schema.addingFieldIDs(input.fieldIDs)
            let same =
                (target == nil || source.isSameShape(as: schema)) && input.filledNulls.isEmpty
            isSame.append(same)
            let projection =
                same
                ? FileProjection(identity: schema)
                : try FileProjection(
                    source, to: schema, fills: input.fills, filledNulls: input.filledNulls)
            projections.append(projection)
            facts.append(
                ParquetRewriteFacts(input, projection, hasTargetSchema: same, settings: settings))
        }
        decision = way.map { .asked($0) } ?? ParquetRewriteDecision(facts, settings: settings)
        let mayCopy = isSame.allSatisfy { $0 } && inputs.allSatisfy { $0.deletedRows.isEmpty }
        guard decision.way != .copy || mayCopy else {
            throw .incompatible(
                reason: "row groups cannot be copied where rows are left out or columns change")
        }
        merge = try FooterMerge(
            inputs.map { ($0.file.schema, $0.file.metadata) }, target: target,
            movingPages: decision.way != .encode, settings: settings)
        plan = RewritePlan(facts, settings: settings, stitching: decision.way != .copy)
        repeatsInputs =
            plan.repeatsFiles(of: facts)
            && facts.allSatisfy { $0.hasTargetSchema && $0.hasWantedCodec && $0.hasWantedFilters }
        codecs = schema.columns.indices.map { column in
            settings.codec ?? Self.codec(inputs, projections, column)
        }
        self.schema = schema
        self.inputs = inputs
        self.projections = projections
        self.isSame = isSame
        self.settings = settings
    }

    /// The codec that the column has in the first file that has it; none that is deprecated.
    private static func codec(
        _ inputs: [ParquetRewriteInput<Source>], _ projections: [FileProjection], _ column: Int
    ) -> ParquetCodec {
        var found: ParquetCodec?
        for (input, projection) in zip(inputs, projections) {
            guard case .values(let source) = projection.columns[column].origin else { continue }
            found = input.file.rowGroups.first?.columns[source].metadata?.codec
            if found != nil { break }
        }
        switch found {
        case .lz4Hadoop: return .lz4Raw
        case .lzo, nil: return .zstandard
        case .uncompressed, .snappy, .gzip, .brotli, .zstandard, .lz4Raw:
            return found ?? .zstandard
        }
    }

    // MARK: Writing

    /// Writes one new file.
    func write(
        _ groups: [[RewritePlan.Part]], to sink: consuming Sink
    ) async throws(Failure) -> (WrittenParquetFile, Sink) {
        var writer = FileWriter<Source, Sink>(sink)
        let copier = RowGroupCopier<Source, Sink>(settings: settings)
        let codecs = PageCodec()
        var losses = Set(merge.losses)
        var copied: (index: Int, file: ParquetFile<Source>)?
        for group in groups {
            if let only = group.first, group.count == 1, isCopied(only) {
                let known = copied.flatMap { $0.index == only.file ? $0.file : nil }
                let file =
                    if let known { known } else {
                        try await RowGroupCopier<Source, Sink>.withIndexes(inputs[only.file].file)
                    }
                copied = (only.file, file)
                try await copier.copyGroup(
                    only.rowGroup, of: file, keepingBounds: merge.keepsBounds[only.file],
                    to: &writer)
                continue
            }
            let files = try await load(group)
            losses.formUnion(Self.losses(zip(group, files).map { ($1, $0.rowGroup) }))
            losses.formUnion(try await write(group, files, codecs, to: &writer))
        }
        return try await writer.finish(merge.metadata, schema, losses: losses.sorted())
    }

    /// Whether a row group that stays alone is as it should be.
    private func isCopied(_ part: RewritePlan.Part) -> Bool {
        let input = inputs[part.file]
        guard decision.way != .encode, isSame[part.file], part.rows == nil,
            input.keptRowCount(part.rowGroup) == input.file.rowGroups[part.rowGroup].rowCount
        else { return false }
        guard decision.way == .stitch else { return true }
        let group = input.file.rowGroups[part.rowGroup]
        guard !settings.bloomFilters.areMissing(input.file.schema, in: group) else { return false }
        guard let codec = settings.codec else { return true }
        return group.columns.allSatisfy { $0.metadata?.codec == codec }
    }

    /// The sources of a new row group, in memory if all of them fit.
    private func load(
        _ group: [RewritePlan.Part]
    ) async throws(Failure) -> [ParquetFile<Source>] {
        let ranges = group.map { inputs[$0.file].file.loadedRange($0.rowGroup) }
        let total = ranges.reduce(Int64(0)) { $0 + Int64($1.count) }
        var files: [ParquetFile<Source>] = []
        for (part, range) in zip(group, ranges) {
            var file = inputs[part.file].file
            // Large pages come on top of what is loaded.
            if total <= settings.loadedBytes, !file.mayHaveLargePages(part.rowGroup) {
                do { file = try await file.loading(range) } catch { throw Failure(error) }
            }
            files.append(file)
        }
        return files
    }

    private static func losses(_ groups: [(file: ParquetFile<Source>, rowGroup: Int)]) -> [String] {
        let chunks = groups.flatMap {
            $0.file.rowGroups[$0.rowGroup].columns.compactMap(\.metadata)
        }
        var losses: [String] = []
        if chunks.contains(where: { $0.geospatialStatistics != nil }) {
            losses.append("bounds of geometries of row groups that were put together")
        }
        if groups.contains(where: { $0.file.rowGroups[$0.rowGroup].isSorted }) {
            losses.append("the note that rows are sorted")
        }
        return losses
    }
}

extension ParquetRewriteInput {
    /// The rows of a row group that are left out, and the ordinal of its first row.
    func deleted(inRowGroup index: Int) -> (rows: ArraySlice<Int64>, firstRow: Int64) {
        let range = rows(ofRowGroup: index)
        return (deletedRows.elements(in: range)[...], range.lowerBound)
    }

    private func rows(ofRowGroup index: Int) -> Range<Int64> {
        let first = file.rowGroups[..<index].reduce(Int64(0)) { $0 + $1.rowCount }
        return first..<first + file.rowGroups[index].rowCount
    }

    /// How many rows of a row group stay.
    func keptRowCount(_ index: Int) -> Int64 {
        file.rowGroups[index].rowCount
            - Int64(deletedRows.count(in: rows(ofRowGroup: index)))
    }

    /// How many rows a part has.
    func rowCount(of part: RewritePlan.Part) -> Int64 {
        part.rows.map { Int64($0.count) } ?? keptRowCount(part.rowGroup)
    }

    /// The rows of a part's row group that are left out, those of its other parts among them.
    func deleted(in part: RewritePlan.Part) -> (rows: ArraySlice<Int64>, firstRow: Int64) {
        let (deleted, first) = deleted(inRowGroup: part.rowGroup)
        guard let rows = part.rows else { return (deleted, first) }
        let end = first + file.rowGroups[part.rowGroup].rowCount
        let from = deleted.position(ofKept: rows.lowerBound, from: first)
        let to = deleted.position(ofKept: rows.upperBound - 1, from: first) + 1
        let start = deleted.firstPosition(atLeast: from)
        let within = deleted[start..<deleted.firstPosition(atLeast: to)]
        return (Array(first..<from) + within + Array(to..<end), first)
    }
}

extension ParquetRewriteFacts {
    init<Source>(
        _ input: ParquetRewriteInput<Source>, _ projection: FileProjection, hasTargetSchema: Bool,
        settings: ParquetWriteSettings
    ) {
        let groups = input.file.rowGroups
        // A field that a struct of the file lacks borrows levels from another, and adds nothing.
        let columns = Set(
            projection.columns.compactMap {
                if case .values(let source) = $0.origin { source } else { nil }
            })
        let chunks = groups.flatMap { $0.columns.compactMap(\.metadata) }
        let wanted = settings.codec
        self.init(
            rowGroupBytes: groups.map { group in
                columns.reduce(0) { sum, column in
                    let chunk = group.columns[column].metadata
                    let size =
                        wanted == .uncompressed ? chunk?.uncompressedSize : chunk?.compressedSize
                    // What a footer says of bytes that are not in the file may be any number.
                    return sum &+ min(max(size ?? 0, 0), 1 << 40)
                }
            },
            keptRows: groups.indices.map { input.keptRowCount($0) },
            allRows: groups.map(\.rowCount), hasTargetSchema: hasTargetSchema,
            hasWantedCodec: wanted == nil || chunks.allSatisfy { $0.codec == wanted },
            hasWantedFilters: !groups.contains {
                settings.bloomFilters.areMissing(input.file.schema, in: $0)
            },
            flaw: input.file.metadata.flaw.map { "a file \($0)" })
    }
}

extension ParquetRewriteDecision {
    /// For callers that know the way.
    static func asked(_ way: ParquetRewriteWay) -> ParquetRewriteDecision {
        ParquetRewriteDecision(way: way, reason: "the caller asked for it")
    }
}

extension ParquetFile {
    /// Whether a page of a row group may take much memory, by what the footer says.
    func mayHaveLargePages(_ group: Int) -> Bool {
        rowGroups[group].columns.contains {
            ($0.metadata?.uncompressedSize ?? 0) > PageBody.largeSize
        }
    }

    /// The pages of a row group, with the indexes where they are near.
    func loadedRange(_ group: Int) -> Range<Int64> {
        let pages = span(ofRowGroup: group)
        let near: Int64 = 1 << 20
        let isNear = footerStart - pages.upperBound <= near
        return isNear ? pages.lowerBound..<footerStart : pages
    }
}

extension ParquetSchema {
    /// Whether columns, levels, names and ids are the same, so that row groups of either file are
    /// row groups of the other; annotations that mean the same may be written differently.
    func isSameShape(as other: ParquetSchema) -> Bool {
        nodes.count == other.nodes.count && columns.count == other.columns.count
            && zip(columns, other.columns).allSatisfy {
                $0.type == $1.type && $0.typeLength == $1.typeLength
                    && $0.logicalType == $1.logicalType
            }
            && zip(nodes, other.nodes).dropFirst().allSatisfy {
                $0.name == $1.name && $0.fieldID == $1.fieldID && $0.repetition == $1.repetition
                    && $0.parent == $1.parent && $0.column == $1.column
            }
    }
}
