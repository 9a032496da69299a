// SPDX-License-Identifier: Apache-2.0

/// Positions in a source's dictionary that did not fit into the merged one.
struct GatheredDictionary {
    var bytes: [UInt8] = []
    var entries = DictionaryEntries()
    var keys: DictionaryKeys?
}

extension ColumnStitcher {
    /// Moves the pages of a part one after the other.
    mutating func stitch(
        _ part: Part, _ merged: MergedDictionary, use: MergedDictionary.Use,
        to writer: inout FileWriter<Source, Sink>
    ) async throws(Failure) {
        guard let source = part.source else { return }
        var stream: PageStream<Source>
        var facts: PageFacts
        do throws(ParquetReadError<Source.Failure>) {
            stream = try part.stream(windowSize: PageStream<Source>.usualWindow)
            let offsets = try await part.file.offsetIndex(rowGroup: part.rowGroup, column: source)
            let bounds =
                part.keepsBounds
                ? try await part.file.columnIndex(rowGroup: part.rowGroup, column: source) : nil
            facts = PageFacts(
                offsets: offsets, bounds: bounds, order: part.sourceOrder(order))
        } catch { throw Failure(error) }
        var mover = PartMover(
            part: part, use: use, merged: merged, nextRow: part.firstRow)
        while true {
            let next: StoredPage?
            do { next = try await stream.next() } catch { throw Failure(error) }
            guard let page = next else { break }
            do throws(ParquetError) {
                if case .dictionary(let header) = page.header.kind {
                    if case .gathered = use {
                        let found = try dictionary(page, header, stream, part)
                        filter?.insert(found.bytes, found.entries)
                        mover.gathered = GatheredDictionary(
                            bytes: found.bytes, entries: found.entries)
                    }
                    continue
                }
                try move(page, facts.next(page), &stream, &mover, to: &writer)
            } catch { throw .format(error) }
            try await writer.flush()
        }
    }

    /// Where moving the pages of a part has come to.
    struct PartMover {
        let part: Part
        let use: MergedDictionary.Use
        let merged: MergedDictionary
        var nextRow: Int64
        var gathered = GatheredDictionary()

        /// Whether a page of so many rows is left out as a whole; false where that is not known.
        func isLeftOut(_ rows: Int64?) -> Bool {
            guard let rows, rows > 0, rows <= part.deleted.count else { return false }
            let last = part.deleted.firstPosition(atLeast: nextRow) + Int(rows) - 1
            return last < part.deleted.endIndex && part.deleted[last] == nextRow + rows - 1
        }

        /// Whether rows of a page of so many are left out; false where that is not known yet.
        func isTouched(_ rows: Int64?) -> Bool {
            guard !part.deleted.isEmpty, let rows else { return false }
            let position = part.deleted.firstPosition(atLeast: nextRow)
            return position < part.deleted.endIndex && part.deleted[position] < nextRow + rows
        }
    }

    private mutating func move(
        _ page: StoredPage, _ known: ValueBounds?, _ stream: inout PageStream<Source>,
        _ mover: inout PartMover, to writer: inout FileWriter<Source, Sink>
    ) throws(ParquetError) {
        let (count, encoding) = page.header.dataCounts
        guard count > 0 else { return }
        // Of pages of lists and maps only the levels tell: writers begin them within a row, and
        // count and index their rows as if they did not.
        let rows = stream.column.maximumRepetitionLevel == 0 ? Int64(count) : nil
        if let rows, mover.isLeftOut(rows) {
            mover.nextRow += rows
            return
        }
        let isFair =
            count >= fairCount || Int(page.header.uncompressedSize) >= Self.fairSize
        var standsAlone = !encoding.usesDictionary
        if case .same = mover.use, !isPastPositions { standsAlone = true }
        if known?.isAllNull == true, keepsToPositions(mover.merged) { standsAlone = false }
        let couldMove =
            standsAlone && isFair && stream.chunk.codec == codec
            && mover.part.projection.isVerbatim && !mover.isTouched(rows)
        let isAnew = compressesAnew(page, couldMove ? mover.part : nil)
        let isAsWanted = couldMove && !isAnew
        let bounds = converted(known, mover.part)
        let isKnown =
            (mover.part.deleted.isEmpty || isTrusted(known))
            && (filter == nil || encoding.usesDictionary)
        if isAsWanted, isKnown, let rows {
            try putVerbatim(page, stream.window, mover.part, rows: rows, bounds, to: &writer)
            note(bounds)
            mover.nextRow += rows
            return
        }
        try work.load(page, stream.window, stream.column, codec: stream.chunk.codec, codecs)
        guard !work.beginsWithinRow || mover.nextRow > mover.part.firstRow else {
            throw .malformed(reason: "the first row begins in its middle", at: page.place)
        }
        try work.keep(
            stream.column, leaf, mover.part.projection.levels, nextRow: &mover.nextRow,
            deleted: mover.part.deleted)
        if work.beginsWithinRow { ledger.forgoOffsets() }
        let isVerbatim =
            isAsWanted && !work.isChanged
            && !(work.isAllNull && keepsToPositions(mover.merged))
        let isLarge = PageWork.isLarge(page.header)
        if isLarge, !isVerbatim { stream.dropLargeWindow() }
        try moveLoaded(
            page, encoding, bounds ?? work.nullBounds, stream, &mover,
            form: isVerbatim ? .verbatim : isLarge ? .large : isFair ? .fair : .small, to: &writer)
        work.dropLarge()
    }

