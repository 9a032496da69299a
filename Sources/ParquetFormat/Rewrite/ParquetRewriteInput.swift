// SPDX-License-Identifier: Apache-2.0

public import RowSets

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
    /// Positions of the rows that are left out, counted from the file's first row.
    public var deletedRows: RowPositions
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
        _ file: ParquetFile<Source>, deletedRows: RowPositions = [],
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

    /// Checks that the deleted rows are rows of the file.
    func check() throws(ParquetError) {
        if let row = deletedRows.stray(inFileOf: file.rowCount) {
            throw .incompatible(
                reason: "row \(row) is to be deleted, and the file has \(file.rowCount) rows")
        }
    }
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
