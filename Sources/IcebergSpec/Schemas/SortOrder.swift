// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// How writers should sort rows within files.
public struct SortOrder: Hashable, Sendable {
    /// Its id; 0 is the unsorted order.
    public let id: Int
    /// What to sort by, most significant first.
    public let fields: [SortField]

    /// The id of the order that is none.
    public static let unsortedID = 0

    /// Whether it is no order at all.
    public var isUnsorted: Bool { fields.isEmpty }

    /// Reads an entry of `sort-orders`.
    public init(_ value: JSONValue, at path: String = "") throws(TableMetadataError) {
        let reader = try MemberReader(value, at: path)
        id = try reader.int32("order-id")
        fields = try reader.elements("fields") { value, path throws(TableMetadataError) in
            try SortField(MemberReader(value, at: path))
        }
    }

    private init(unsortedWithID id: Int) {
        self.id = id
        fields = []
    }

    /// The order that every table has whether or not it is listed.
    public static let unsorted = SortOrder(unsortedWithID: unsortedID)
}

/// One part of a sort order.
public struct SortField: Hashable, Sendable {
    /// Which way values go.
    public enum Direction: String, Hashable, Sendable {
        /// Smallest first.
        case ascending = "asc"
        /// Largest first.
        case descending = "desc"
    }

    /// Where nulls go.
    public enum NullOrder: String, Hashable, Sendable {
        /// Before every value.
        case first = "nulls-first"
        /// After every value.
        case last = "nulls-last"
    }

    /// The columns it is made from, by field id; more than one only in format version 3.
    public let sourceIDs: [Int]
    /// How the sort value is made.
    public let transform: Transform
    /// Which way values go.
    public let direction: Direction
    /// Where nulls go.
    public let nullOrder: NullOrder

    init(
        sourceIDs: [Int], transform: Transform, direction: Direction, nullOrder: NullOrder
    ) {
        self.sourceIDs = sourceIDs
        self.transform = transform
        self.direction = direction
        self.nullOrder = nullOrder
    }

    init(_ reader: MemberReader) throws(TableMetadataError) {
        sourceIDs = try readSourceIDs(reader)
        transform = Transform(try reader.string("transform"))
        let direction = try reader.string("direction")
        guard let known = Direction(rawValue: direction.lowercased()) else {
            throw reader.failure("direction", "must be \"asc\" or \"desc\", not \"\(direction)\"")
        }
        self.direction = known
        let nullOrder = try reader.string("null-order")
        guard let known = NullOrder(rawValue: nullOrder.lowercased()) else {
            throw reader.failure(
                "null-order", "must be \"nulls-first\" or \"nulls-last\", not \"\(nullOrder)\"")
        }
        self.nullOrder = known
    }
}
