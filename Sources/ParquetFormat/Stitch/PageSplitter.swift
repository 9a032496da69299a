// SPDX-License-Identifier: Apache-2.0

/// Divides the values of a page among several, between rows where that is possible.
struct PageSplitter {
    /// A part of a page.
    struct Part {
        /// Its levels; without bounds where it is not all of the page.
        let piece: PageAssembler.Piece
        /// Whether there are other parts.
        let isCut: Bool
        /// Its share of the values that are not null.
        let values: Range<Int>
        /// Whether it goes on with the row that the part before ended in.
        let beginsWithinRow: Bool
    }

    private let piece: PageAssembler.Piece
    private let maximumDefinition: UInt8
    private let isFlat: Bool

    init(_ piece: PageAssembler.Piece, _ column: ParquetColumn) {
        self.piece = piece
        maximumDefinition = UInt8(column.maximumDefinitionLevel)
        isFlat = column.maximumRepetitionLevel == 0
    }

    /// Parts of so many values, and what follows of the row in which there are as many.
    func parts(ofValues limit: Int) -> [Part] {
        let limit = max(limit, 1)
        var ends: [Int] = []
        var end = 0
        while end < piece.valueCount {
            end = piece.valueCount - end > limit ? end + limit : piece.valueCount
            while end < piece.valueCount, !beginsRow(end) { end += 1 }
            ends.append(end)
        }
        return parts(endingAt: ends)
    }

    /// The same with parts of at most so many bytes, as far as rows take no more: those of more
    /// than ``PageBody/largeSize`` go on in the next part.
    ///
    /// - Parameter size: The bytes of a value, by its place among those that are not null.
    func parts(ofValues limit: Int, bytes: Int, size: (Int) -> Int) -> [Part] {
        let limit = max(limit, 1)
        var ends: [Int] = []
        var (start, position, sum) = (0, 0, 0)
        // Where the last row begins, and what the part takes before it.
        var row = (start: 0, before: 0)
        for entry in 0..<piece.valueCount {
            if beginsRow(entry) {
                if entry - start >= limit {
                    ends.append(entry)
                    (start, sum) = (entry, 0)
                }
                row = (entry, sum)
            }
            var added = 0
            if isPresent(entry) {
                added = size(position)
                position += 1
            }
            sum += added
            // A row that is too much for this part begins the next.
            if sum > bytes, row.start > start {
                ends.append(row.start)
                (start, sum) = (row.start, sum - row.before)
            }
            if sum > PageBody.largeSize, entry > start {
                ends.append(entry)
                (start, sum) = (entry, added)
            }
        }
        return parts(endingAt: ends + [piece.valueCount])
    }

    private func beginsRow(_ entry: Int) -> Bool { isFlat || piece.repetitionLevels[entry] == 0 }

    private func isPresent(_ entry: Int) -> Bool {
        maximumDefinition == 0 || piece.definitionLevels[entry] == maximumDefinition
    }

    private func parts(endingAt ends: [Int]) -> [Part] {
        var parts: [Part] = []
        var (start, position) = (0, 0)
        for end in ends {
            let entries = start..<end
            let present = maximumDefinition == 0 ? entries.count : entries.count(where: isPresent)
            parts.append(
                Part(
                    piece: ends.count == 1 ? piece : part(entries), isCut: ends.count > 1,
                    values: position..<position + present,
                    beginsWithinRow: start > 0 && !beginsRow(start)))
            (start, position) = (end, position + present)
        }
        return parts
    }

    private func part(_ entries: Range<Int>) -> PageAssembler.Piece {
        var part = piece
        part.valueCount = entries.count
        part.rowCount = Int64(isFlat ? entries.count : entries.count(where: beginsRow))
        if !isFlat { part.repetitionLevels = piece.repetitionLevels[entries] }
        if maximumDefinition > 0 { part.definitionLevels = piece.definitionLevels[entries] }
        part.bounds = nil
        return part
    }
}
