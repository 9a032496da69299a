// SPDX-License-Identifier: Apache-2.0

/// The values of one column of a page, as they came.
struct ColumnValues: Hashable, Sendable {
    /// One case for each form of column that there is.
    enum Storage: Hashable, Sendable {
        case booleans([Bool])
        case bytes([Int8])
        case shorts([Int16])
        case integers([Int32])
        case longs([Int64])
        case doubles([Double])
        case strings([String])
        case binaries([[UInt8]])
    }

    let storage: Storage
    /// Bit `i % 8` of byte `i / 8`, from the lowest, says that value `i` is null; what is beyond
    /// the end is not.
    let nulls: [UInt8]

    var count: Int {
        switch storage {
        case .booleans(let values): values.count
        case .bytes(let values): values.count
        case .shorts(let values): values.count
        case .integers(let values): values.count
        case .longs(let values): values.count
        case .doubles(let values): values.count
        case .strings(let values): values.count
        case .binaries(let values): values.count
        }
    }

    /// The value of a row; the row must be one.
    subscript(row: Int) -> Value {
        if row / 8 < nulls.count, nulls[row / 8] >> (row % 8) & 1 == 1 { return .null }
        return switch storage {
        case .booleans(let values): .boolean(values[row])
        case .bytes(let values): .integer(Int64(values[row]))
        case .shorts(let values): .integer(Int64(values[row]))
        case .integers(let values): .integer(Int64(values[row]))
        case .longs(let values): .integer(values[row])
        case .doubles(let values): .double(values[row])
        case .strings(let values): .string(values[row])
        case .binaries(let values): .binary(values[row])
        }
    }

    /// About as many bytes as the values had on the wire.
    var wireBytes: Int {
        switch storage {
        case .booleans(let values): values.count
        case .bytes(let values): values.count
        case .shorts(let values): values.count * 2
        case .integers(let values): values.count * 4
        case .longs(let values): values.count * 8
        case .doubles(let values): values.count * 8
        case .strings(let values): values.reduce(0) { $0 + 4 + $1.utf8.count }
        case .binaries(let values): values.reduce(0) { $0 + 4 + $1.count }
        }
    }
}
