// SPDX-License-Identifier: Apache-2.0

/// Which values of a page stay when rows are left out.
struct RowCut {
    /// Values with nulls, by their positions in the page.
    private(set) var entries: [Range<Int>] = []
    /// Values that are not null, by their positions among those.
    private(set) var values: [Range<Int>] = []
    /// How many rows begin in what stays.
    private(set) var rowCount: Int64 = 0

    /// - Parameters:
    ///   - nextRow: The ordinal of the next row that begins; it is moved behind the page.
    ///   - deleted: The ordinals of deleted rows, ascending.
    init(
        repetition: [UInt8], definition: [UInt8], count: Int, maximumDefinition: Int,
        nextRow: inout Int64, deleted: ArraySlice<Int64>
    ) {
        if repetition.isEmpty {
            cutFlat(count, nextRow, deleted)
            nextRow += Int64(count)
        } else {
            cutNested(repetition, &nextRow, deleted)
        }
        guard maximumDefinition > 0 else {
            values = entries
            return
        }
        let maximum = UInt8(maximumDefinition)
        var (entry, value) = (0, 0)
        for range in entries {
            value += definition[entry..<range.lowerBound].count { $0 == maximum }
            let present = definition[range].count { $0 == maximum }
            values.append(value..<value + present)
            value += present
            entry = range.upperBound
        }
    }

    private mutating func cutFlat(_ count: Int, _ first: Int64, _ deleted: ArraySlice<Int64>) {
        var start = 0
        for row in deleted[deleted.firstPosition(atLeast: first)...] {
            guard row < first + Int64(count) else { break }
            let position = Int(row - first)
            if position > start { entries.append(start..<position) }
            start = position + 1
        }
        if start < count { entries.append(start..<count) }
        rowCount = Int64(entries.reduce(0) { $0 + $1.count })
    }

    private mutating func cutNested(
        _ repetition: [UInt8], _ nextRow: inout Int64, _ deleted: ArraySlice<Int64>
    ) {
        // What a page begins with before its first row belongs to the row before.
        var next = deleted.firstPosition(atLeast: nextRow - 1)
        var isKept = next == deleted.endIndex || deleted[next] != nextRow - 1
        var start = 0
        for (index, level) in repetition.enumerated() where level == 0 {
            while next < deleted.endIndex, deleted[next] < nextRow { next += 1 }
            let stays = next == deleted.endIndex || deleted[next] != nextRow
            if stays != isKept {
                if isKept, index > start { entries.append(start..<index) }
                start = index
                isKept = stays
            }
            rowCount += stays ? 1 : 0
            nextRow += 1
        }
        if isKept, start < repetition.count { entries.append(start..<repetition.count) }
    }
}

extension Array {
    /// The elements of some ranges.
    func keeping(_ ranges: [Range<Int>]) -> [Element] {
        var kept: [Element] = []
        kept.reserveCapacity(ranges.reduce(0) { $0 + $1.count })
        for range in ranges { kept += self[range] }
        return kept
    }
}