    /// Whether a page is compressed anew although it could move as it is.
    ///
    /// - Parameter part: Its part; nil for a page that cannot move as it is.
    private mutating func compressesAnew(_ page: StoredPage, _ part: Part?) -> Bool {
        let holdsValues = !page.header.dataCounts.encoding.usesDictionary
        let isCandidate =
            codec == .zstandard && holdsValues && part?.isWhole == true
            && !PageWork.isLarge(page.header)
        return probe.next(isCandidate ? Int(page.header.uncompressedSize) : 0)
    }

    /// How a page that was looked into is written.
    enum Form {
        /// Byte for byte.
        case verbatim
        /// By itself, because it is large enough.
        case fair
        /// With others.
        case small
        /// In pieces, because it takes too much memory.
        case large
    }

    private mutating func moveLoaded(
        _ page: StoredPage, _ encoding: ParquetEncoding, _ bounds: ValueBounds?,
        _ stream: PageStream<Source>, _ mover: inout PartMover, form: Form,
        to writer: inout FileWriter<Source, Sink>
    ) throws(ParquetError) {
        var piece = work.piece(bounds: mover.part.deleted.isEmpty ? bounds : nil)
        guard piece.valueCount > 0 else { return }
        if encoding.usesDictionary || work.isAllNull && keepsToPositions(mover.merged) {
            try moveLoaded(positions: page, piece, stream, &mover, form: form, to: &writer)
            return
        }
        let limits = mover.part.file.limits
        let isPlainAsIs =
            encoding == .plain && !work.isChanged && mover.part.projection.conversion == .none
            && mover.part.deleted.isEmpty
        if form != .large, isPlainAsIs || form != .small && mover.part.isWhole {
            if filter != nil {
                let values = try work.decodeValues(page, encoding, stream.column, limits: limits)
                filter?.insert(values, 0..<values.count)
            }
            note(piece.bounds)
            if form == .verbatim {
                try putVerbatim(page, piece, stream, mover.part, to: &writer)
            } else {
                try moveValues(page, encoding, piece, isFair: form == .fair, to: &writer)
            }
            return
        }
        let wanted = try mover.part.projection.conversion.convert(
            work.decodeValues(page, encoding, stream.column, limits: limits))
        if form == .large { work.dropLarge() }
        filter?.insert(wanted, 0..<wanted.count)
        if !mover.part.deleted.isEmpty {
            var scan = ValueScan(order)
            scan.add(wanted, 0..<wanted.count)
            piece.bounds = scan.result(nullCount: Int64(piece.valueCount - wanted.count))
        }
        note(piece.bounds)
        let kept = ValueEncoder.encodes(encoding, leaf.type) ? encoding : .plain
        switch form {
        case .verbatim: try putVerbatim(page, piece, stream, mover.part, to: &writer)
        case .large: try putInPieces(piece, wanted, kept, to: &writer)
        case .fair, .small:
            // As plain values they may be many times the page.
            let bytes = wanted.plainSize(0..<wanted.count)
            guard bytes <= PageBody.largeSize else {
                try putInPieces(piece, wanted, kept, to: &writer)
                return
            }
            try makeRoom(for: .values(kept), piece, bytes: bytes, to: &writer)
            assembler.append(piece, values: wanted, 0..<wanted.count, kept)
        }
    }

