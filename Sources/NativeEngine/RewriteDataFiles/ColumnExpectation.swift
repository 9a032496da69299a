// SPDX-License-Identifier: Apache-2.0

import ParquetFormat

/// What a column of a new file must hold of one input, worked out apart from the rewriter.
///
/// It shares with ``ParquetRewriter`` the reader of columns, and is told the same fills, field ids
/// and deleted positions: what is wrong in those does not show here, what is made of them does.
struct ColumnExpectation {
    enum Origin {
        /// The values of a column.
        case column(Int)
        /// As often as the group above is there, which another column's levels tell.
        case group(levelsOf: Int, repetition: Int, definition: Int)
        /// Once for each row.
        case rows
    }

    let origin: Origin
    /// What stands in for values that are not there.
    let fill: ColumnFill
    /// Whether nulls of the column are filled as well.
    let fillsNulls: Bool
    /// How present an entry is, by its definition level.
    let presence: [UInt32]
    /// How present an entry with a value is.
    let wholePresence: UInt32

    /// Works out what stands for a leaf of the new file.
    init(
        _ leaf: ParquetColumn, of target: ParquetSchema, in source: ParquetSchema,
        fill: ColumnFill?, fillsNulls: Bool
    ) {
        self.fill = fill ?? .null
        self.fillsNulls = fillsNulls
        wholePresence = Presence.levels(target, leaf.node).last ?? 0
        if let index = source.columns.firstIndex(where: { $0.fieldID == leaf.fieldID }) {
            origin = .column(index)
            presence = Presence.levels(source, source.columns[index].node)
            return
        }
        var above = target.nodes[leaf.node].parent
        while let node = above, node != 0 {
            let id = target.nodes[node].fieldID
            if let id, let group = source.nodes.firstIndex(where: { $0.fieldID == id }) {
                origin = Self.group(group, in: source)
                presence = Presence.levels(source, group)
                return
            }
            above = target.nodes[node].parent
        }
        origin = .rows
        presence = [0]
    }

    private static func group(_ node: Int, in source: ParquetSchema) -> Origin {
        let below = source.columns.enumerated().filter { _, column in
            var next: Int? = column.node
            while let index = next {
                if index == node { return true }
                next = source.nodes[index].parent
            }
            return false
        }
        let least = below.min {
            $0.element.maximumRepetitionLevel < $1.element.maximumRepetitionLevel
        }
        return .group(
            levelsOf: least?.offset ?? 0, repetition: source.nodes[node].repetitionLevel,
            definition: source.nodes[node].definitionLevel)
    }
}

/// How much of the path to a value is there, in a form that does not depend on which fields are
/// required: how many fields of the path, and how many repetitions.
enum Presence {
    /// For each definition level of a node.
    static func levels(_ schema: ParquetSchema, _ node: Int) -> [UInt32] {
        var path: [SchemaNode] = []
        var next: Int? = node
        while let index = next, let parent = schema.nodes[index].parent {
            path.append(schema.nodes[index])
            next = parent
        }
        return (0...schema.nodes[node].definitionLevel).map { level in
            path.reduce(0) { sum, node in
                guard node.definitionLevel <= level else { return sum }
                return sum + (node.fieldID == nil ? 0 : 1)
                    + (node.repetition == .repeated ? 1 << 16 : 0)
            }
        }
    }
}
