// SPDX-License-Identifier: Apache-2.0

/// An order of rows, bound to a table's columns by their ids.
public enum RowOrder: Hashable, Sendable {
    /// By one field after the other.
    case fields([SortField])
    /// Along a Z-order curve through the columns with these ids.
    case zorder([Int])

    /// Binds an order to the current schema of a table.
    ///
    /// - Parameter specID: The partition spec of what is written. Its identity columns are the same
    ///   throughout a partition, and no part of a Z-order curve, as in Iceberg.
    /// - Throws: ``ConditionError`` for a column that is not there, or that has no order.
    public init(
        _ expression: SortExpression, metadata: TableMetadata, specID: Int
    ) throws(ConditionError) {
        guard let schema = metadata.schema(metadata.currentSchemaID) else {
            throw ConditionError("cannot be bound: the table has no current schema")
        }
        switch expression.content {
        case .fields(let fields):
            var bound: [SortField] = []
            for field in fields {
                let column = try field.column.field(in: schema)
                try Self.check(
                    field.transform, of: column, field.column.text, at: field.column.position)
                try Self.checkRepetition(
                    of: field.column,
                    bound.contains {
                        $0.sourceIDs == [column.id] && $0.transform == field.transform
                    })
                bound.append(
                    SortField(
                        sourceIDs: [column.id], transform: field.transform,
                        direction: field.direction, nullOrder: field.nullOrder))
            }
            self = .fields(bound)
        case .zorder(let names):
            let spec = metadata.partitionSpec(specID)
            let constant = Set(
                (spec?.fields ?? []).filter { $0.transform == .identity }.flatMap(\.sourceIDs))
            var ids: [Int] = []
            for name in names {
                let column = try name.field(in: schema)
                try Self.checkCurve(column, name)
                try Self.checkRepetition(of: name, ids.contains(column.id))
                if !constant.contains(column.id) { ids.append(column.id) }
            }
            guard !ids.isEmpty else {
                throw ConditionError(
                    "names in zorder only columns that the table is partitioned by, which are the "
                        + "same throughout a file; name others")
            }
            self = .zorder(ids)
        }
    }

    /// The order that a table says its rows should have; nil if it says none.
    ///
    /// - Throws: ``ConditionError`` for an order that rows cannot be put in any more.
    public init?(tableOrderOf metadata: TableMetadata) throws(ConditionError) {
        guard let order = metadata.sortOrder(metadata.defaultSortOrderID), !order.isUnsorted else {
            return nil
        }
        let schema = metadata.schema(metadata.currentSchemaID)
        for field in order.fields {
            guard let id = field.sourceIDs.first, field.sourceIDs.count == 1,
                let column = schema?.field(id)
            else {
                throw ConditionError(
                    "is not given, and the table's own sort order \(order.id) is of a column that "
                        + "the table does not have any more, or of several at once")
            }
            try Self.check(field.transform, of: column, column.name, at: nil)
        }
        self = .fields(order.fields)
    }

    /// The id of the table's sort order that is the same, which files in this order are marked
    /// with; 0 if there is none.
    public func sortOrderID(in metadata: TableMetadata) -> Int {
        guard case .fields(let fields) = self else { return SortOrder.unsortedID }
        let current = metadata.sortOrder(metadata.defaultSortOrderID)
        let orders = (current.map { [$0] } ?? []) + metadata.sortOrders
        return orders.first { $0.fields == fields }?.id ?? SortOrder.unsortedID
    }

    private static func check(
        _ transform: Transform, of column: NestedField, _ name: String, at position: Int?
    ) throws(ConditionError) {
        guard case .primitive(let type) = column.type, type.isOrdered else {
            throw ConditionError(
                "names the column \(name), whose values have no order", at: position)
        }
        guard transform.isDefined(for: type) else {
            throw ConditionError(
                "sorts the column \(name) of type \(type) by \(transform), which is not defined "
                    + "for it", at: position)
        }
    }

    private static func checkRepetition(
        of name: ColumnName, _ isRepeated: Bool
    ) throws(ConditionError) {
        guard isRepeated else { return }
        throw ConditionError("names \(name.text) twice; leave one out", at: name.position)
    }

    private static func checkCurve(
        _ column: NestedField, _ name: ColumnName
    ) throws(ConditionError) {
        if case .primitive(let type) = column.type {
            switch type {
            case .boolean, .int, .long, .float, .double, .date, .time, .timestamp, .timestamptz,
                .timestampNanoseconds, .timestamptzNanoseconds, .string, .uuid, .fixed, .binary:
                return
            case .decimal, .unknown, .geometry, .geography: break
            }
        }
        throw ConditionError(
            "names the column \(name.text), which is of a type that zorder does not take",
            at: name.position)
    }
}

extension RowOrder {
    /// The order in words, as a request would give it.
    public func text(_ schema: Schema?) -> String {
        func name(_ id: Int) -> String { schema?.fullName(ofField: id) ?? "column \(id)" }
        switch self {
        case .zorder(let ids): return "zorder(\(ids.map(name).joined(separator: ", ")))"
        case .fields(let fields):
            return fields.map { field in
                let column = field.sourceIDs.map(name).joined(separator: ", ")
                let term =
                    switch field.transform {
                    case .identity: column
                    case .bucket(let count): "bucket(\(count), \(column))"
                    case .truncate(let width): "truncate(\(width), \(column))"
                    case .year, .month, .day, .hour: "\(field.transform)s(\(column))"
                    case .void, .unknown: "\(field.transform)(\(column))"
                    }
                let direction = field.direction == .ascending ? "ASC" : "DESC"
                let nulls = field.nullOrder == .first ? "FIRST" : "LAST"
                return "\(term) \(direction) NULLS \(nulls)"
            }.joined(separator: ", ")
        }
    }
}
