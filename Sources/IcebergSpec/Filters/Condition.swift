// SPDX-License-Identifier: Apache-2.0

/// A condition on rows, as Spark's procedures take it in `where`: a piece of SQL, not yet bound to
/// any table.
public struct Condition: Hashable, Sendable {
    /// The text as it was given.
    public let text: String
    let root: Node

    /// A condition may be this long, in bytes of UTF-8.
    public static let maximumLength = 65_536
    /// Parentheses and NOTs may be nested this deep.
    public static let maximumDepth = 64

    /// Reads a condition.
    ///
    /// Comparisons of a column with a literal, `BETWEEN`, `IN`, `LIKE 'start%'`, `IS [NOT] NULL`,
    /// `IS [NOT] NAN` and `isnan()`, columns of truth values alone, and all of these with `AND`,
    /// `OR`, `NOT` and parentheses.
    public init(parsing text: String) throws(ConditionError) {
        guard text.utf8.count <= Self.maximumLength else {
            throw ConditionError(
                "has \(text.utf8.count) bytes and may have \(Self.maximumLength); give fewer "
                    + "values, or a range of them")
        }
        self.text = text
        var parser = ConditionParser(tokens: try ConditionLexer.tokens(of: text))
        root = try parser.wholeCondition()
    }
}

extension Condition {
    /// A part of a condition.
    indirect enum Node: Hashable, Sendable {
        case constant(Bool)
        case all([Node])
        case any([Node])
        case not(Node)
        case test(ColumnName, ConditionTest)
    }
}

/// What is asked of one column.
enum ConditionTest: Hashable, Sendable {
    case comparison(Comparison, ConditionLiteral)
    case isOneOf([ConditionLiteral])
    case startsWith(String)
    case isNull
    case isNaN
}

/// How a column is compared with a literal on its right.
enum Comparison: Hashable, Sendable {
    case equal, unequal, less, lessOrEqual, greater, greaterOrEqual

    init?(_ symbol: String) {
        switch symbol {
        // With a literal that is not null, `<=>` differs from `=` for nulls under NOT alone, which
        // may match there as it is.
        case "=", "==", "<=>": self = .equal
        case "!=", "<>": self = .unequal
        case "<": self = .less
        case "<=": self = .lessOrEqual
        case ">": self = .greater
        case ">=": self = .greaterOrEqual
        default: return nil
        }
    }

    /// The same with its sides exchanged.
    var flipped: Comparison {
        switch self {
        case .equal, .unequal: self
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        }
    }

    /// What holds where this does not, nulls apart.
    var negated: Comparison {
        switch self {
        case .equal: .unequal
        case .unequal: .equal
        case .less: .greaterOrEqual
        case .lessOrEqual: .greater
        case .greater: .lessOrEqual
        case .greaterOrEqual: .less
        }
    }
}

/// A value as a condition spells it.
struct ConditionLiteral: Hashable, Sendable {
    enum Value: Hashable, Sendable {
        case number(String)
        case text(String)
        case boolean(Bool)
        case date(String)
        /// Also of a time that is said to have no zone.
        case timestamp(String, hasNoZone: Bool)
        case bytes([UInt8])
    }

    let value: Value
    let position: Int
}
