// SPDX-License-Identifier: Apache-2.0

/// An order of rows as Iceberg's procedures take it in `sort_order`, not yet bound to any table.
///
/// Columns and transforms of columns with `ASC` or `DESC` and `NULLS FIRST` or `NULLS LAST`, or
/// `zorder(a, b)`; the two cannot be mixed.
public struct SortExpression: Hashable, Sendable {
    /// The text as it was given.
    public let text: String
    let content: Content

    /// What the text says.
    enum Content: Hashable, Sendable {
        case fields([Field])
        case zorder([ColumnName])
    }

    /// One part of an order, most significant first.
    struct Field: Hashable, Sendable {
        let column: ColumnName
        let transform: Transform
        let direction: SortField.Direction
        let nullOrder: SortField.NullOrder
    }

    /// An order may be this long, in bytes of UTF-8.
    public static let maximumLength = 65_536

    /// Reads an order.
    public init(parsing text: String) throws(ConditionError) {
        guard text.utf8.count <= Self.maximumLength else {
            throw ConditionError(
                "has \(text.utf8.count) bytes and may have \(Self.maximumLength); give fewer "
                    + "columns")
        }
        self.text = text
        var parser = SortExpressionParser(tokens: try ConditionLexer.tokens(of: text))
        content = try parser.wholeOrder()
    }

    /// Whether rows are put along a Z-order curve.
    public var isZorder: Bool {
        switch content {
        case .fields: false
        case .zorder: true
        }
    }
}

/// Reads an order of rows.
private struct SortExpressionParser: TokenReading {
    let tokens: [ConditionToken]
    var index = 0

    static let reserved: Set<String> = []

    init(tokens: [ConditionToken]) { self.tokens = tokens }

    mutating func wholeOrder() throws(ConditionError) -> SortExpression.Content {
        let isEnclosed = take(symbol: "(")
        var fields: [SortExpression.Field] = []
        var curve: [ColumnName] = []
        repeat {
            if isKeyword("ZORDER"), following.kind == .symbol("(") {
                advance()
                curve += try arguments().columns
            } else {
                fields.append(try field())
            }
        } while take(symbol: ",")
        if isEnclosed { try expect(symbol: ")") }
        guard current.kind == .end else { throw unexpected("a comma or the end") }
        guard fields.isEmpty || curve.isEmpty else {
            throw ConditionError("mixes zorder with columns beside it; give one or the other")
        }
        try checkRepetition(curve.isEmpty ? fields.map(\.term) : curve.map(\.text))
        return curve.isEmpty ? .fields(fields) : .zorder(curve)
    }

    /// By a column for the second time nothing is sorted any more.
    ///
    /// Whether two spellings are one column only a table can tell.
    private func checkRepetition(_ terms: [String]) throws(ConditionError) {
        var seen: Set<String> = []
        for term in terms where !seen.insert(term).inserted {
            throw ConditionError("names \(term) twice; leave one out")
        }
    }

    private mutating func field() throws(ConditionError) -> SortExpression.Field {
        let (column, transform) = try term()
        let isDescending = take("DESC")
        if !isDescending { _ = take("ASC") }
        var nullOrder: SortField.NullOrder = isDescending ? .last : .first
        if take("NULLS") {
            if take("FIRST") {
                nullOrder = .first
            } else {
                guard take("LAST") else { throw unexpected("FIRST or LAST") }
                nullOrder = .last
            }
        }
        return SortExpression.Field(
            column: column, transform: transform,
            direction: isDescending ? .descending : .ascending, nullOrder: nullOrder)
    }

    private mutating func term() throws(ConditionError) -> (ColumnName, Transform) {
        guard case .word(let name) = current.kind, following.kind == .symbol("(") else {
            return (try columnName(), .identity)
        }
        let position = current.position
        advance()
        let (columns, numbers) = try arguments()
        guard let column = columns.first, columns.count == 1 else {
            throw ConditionError(
                "gives \(name) \(columns.count) columns, and it takes one", at: position)
        }
        let takesNumber = ["bucket", "truncate"].contains(name.lowercased())
        guard numbers.count == (takesNumber ? 1 : 0) else {
            throw ConditionError(
                takesNumber
                    ? "calls \(name) without a single number, as in \(name)(16, column)"
                    : "gives \(name) a number, and it takes none", at: position)
        }
        guard let transform = Self.transform(name.lowercased(), numbers.first) else {
            throw ConditionError(
                "calls \(name), which is no transform; bucket, truncate, years, months, days, "
                    + "hours, identity and zorder are", at: position)
        }
        return (column, transform)
    }

    private static func transform(_ name: String, _ number: Int?) -> Transform? {
        switch name {
        case "identity": .identity
        case "bucket": number.map { .bucket(count: $0) }
        case "truncate": number.map { .truncate(width: $0) }
        case "year", "years": .year
        case "month", "months": .month
        case "day", "days", "date": .day
        case "hour", "hours", "date_hour": .hour
        default: nil
        }
    }

    /// What stands in parentheses: columns and whole numbers in any order.
    private mutating func arguments() throws(ConditionError) -> (
        columns: [ColumnName], numbers: [Int]
    ) {
        try expect(symbol: "(")
        var columns: [ColumnName] = []
        var numbers: [Int] = []
        repeat {
            guard case .number(let text) = current.kind else {
                columns.append(try columnName())
                continue
            }
            guard let number = Int32(text), number > 0 else {
                throw unexpected("a whole number from 1 to \(Int32.max)")
            }
            numbers.append(Int(number))
            advance()
        } while take(symbol: ",")
        try expect(symbol: ")")
        return (columns, numbers)
    }
}

extension SortExpression.Field {
    fileprivate var term: String {
        transform == .identity ? column.text : "\(transform)(\(column.text))"
    }
}
