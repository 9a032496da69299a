// SPDX-License-Identifier: Apache-2.0

/// A condition on rows, bound to a table's columns by their ids.
///
/// It never reads rows: it says which files may hold a row that passes. What is not known for
/// certain selects the file.
///
/// Iceberg spec, Scan Planning: inclusive projection.
public struct RowFilter: Hashable, Sendable {
    /// The text of the condition.
    public let text: String
    let root: Node
    let tests: [Test]

    /// A part of the condition; negations are down in the questions.
    indirect enum Node: Hashable, Sendable {
        case constant(Bool)
        case all([Node])
        case any([Node])
        /// One of the filter's tests, by its place.
        case test(Int)
    }

    /// A question about one column.
    struct Test: Hashable, Sendable {
        let fieldID: Int
        /// Nil for columns that are no single values.
        let type: PrimitiveType?
        /// Whether partition values made from the column are of its type.
        let decidesPartitions: Bool
        let question: ColumnQuestion
    }

    /// Binds a condition to the current schema of a table.
    ///
    /// - Throws: ``ConditionError`` for a column that is not there, or a literal that is no value
    ///   of its column's type.
    public init(_ condition: Condition, metadata: TableMetadata) throws(ConditionError) {
        guard let schema = metadata.schema(metadata.currentSchemaID) else {
            throw ConditionError("cannot be bound: the table has no current schema")
        }
        var binder = ConditionBinder(schema: schema, schemas: metadata.schemas)
        root = try binder.node(condition.root, isNegated: false)
        tests = binder.tests
        text = condition.text
    }

    /// The columns of single values that it is about, by field id.
    package var columns: [Int32: PrimitiveType] {
        var columns: [Int32: PrimitiveType] = [:]
        for test in tests { columns[Int32(truncatingIfNeeded: test.fieldID)] = test.type }
        return columns
    }

    /// Whether the whole may pass, if it is known which tests may.
    func mayPass(_ test: (Int) -> Bool) -> Bool { Self.mayPass(root, test) }

    private static func mayPass(_ node: Node, _ test: (Int) -> Bool) -> Bool {
        switch node {
        case .constant(let truth): truth
        case .all(let nodes): nodes.allSatisfy { mayPass($0, test) }
        case .any(let nodes): nodes.contains { mayPass($0, test) }
        case .test(let place): test(place)
        }
    }
}