    private mutating func moveLoaded(
        positions page: StoredPage, _ piece: PageAssembler.Piece, _ stream: PageStream<Source>,
        _ mover: inout PartMover, form: Form, to writer: inout FileWriter<Source, Sink>
    ) throws(ParquetError) {
        var piece = piece
        let count =
            switch mover.use {
            case .same: mover.merged.count
            case .remapped(let mapping): mapping.count
            case .gathered: mover.gathered.entries.count
            }
        try work.decodePositions(page, below: count)
        if case .remapped(let mapping) = mover.use { work.remap(mapping) }
        if !mover.part.deleted.isEmpty {
            piece.bounds = positionBounds(0..<work.present, of: work.entryCount, &mover)
        }
        note(piece.bounds)
        if form == .verbatim {
            try putVerbatim(page, piece, stream, mover.part, to: &writer)
        } else if work.isAllNull, keepsToPositions(mover.merged) {
            try movePositions(page, piece, &mover, form, to: &writer)
        } else if case .gathered = mover.use {
            try gather(piece, mover.gathered, &mover, at: page.place, to: &writer)
        } else if isPastPositions {
            let merged = GatheredDictionary(
                bytes: mover.merged.plain, entries: mover.merged.entries)
            try gather(piece, merged, &mover, at: page.place, to: &writer)
        } else {
            try movePositions(page, piece, &mover, form, to: &writer)
        }
    }

    /// Values of a large page in pages of the usual size, as far as rows are not larger.
    mutating func putInPieces(
        _ piece: PageAssembler.Piece, _ values: ColumnValues, _ encoding: ParquetEncoding,
        to writer: inout FileWriter<Source, Sink>
    ) throws(ParquetError) {
        let parts = PageSplitter(piece, leaf).parts(
            ofValues: settings.pageRowLimit, bytes: settings.pageSizeBytes
        ) { values.plainSize($0..<$0 + 1) }
        for part in parts {
            if part.beginsWithinRow { ledger.forgoOffsets() }
            var split = part.piece
            if part.isCut { split.bounds = bounds(of: values, part) }
            try makeRoom(
                for: .values(encoding), split, bytes: values.plainSize(part.values), to: &writer)
            assembler.append(split, values: values, part.values, encoding)
            // A row may be as large as the page was.
            if assembler.byteCount > PageBody.largeSize { try flushAssembler(to: &writer) }
        }
    }

    func bounds(of values: ColumnValues, _ part: PageSplitter.Part) -> ValueBounds {
        var scan = ValueScan(order)
        scan.add(values, part.values)
        return scan.result(nullCount: Int64(part.piece.valueCount - part.values.count))
    }

    /// Whether what is known of a page is so exactly: byte strings may have been shortened.
    private func isTrusted(_ known: ValueBounds?) -> Bool {
        guard let bounds = known, bounds.nullCount != nil else { return false }
        switch leaf.type {
        case .byteArray, .fixedLengthByteArray, .int96: return bounds.isAllNull
        case .float, .double: return bounds.nanCount != nil && bounds.bounds != nil
        case .boolean, .int32, .int64: return bounds.bounds != nil || bounds.isAllNull
        }
    }

    private func converted(_ bounds: ValueBounds?, _ part: Part) -> ValueBounds? {
        guard var bounds, part.projection.conversion != .none, let source = part.leaf else {
            return bounds
        }
        bounds.convert(part.projection.conversion, source)
        return bounds
    }

    /// What is known of some of the positions at hand, and the nulls among so many values.
    ///
    /// A part of a page has bounds of its own: those of all of it would stand in the page index as
    /// if the part reached them, and the next rewrite would take them for the column's.
    private mutating func positionBounds(
        _ range: Range<Int>, of valueCount: Int, _ mover: inout PartMover
    ) -> ValueBounds? {
        guard let order else { return nil }
        let nulls = Int64(valueCount - range.count)
        if case .gathered = mover.use {
            let keys =
                mover.gathered.keys
                ?? DictionaryKeys(
                    mover.gathered.bytes, mover.gathered.entries, order)
            mover.gathered.keys = keys
            return keys.bounds(work.positions[range], nullCount: nulls)
        }
        let keys =
            mergedKeys
            ?? DictionaryKeys(mover.merged.plain, mover.merged.entries, order)
        mergedKeys = keys
        return keys.bounds(work.positions[range], nullCount: nulls)
    }

