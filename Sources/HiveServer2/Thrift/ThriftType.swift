// SPDX-License-Identifier: Apache-2.0

/// The types of TBinaryProtocol, by the byte that stands for them.
enum ThriftType: UInt8, Sendable {
    case bool = 2
    case byte = 3
    case double = 4
    case int16 = 6
    case int32 = 8
    case int64 = 10
    /// Text and binary alike.
    case string = 11
    case structure = 12
    case map = 13
    case set = 14
    case list = 15

    /// The byte that ends a structure, where a field's type could stand.
    static let stop: UInt8 = 0

    /// How many bytes each value has, for types where all have the same number.
    var fixedSize: Int? {
        switch self {
        case .bool, .byte: 1
        case .int16: 2
        case .int32: 4
        case .int64, .double: 8
        case .string, .structure, .map, .set, .list: nil
        }
    }

    /// The fewest bytes that a value can have, by which an announced count is judged before
    /// anything is allocated for it.
    var minimumSize: Int {
        switch self {
        case .bool, .byte, .double, .int16, .int32, .int64: fixedSize ?? 1
        case .structure: 1
        case .string: 4
        case .set, .list: 5
        case .map: 6
        }
    }
}
