// SPDX-License-Identifier: Apache-2.0

/// A value of a result.
///
/// Integers of all widths are one case, since the same count is 32 bits wide in one version of a
/// procedure and 64 in another. Decimals, dates, timestamps and nested values are text.
public enum Value: Hashable, Sendable {
    /// No value.
    case null
    /// True or false.
    case boolean(Bool)
    /// An integer of any width.
    case integer(Int64)
    /// A floating-point number of either width.
    case double(Double)
    /// Text.
    case string(String)
    /// Bytes.
    case binary([UInt8])
}

/// All rows of an operation's result.
public struct ResultSet: Hashable, Sendable {
    /// The columns, in their order; none for a statement without a result.
    public let columns: [Column]
    /// The rows, in their order.
    public let rows: [Row]

    /// Without rows.
    init(columns: [Column]) {
        self.columns = columns
        rows = []
    }

    /// From pages of as many columns as the result has.
    init(columns: [Column], pages: [[ColumnValues]]) {
        self.columns = columns
        // The first of two columns with the same name is the one that the name finds.
        let indices = Dictionary(
            columns.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        rows = pages.flatMap { page in
            (0..<(page.first?.count ?? 0)).map { row in
                Row(indices: indices, values: page.map { $0[row] })
            }
        }
    }

    /// One row.
    public struct Row: Hashable, Sendable {
        private let indices: [String: Int]
        /// The values, in the order of the columns.
        public let values: [Value]

        init(indices: [String: Int], values: [Value]) {
            self.indices = indices
            self.values = values
        }

        /// The value of the column of this name, or nil if there is no such column.
        public subscript(name: String) -> Value? { indices[name].map { values[$0] } }

        /// The integer of a column; nil when it is null or there is no such column, as the set of
        /// columns changes between versions.
        ///
        /// - Throws: ``HiveServer2Error/malformed(call:reason:)`` when it is not an integer.
        public func integer(_ name: String) throws(HiveServer2Error) -> Int64? {
            switch self[name] {
            case nil, .null: return nil
            case .integer(let value): return value
            case .boolean, .double, .string, .binary:
                throw Self.unexpected(name, wanted: "an integer")
            }
        }

        /// The text of a column; nil when it is null or there is no such column.
        ///
        /// - Throws: ``HiveServer2Error/malformed(call:reason:)`` when it is not text.
        public func string(_ name: String) throws(HiveServer2Error) -> String? {
            switch self[name] {
            case nil, .null: return nil
            case .string(let value): return value
            case .boolean, .double, .integer, .binary:
                throw Self.unexpected(name, wanted: "text")
            }
        }

        private static func unexpected(_ name: String, wanted: String) -> HiveServer2Error {
            .malformed(call: "FetchResults", reason: "the column \(name) is not \(wanted)")
        }
    }
}
