// SPDX-License-Identifier: Apache-2.0

/// A column of a result.
public struct Column: Hashable, Sendable {
    /// Its name.
    public let name: String
    /// The type that the server declares; what arrives may be another, as decimals are text.
    public let type: ColumnType

    /// Takes every field.
    public init(name: String, type: ColumnType) {
        self.name = name
        self.type = type
    }
}

/// TTypeId.
public enum ColumnType: Hashable, Sendable {
    // swift-format-ignore: AllPublicDeclarationsHaveDocumentation
    case boolean, tinyint, smallint, int, bigint, float, double, string, timestamp, binary, array
    // swift-format-ignore: AllPublicDeclarationsHaveDocumentation
    case map, `struct`, union, userDefined, decimal, null, date, varchar, char
    /// A type that this program does not know.
    case unrecognized(Int32)

    /// The types in the order of the protocol's numbers, from 0.
    private static let known: [ColumnType] = [
        .boolean, .tinyint, .smallint, .int, .bigint, .float, .double, .string, .timestamp, .binary,
        .array, .map, .struct, .union, .userDefined, .decimal, .null, .date, .varchar, .char,
    ]

    /// From the protocol's number.
    init(wire number: Int32) {
        let index = Int(number)
        self = Self.known.indices.contains(index) ? Self.known[index] : .unrecognized(number)
    }
}
