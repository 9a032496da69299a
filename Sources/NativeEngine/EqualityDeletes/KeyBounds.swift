// SPDX-License-Identifier: Apache-2.0

import IcebergSpec

/// What a manifest tells of the values of a file's columns.
struct ColumnFacts: Sendable {
    /// How many values there are, nulls among them.
    var values: Int64?
    var nulls: Int64?
    var lower: [UInt8]?
    var upper: [UInt8]?
}

/// Which values a file's columns of a key may have.
struct KeyBounds: Sendable {
    private struct Bounds {
        var mayBeNull = true
        var mayBeThere = true
        /// Nil where nothing is known.
        var range: (lower: PartitionValue, upper: PartitionValue)?
    }

    private let columns: [Bounds]

    init(_ facts: [Int32: ColumnFacts], _ columns: EqualityColumns) {
        self.columns = columns.columns.map { Self.bounds(facts[$0.id], $0.type) }
    }

    private static func bounds(_ facts: ColumnFacts?, _ type: PrimitiveType) -> Bounds {
        var bounds = Bounds()
        guard let facts else { return bounds }
        if let nulls = facts.nulls {
            bounds.mayBeNull = nulls > 0
            if let values = facts.values, values > 0 { bounds.mayBeThere = values > nulls }
        }
        switch type {
        // NaN is within no bounds, and writers disagree on how UUIDs are ordered.
        case .float, .double, .boolean, .uuid, .unknown, .geometry, .geography: return bounds
        case .timestamp, .timestampNanoseconds:
            // Of a column that was a date, bounds are days.
            guard facts.lower?.count == 8, facts.upper?.count == 8 else { return bounds }
        case .int, .long, .decimal, .date, .time, .timestamptz, .timestamptzNanoseconds, .string,
            .fixed, .binary:
            break
        }
        guard let lower = facts.lower.flatMap({ PartitionValue(serialized: $0, as: type) }),
            let upper = facts.upper.flatMap({ PartitionValue(serialized: $0, as: type) })
        else { return bounds }
        bounds.range = (lower, upper)
        return bounds
    }

    /// Whether any row of one file may have the key of any row of the other.
    func mayMeet(_ other: KeyBounds) -> Bool {
        zip(columns, other.columns).allSatisfy { mine, theirs in
            if mine.mayBeNull, theirs.mayBeNull { return true }
            guard mine.mayBeThere, theirs.mayBeThere else { return false }
            guard let mine = mine.range, let theirs = theirs.range else { return true }
            return !mine.upper.precedes(theirs.lower) && !theirs.upper.precedes(mine.lower)
        }
    }
}
