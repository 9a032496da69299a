// SPDX-License-Identifier: Apache-2.0

/// Finds the columns of a condition, and makes its literals values of their types.
struct ConditionBinder {
    private let schema: Schema
    /// Every schema that the table had.
    private let schemas: [Schema]
    private(set) var tests: [RowFilter.Test] = []

    init(schema: Schema, schemas: [Schema]) {
        self.schema = schema
        self.schemas = schemas
    }

    /// Binds a part of a condition, or its negation.
    ///
    /// NOT goes down to the tests, where it is exact: of three-valued logic only what is true is
    /// asked for, and the negation of a test is true where the test is false.
    mutating func node(
        _ node: Condition.Node, isNegated: Bool
    ) throws(ConditionError) -> RowFilter.Node {
        switch node {
        case .constant(let truth): return .constant(truth != isNegated)
        case .not(let inner): return try self.node(inner, isNegated: !isNegated)
        case .all(let parts):
            let nodes = try self.nodes(parts, isNegated)
            return isNegated ? .any(nodes) : .all(nodes)
        case .any(let parts):
            let nodes = try self.nodes(parts, isNegated)
            return isNegated ? .all(nodes) : .any(nodes)
        case .test(let name, let test):
            let field = try name.field(in: schema)
            tests.append(
                RowFilter.Test(
                    fieldID: field.id, type: field.type.singleValue,
                    decidesPartitions: decidesPartitions(field),
                    question: try question(test, of: field, name, isNegated: isNegated)))
            return .test(tests.count - 1)
        }
    }

    private mutating func nodes(
        _ parts: [Condition.Node], _ isNegated: Bool
    ) throws(ConditionError) -> [RowFilter.Node] {
        var nodes: [RowFilter.Node] = []
        for part in parts { nodes.append(try node(part, isNegated: isNegated)) }
        return nodes
    }

    /// Partitions by a column that was a date may still hold days.
    private func decidesPartitions(_ field: NestedField) -> Bool {
        field.type == .primitive(.date)
            || !schemas.contains { $0.field(field.id)?.type == .primitive(.date) }
    }

    // MARK: Questions

    private func question(
        _ test: ConditionTest, of field: NestedField, _ name: ColumnName, isNegated: Bool
    ) throws(ConditionError) -> ColumnQuestion {
        if case .isNull = test { return isNegated ? .isNotNull : .isNull }
        guard let type = field.type.singleValue else {
            throw ConditionError(
                "compares the column \(name.text), which holds no single values; only IS NULL and "
                    + "IS NOT NULL can be asked of it", at: name.position)
        }
        let reader = LiteralReader(type: type, column: name.text)
        switch test {
        case .isNull: return isNegated ? .isNotNull : .isNull
        case .isNaN:
            guard type == .float || type == .double else {
                throw ConditionError(
                    "asks for NaN in the column \(name.text) of type \(type), which has none; "
                        + "leave that out", at: name.position)
            }
            return isNegated ? .isNotNaN : .isNaN
        case .comparison(let comparison, let literal):
            return ColumnQuestion(
                isNegated ? comparison.negated : comparison, try reader.value(of: literal))
        case .isOneOf(let literals):
            var values: [TypedLiteral] = []
            for literal in literals { values.append(try reader.value(of: literal)) }
            return isNegated ? ColumnQuestion(noneOf: values) : ColumnQuestion(oneOf: values)
        case .startsWith(let prefix):
            guard type == .string else {
                throw ConditionError(
                    "asks with LIKE for the column \(name.text) of type \(type), which is no text; "
                        + "compare it with literals", at: name.position)
            }
            let bytes = Array(prefix.utf8)
            return isNegated ? .doesNotStartWith(bytes) : .startsWith(bytes)
        }
    }
}

extension FieldType {
    /// The type of its values, if each is a single one.
    fileprivate var singleValue: PrimitiveType? {
        switch self {
        case .primitive(let type): type
        case .structure, .list, .map, .variant: nil
        }
    }
}