    /// Adds what is known of a page to what is known of its part.
    mutating func note(_ bounds: ValueBounds?) {
        var unknown = ValueBounds()
        (unknown.nullCount, unknown.nanCount, unknown.isAllNull) = (nil, nil, false)
        unknown.hasNothingToBound = false
        known[known.count - 1].add(bounds ?? unknown, order: order)
    }

    /// Values that stand alone, but small or in another codec.
    private mutating func moveValues(
        _ page: StoredPage, _ encoding: ParquetEncoding, _ piece: PageAssembler.Piece,
        isFair: Bool, to writer: inout FileWriter<Source, Sink>
    ) throws(ParquetError) {
        guard encoding == .plain, !isFair else {
            try putAlone(page, piece, encoding, work.values, to: &writer)
            return
        }
        try makeRoom(for: .plain, piece, to: &writer)
        do throws(DecodeFault) {
            let body = work.body
            if leaf.type == .boolean {
                try assembler.append(
                    piece, booleans: body.bytes.span.bytes.extracting(body.values),
                    present: work.present)
            } else {
                assembler.append(piece, plain: body.bytes.span.bytes, body.values)
            }
        } catch { throw error.at(page.place) }
    }

    private mutating func movePositions(
        _ page: StoredPage, _ piece: PageAssembler.Piece, _ mover: inout PartMover, _ form: Form,
        to writer: inout FileWriter<Source, Sink>
    ) throws(ParquetError) {
        guard form == .fair, work.body.hasCurrentLevels, !work.isChanged else {
            let limit = form == .large ? settings.pageRowLimit : .max
            for part in PageSplitter(piece, leaf).parts(ofValues: limit) {
                var split = part.piece
                if part.isCut {
                    split.bounds = positionBounds(part.values, of: split.valueCount, &mover)
                }
                try makeRoom(for: .positions, split, to: &writer)
                assembler.append(split, positions: work.positions[part.values])
            }
            return
        }
        var values: [UInt8] = []
        PageAssembler.appendPositions(work.positions, to: &values)
        try putAlone(page, piece, .rleDictionary, values[...], to: &writer)
    }

    /// Plain values of a dictionary that may not be used, in pages of a good size.
    private mutating func gather(
        _ piece: PageAssembler.Piece, _ dictionary: GatheredDictionary, _ mover: inout PartMover,
        at place: ParquetPlace, to writer: inout FileWriter<Source, Sink>
    ) throws(ParquetError) {
        let hasLengths = dictionary.entries.width == nil
        if hasLengths {
            do throws(DecodeFault) {
                try UnfoldedPage.check(
                    work.positions, limit: mover.part.file.limits.unfoldedBytes
                ) { dictionary.entries.byteCount(Int($0)) }
            } catch { throw error.at(place) }
        }
        let positions = work.positions
        let size = { (value: Int) in
            // The length of a value precedes it.
            dictionary.entries.byteCount(Int(positions[value])) + (hasLengths ? 4 : 0)
        }
        let parts = PageSplitter(piece, leaf).parts(
            ofValues: settings.pageRowLimit, bytes: settings.pageSizeBytes, size: size)
        for part in parts {
            if part.beginsWithinRow { ledger.forgoOffsets() }
            var split = part.piece
            if part.isCut {
                split.bounds = positionBounds(part.values, of: split.valueCount, &mover)
            }
            let bytes = part.values.reduce(0) { $0 + size($1) }
            try makeRoom(for: .plain, split, bytes: bytes, to: &writer)
            do throws(DecodeFault) {
                try assembler.append(
                    split, gathering: positions[part.values],
                    of: dictionary.bytes.span.bytes, dictionary.entries,
                    limit: mover.part.file.limits.pageBytes)
            } catch { throw error.at(place) }
        }
    }
}
