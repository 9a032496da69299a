// SPDX-License-Identifier: Apache-2.0

/// Where the values of a column come from when a file does not have it.
public enum ColumnFill: Hashable, Sendable {
    /// There are none.
    case null
    /// The same everywhere: the plain bytes of the value, of a byte string without its length.
    case constant([UInt8])
    /// A row's position in the file, added to the number of the first row; for 64-bit integers.
    case rowOrdinals(from: Int64)
}

/// A file that is rewritten: which of its rows stay, and what is known of it beside its bytes.
public struct ParquetRewriteInput<Source: ParquetByteSource>: Sendable {
    /// The file.
    public var file: ParquetFile<Source>
    /// Positions of the rows that are left out, counted from the file's first row, ascending.
    public var deletedRows: [Int64]
    /// Ids for fields by the path of their names, for a file that carries none.
    public var fieldIDs: [[String]: Int32]
    /// What stands in for fields that the file does not have, by their ids; null if not given.
    public var fills: [Int32: ColumnFill]
    /// Fields of ``fills`` whose nulls are filled as well, if the file has them.
    public var filledNulls: Set<Int32>
    /// How many values of a field are not numbers, where the caller knows that of the whole file.
    public var nanCounts: [Int32: Int64]

    /// Takes a file of which all rows stay.
    public init(
        _ file: ParquetFile<Source>, deletedRows: [Int64] = [],
        fieldIDs: [[String]: Int32] = [:], fills: [Int32: ColumnFill] = [:],
        filledNulls: Set<Int32> = [], nanCounts: [Int32: Int64] = [:]
    ) {
        self.file = file
        self.deletedRows = deletedRows
        self.fieldIDs = fieldIDs
        self.fills = fills
        self.filledNulls = filledNulls
        self.nanCounts = nanCounts
    }

    /// How many rows stay.
    public var keptRowCount: Int64 { file.rowCount - Int64(deletedRows.count) }

    /// Checks that the deleted rows ascend and are rows of the file.
    func check() throws(ParquetError) {
        var last: Int64 = -1
        for row in deletedRows {
            guard row > last else {
                throw .incompatible(
                    reason: "deleted rows must ascend, each once: \(row) follows \(last)")
            }
            last = row
        }
        let count = file.rowCount
        guard last < count else {
            throw .incompatible(
                reason: "row \(last) is to be deleted, and the file has only \(count) rows")
        }
    }
}

extension [Int64] {
    /// The elements of a range of values, in an array that ascends.
    func elements(in range: Range<Int64>) -> ArraySlice<Int64> {
        self[lowerBound(range.lowerBound)..<lowerBound(range.upperBound)]
    }

    private func lowerBound(_ value: Int64) -> Int { self[...].firstPosition(atLeast: value) }
}

extension ArraySlice<Int64> {
    /// Where the row is that has so many before it which stay, in a slice of those that do not.
    ///
    /// - Parameter first: where rows begin; no element is less.
    func position(ofKept ordinal: Int64, from first: Int64) -> Int64 {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            let keptBefore = self[middle] - first - Int64(middle - startIndex)
            if keptBefore <= ordinal { low = middle + 1 } else { high = middle }
        }
        return first + ordinal + Int64(low - startIndex)
    }

    /// The index of the first element that is not less, in a slice that ascends.
    func firstPosition(atLeast value: Int64) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if self[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
