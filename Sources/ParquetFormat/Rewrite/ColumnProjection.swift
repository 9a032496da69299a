// SPDX-License-Identifier: Apache-2.0

/// How a column of the new file comes about from one file.
struct ColumnProjection: Hashable {
    /// What is read for it.
    enum Origin: Hashable {
        /// The values of a column.
        case values(of: Int)
        /// The levels of a column, which tell how often the group above is there. Entries with a
        /// higher repetition level are no entries of the group; from a definition level on the
        /// group is there.
        case levels(of: Int, repetition: UInt8, definition: UInt8)
        /// Nothing: there is one value for each row.
        case nothing
    }

    let origin: Origin
    /// What becomes of definition levels; nil where they stay.
    let levels: LevelMap?
    let conversion: ValueConversion
    /// What stands in for a column that is not there.
    let fill: ColumnFill
    /// Whether nulls are filled as well.
    let fillsNulls: Bool
    /// The definition level of an entry where the group above is there: a null's or a value's.
    let filledLevel: UInt8

    /// Whether pages may be taken as they are.
    var isVerbatim: Bool { isByPage && levels == nil && conversion == .none }

    /// Whether the values are those of a column, so that its pages are worked on one by one.
    var isByPage: Bool { hasValues && !fillsNulls }

    /// Whether the column is one of the file.
    var hasValues: Bool {
        guard case .values = origin else { return false }
        return true
    }
}

/// How every column of the new file comes about from one file.
struct FileProjection {
    let columns: [ColumnProjection]

    /// Finds the columns of a target by field ids.
    init(
        _ source: ParquetSchema, to target: ParquetSchema, fills: [Int32: ColumnFill],
        filledNulls: Set<Int32>
    ) throws(ParquetError) {
        let finder = try FieldFinder(source)
        var columns: [ColumnProjection] = []
        for leaf in target.columns {
            let fill = leaf.fieldID.flatMap { fills[$0] } ?? .null
            let fillsNulls = leaf.fieldID.map { filledNulls.contains($0) } ?? false
            if let found = leaf.fieldID.flatMap({ finder.columns[$0] }) {
                columns.append(
                    try Self.column(source, found, target, leaf, fill, fillsNulls: fillsNulls))
            } else {
                columns.append(try Self.missing(source, finder, target, leaf, fill))
            }
        }
        self.columns = columns
    }

    /// Every column as it is.
    init(identity schema: ParquetSchema) {
        columns = schema.columns.indices.map {
            ColumnProjection(
                origin: .values(of: $0), levels: nil, conversion: .none, fill: .null,
                fillsNulls: false, filledLevel: 0)
        }
    }

    private static func column(
        _ source: ParquetSchema, _ found: Int, _ target: ParquetSchema, _ leaf: ParquetColumn,
        _ fill: ColumnFill, fillsNulls: Bool
    ) throws(ParquetError) -> ColumnProjection {
        let from = source.nodes(to: source.columns[found].node)
        let to = target.nodes(to: leaf.node)
        let ids = from.dropLast().compactMap(\.fieldID)
        guard let map = LevelMap(from: from, to: to),
            ids.isEmpty || ids == to.dropLast().compactMap(\.fieldID)
        else {
            throw .incompatible(
                reason: "\(leaf.name) is nested in other fields than in a file that has it as "
                    + source.columns[found].name)
        }
        if fillsNulls {
            guard to.count == 1 else {
                throw .incompatible(reason: "nulls of \(leaf.name) cannot be filled: it is nested")
            }
            try fill.check(leaf)
        }
        return ColumnProjection(
            origin: .values(of: found), levels: map.isIdentity ? nil : map,
            conversion: try ValueConversion(from: source.columns[found], to: leaf), fill: fill,
            fillsNulls: fillsNulls && fill != .null,
            filledLevel: UInt8(leaf.maximumDefinitionLevel))
    }

    private static func missing(
        _ source: ParquetSchema, _ finder: FieldFinder, _ target: ParquetSchema,
        _ leaf: ParquetColumn, _ fill: ColumnFill
    ) throws(ParquetError) -> ColumnProjection {
        try fill.check(leaf)
        let path = target.nodes(to: leaf.node)
        // The deepest group above that the file has.
        let depth = path.dropLast().lastIndex {
            $0.fieldID.map { finder.groups[$0] != nil } ?? false
        }
        let above = depth.map { path[...$0] } ?? []
        let below = path.dropFirst(above.count)
        let start = above.last.map(\.definitionLevel) ?? 0
        if fill == .null {
            guard below.contains(where: { $0.repetition != .required }) else {
                throw .incompatible(
                    reason: "\(leaf.name) is required, and a file has neither it nor a default")
            }
        } else {
            guard !below.contains(where: { $0.repetition == .repeated }) else {
                throw .incompatible(reason: "\(leaf.name) is in a list, which has no default")
            }
        }
        let filled = UInt8(fill == .null ? start : leaf.maximumDefinitionLevel)
        guard let group = above.last?.fieldID.flatMap({ finder.groups[$0] }) else {
            return ColumnProjection(
                origin: .nothing, levels: nil, conversion: .none, fill: fill, fillsNulls: false,
                filledLevel: filled)
        }
        guard let map = LevelMap(from: source.nodes(to: group.node), to: Array(above)) else {
            throw .incompatible(reason: "\(leaf.name) is nested otherwise than in a file")
        }
        let node = source.nodes[group.node]
        return ColumnProjection(
            origin: .levels(
                of: group.column, repetition: UInt8(node.repetitionLevel),
                definition: UInt8(node.definitionLevel)),
            levels: map, conversion: .none, fill: fill, fillsNulls: false, filledLevel: filled)
    }
}

/// Where the fields of a file are, by their ids.
private struct FieldFinder {
    private(set) var columns: [Int32: Int] = [:]
    /// Groups, with the column below that repeats least.
    private(set) var groups: [Int32: (node: Int, column: Int)] = [:]

    init(_ schema: ParquetSchema) throws(ParquetError) {
        for (index, column) in schema.columns.enumerated() {
            if let id = column.fieldID {
                guard columns.updateValue(index, forKey: id) == nil else {
                    throw .incompatible(reason: "a file has two columns with the field id \(id)")
                }
            }
            var next = schema.nodes[column.node].parent
            while let node = next {
                if let id = schema.nodes[node].fieldID {
                    let known = groups[id]?.column
                    let least = known.map { schema.columns[$0].maximumRepetitionLevel }
                    if column.maximumRepetitionLevel < least ?? .max { groups[id] = (node, index) }
                }
                next = schema.nodes[node].parent
            }
        }
    }
}

extension ColumnFill {
    /// Checks that the fill is a value of a column.
    func check(_ column: ParquetColumn) throws(ParquetError) {
        switch self {
        case .null: return
        case .rowOrdinals:
            guard column.type == .int64, column.maximumRepetitionLevel == 0,
                column.path.count == 1
            else {
                throw .incompatible(
                    reason: "\(column.name) cannot count rows: it is no column of 64-bit integers")
            }
        case .constant(let bytes):
            let width = column.type == .boolean ? 1 : column.plainWidth
            guard width == nil || width == bytes.count else {
                throw .incompatible(
                    reason: "a constant of \(bytes.count) bytes is no value of \(column.name), "
                        + "which is \(column.typeText)")
            }
        }
    }
}
