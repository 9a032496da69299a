// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// One value of a row, in a form that does not depend on how a file stores it.
enum CellValue: Hashable {
    case null
    /// Integers, and times as microseconds since the epoch.
    case integer(Int64)
    case number(Double)
    case text(ArraySlice<UInt8>)
    case truth(Bool)
}

/// Digests one row, field by field in ascending order of their ids.
///
/// `Tests/Oracles/demo_rows.py` does the same with what other engines read: change both.
struct RowDigest {
    private(set) var digest = Digest128()

    /// Absorbs a field's id, what kind of value it has, and the value.
    mutating func absorb(_ value: CellValue, of field: Int) {
        digest.absorb(UInt64(field))
        switch value {
        case .null: digest.absorb(0)
        case .integer(let value):
            digest.absorb(1)
            digest.absorb(UInt64(bitPattern: value))
        case .number(let value):
            digest.absorb(2)
            digest.absorb(value.bitPattern)
        case .text(let bytes):
            digest.absorb(3)
            digest.absorb(Array(bytes))
        case .truth(let value):
            digest.absorb(4)
            digest.absorb(value ? 1 : 0)
        }
    }
}
