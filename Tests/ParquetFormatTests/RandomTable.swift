// SPDX-License-Identifier: Apache-2.0

import TestSupport

@testable import ParquetFormat

/// A value of any depth, as it is before nesting becomes levels.
indirect enum Cell: Hashable {
    case null
    /// The plain bytes of a value, without a length.
    case value([UInt8])
    case group([Cell])
    case list([Cell])
}

/// Rows of a schema that a seed makes up, with what they mean spelt out.
struct RandomTable {
    /// Whether tables have only columns and values that Spark has types for.
    @TaskLocal static var isForSpark = false

    let fields: [ParquetField]
    let schema: ParquetSchema
    var rows: [[Cell]]

    init(fields: [ParquetField], rows: [[Cell]]) throws {
        self.fields = fields
        schema = try ParquetSchema(fields)
        self.rows = rows
    }

    /// A schema of one to six fields that nest up to five groups deep, and rows of it.
    init(seed: UInt64, rowCount: Int? = nil, depth: Int = 5) throws {
        var random = SeededGenerator(seed: seed)
        var id: Int32 = 0
        let count = Int.random(in: 1...6, using: &random)
        fields = (0..<count).map { index in
            Self.field("f\(index)", depth: depth, &id, &random)
        }
        schema = try ParquetSchema(fields)
        let rowCount =
            rowCount ?? [0, 1, 2, 9, 100, 700].randomElement(using: &random) ?? 0
        rows = Self.rows(schema, rowCount, &random)
    }

    static func rows(
        _ schema: ParquetSchema, _ count: Int, _ random: inout SeededGenerator
    ) -> [[Cell]] {
        var styles = schema.columns.map { _ in Style(&random) }
        return (0..<count).map { _ in
            schema.nodes[0].children.map { cell(schema, $0, &styles, &random) }
        }
    }

    // MARK: Schemas

    static func field(
        _ name: String, depth: Int, _ id: inout Int32, _ random: inout SeededGenerator
    ) -> ParquetField {
        id += 1
        let own = id
        let repetition: FieldRepetition = Bool.random(using: &random) ? .optional : .required
        switch depth > 0 ? Int.random(in: 0..<10, using: &random) : 0 {
        case 7:
            let count = Int.random(in: 1...3, using: &random)
            let children = (0..<count).map { field("c\($0)", depth: depth - 1, &id, &random) }
            return .group(name, id: own, repetition, children)
        case 8:
            let element = field("element", depth: depth - 2, &id, &random)
            return .list(name, id: own, repetition, element: element)
        case 9:
            let key = field("key", depth: 0, &id, &random)
            let value = field("value", depth: depth - 2, &id, &random)
            return .map(name, id: own, repetition, key: key, value: value)
        default:
            let known = isForSpark ? kinds.filter(\.isKnownToSpark) : kinds
            let kind = known.randomElement(using: &random) ?? kinds[0]
            return .values(
                name, id: own, repetition, kind.type, length: kind.length,
                logicalType: kind.logicalType)
        }
    }

    private struct Kind {
        let type: PhysicalType
        var length: Int32 = 0
        var logicalType: LogicalType?

        var isKnownToSpark: Bool {
            switch logicalType {
            case .time, .timestamp(.nanoseconds, _), .uuid, .float16: false
            case nil: type != .fixedLengthByteArray
            default: true
            }
        }
    }

    private static let kinds: [Kind] = [
        Kind(type: .boolean), Kind(type: .int32), Kind(type: .int64), Kind(type: .float),
        Kind(type: .double), Kind(type: .byteArray),
        Kind(type: .byteArray, logicalType: .string), Kind(type: .int32, logicalType: .date),
        Kind(type: .int32, logicalType: .decimal(precision: 9, scale: 2)),
        Kind(type: .int64, logicalType: .decimal(precision: 18, scale: 0)),
        Kind(type: .int64, logicalType: .timestamp(.microseconds, isAdjustedToUTC: true)),
        Kind(type: .int64, logicalType: .timestamp(.nanoseconds, isAdjustedToUTC: false)),
        Kind(type: .int64, logicalType: .time(.microseconds, isAdjustedToUTC: false)),
        Kind(type: .int32, logicalType: .integer(bitWidth: 32, isSigned: false)),
        Kind(
            type: .fixedLengthByteArray, length: 9,
            logicalType: .decimal(precision: 20, scale: 4)),
        Kind(type: .fixedLengthByteArray, length: 16, logicalType: .uuid),
        Kind(type: .fixedLengthByteArray, length: 2, logicalType: .float16),
        Kind(type: .fixedLengthByteArray, length: 3),
    ]

    // MARK: Values

    /// How values of a column come about.
    private struct Style {
        let nullShare: Double
        /// How many different values there are; 0 for any.
        let variety: Int
        var pool: [[UInt8]] = []

        init(_ random: inout SeededGenerator) {
            nullShare = [0, 0, 0.1, 0.5, 1].randomElement(using: &random) ?? 0
            variety = [0, 0, 1, 5, 60].randomElement(using: &random) ?? 0
        }
    }

    private static func cell(
        _ schema: ParquetSchema, _ node: Int, _ styles: inout [Style],
        _ random: inout SeededGenerator
    ) -> Cell {
        let field = schema.nodes[node]
        switch field.repetition {
        case .required: return content(schema, node, &styles, &random)
        case .optional:
            let share = field.column.map { styles[$0].nullShare } ?? 0.2
            let isNull = Double.random(in: 0..<1, using: &random) < share
            return isNull ? .null : content(schema, node, &styles, &random)
        case .repeated:
            let count = [0, 1, 2, 3].randomElement(using: &random) ?? 0
            return .list((0..<count).map { _ in content(schema, node, &styles, &random) })
        }
    }

    private static func content(
        _ schema: ParquetSchema, _ node: Int, _ styles: inout [Style],
        _ random: inout SeededGenerator
    ) -> Cell {
        guard let column = schema.nodes[node].column else {
            return .group(schema.nodes[node].children.map { cell(schema, $0, &styles, &random) })
        }
        let leaf = schema.columns[column]
        if styles[column].variety > 0 {
            if styles[column].pool.count < styles[column].variety {
                styles[column].pool.append(value(leaf, &random))
            }
            return .value(styles[column].pool.randomElement(using: &random) ?? [])
        }
        return .value(value(leaf, &random))
    }

    static func value(_ leaf: ParquetColumn, _ random: inout SeededGenerator) -> [UInt8] {
        if isForSpark, case .decimal? = leaf.logicalType { return decimal(leaf, &random) }
        let isExtreme = Int.random(in: 0..<8, using: &random) == 0
        switch leaf.type {
        case .boolean: return [UInt8.random(in: 0...1, using: &random)]
        case .int32:
            let edges: [Int32] = [.min, .max, 0, -1]
            return bytes(
                isExtreme
                    ? edges.randomElement(using: &random) ?? 0
                    : Int32.random(in: -1000...1000, using: &random))
        case .int64:
            let edges: [Int64] = [.min, .max, 0, -1]
            return bytes(
                isExtreme
                    ? edges.randomElement(using: &random) ?? 0
                    : Int64.random(in: (-1 << 40)...(1 << 40), using: &random))
        case .float:
            let edges: [Float] = [0, -0, .nan, .infinity, -.infinity, .leastNonzeroMagnitude]
            return bytes(
                isExtreme
                    ? edges.randomElement(using: &random) ?? 0
                    : Float.random(in: -9...9, using: &random))
        case .double:
            let edges: [Double] = [0, -0, .nan, .infinity, -.infinity, .greatestFiniteMagnitude]
            return bytes(
                isExtreme
                    ? edges.randomElement(using: &random) ?? 0
                    : Double.random(in: -9...9, using: &random))
        case .byteArray:
            let length =
                isExtreme
                ? [0, 5000].randomElement(using: &random) ?? 0
                : Int.random(in: 0...20, using: &random)
            return text(length, &random)
        case .fixedLengthByteArray, .int96:
            return (0..<leaf.typeLength).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
    }

    /// A number of no more digits than the type has, because Spark reads any other as null.
    private static func decimal(
        _ leaf: ParquetColumn, _ random: inout SeededGenerator
    ) -> [UInt8] {
        switch leaf.type {
        case .int32: return bytes(Int32.random(in: -999_999_999...999_999_999, using: &random))
        case .int64: return bytes(Int64.random(in: (-1 << 59)...(1 << 59), using: &random))
        default:
            let low = (0..<8).map { _ in UInt8.random(in: 0...255, using: &random) }
            let sign: UInt8 = Bool.random(using: &random) ? 0xFF : 0
            return [UInt8](repeating: sign, count: Int(leaf.typeLength) - 8) + low
        }
    }

    private static func text(_ length: Int, _ random: inout SeededGenerator) -> [UInt8] {
        let letters = Array("aäb€c𝄞 \u{10FFFF}")
        var text = ""
        while text.utf8.count < length { text.append(letters.randomElement(using: &random) ?? "a") }
        return Array(text.utf8)
    }

    private static func bytes<Value: BitwiseCopyable>(_ value: Value) -> [UInt8] {
        withUnsafeBytes(of: value) { Array($0) }
    }

    // MARK: Levels

    /// The rows as column batches, by the plain meaning of levels.
    func batches(_ range: Range<Int>? = nil) -> [ColumnBatch] {
        var shredder = Shredder(schema)
        for row in rows[range ?? 0..<rows.count] {
            for (node, cell) in zip(schema.nodes[0].children, row) {
                shredder.add(cell, node, repetition: 0, definition: 0)
            }
        }
        return shredder.batches
    }
}

/// Turns nested values into values with levels.
private struct Shredder {
    let schema: ParquetSchema
    var batches: [ColumnBatch]

    init(_ schema: ParquetSchema) {
        self.schema = schema
        batches = schema.columns.map { ColumnBatch(for: $0) }
    }

    mutating func add(_ cell: Cell, _ node: Int, repetition: Int, definition: Int) {
        let field = schema.nodes[node]
        switch (field.repetition, cell) {
        case (.optional, .null): addNothing(node, repetition, definition)
        case (.repeated, .list(let cells)):
            if cells.isEmpty { addNothing(node, repetition, definition) }
            for (index, cell) in cells.enumerated() {
                let level = index == 0 ? repetition : field.repetitionLevel
                addContent(cell, node, level, field.definitionLevel)
            }
        default: addContent(cell, node, repetition, field.definitionLevel)
        }
    }

    private mutating func addContent(
        _ cell: Cell, _ node: Int, _ repetition: Int, _ definition: Int
    ) {
        switch cell {
        case .group(let cells):
            for (child, cell) in zip(schema.nodes[node].children, cells) {
                add(cell, child, repetition: repetition, definition: definition)
            }
        case .value(let bytes):
            guard let column = schema.nodes[node].column else { return }
            addLevels(column, repetition, definition)
            batches[column].values.append(plain: bytes)
        case .null, .list: preconditionFailure("a cell fits its node")
        }
    }

    private mutating func addNothing(_ node: Int, _ repetition: Int, _ definition: Int) {
        if let column = schema.nodes[node].column { addLevels(column, repetition, definition) }
        for child in schema.nodes[node].children { addNothing(child, repetition, definition) }
    }

    private mutating func addLevels(_ column: Int, _ repetition: Int, _ definition: Int) {
        let leaf = schema.columns[column]
        batches[column].count += 1
        if leaf.maximumRepetitionLevel > 0 {
            batches[column].repetitionLevels.append(UInt8(repetition))
        }
        if leaf.maximumDefinitionLevel > 0 {
            batches[column].definitionLevels.append(UInt8(definition))
        }
    }
}

extension ColumnValues {
    /// Adds a value from its plain bytes.
    mutating func append(plain bytes: [UInt8]) {
        switch self {
        case .boolean(var array):
            array.append(bytes == [1])
            self = .boolean(array)
        case .int32(var array):
            array.append(bytes.withUnsafeBytes { $0.loadUnaligned(as: Int32.self) })
            self = .int32(array)
        case .int64(var array):
            array.append(bytes.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) })
            self = .int64(array)
        case .float(var array):
            array.append(bytes.withUnsafeBytes { $0.loadUnaligned(as: Float.self) })
            self = .float(array)
        case .double(var array):
            array.append(bytes.withUnsafeBytes { $0.loadUnaligned(as: Double.self) })
            self = .double(array)
        case .int96(var array):
            array.append(bytes)
            self = .int96(array)
        case .fixedLengthByteArray(var array):
            array.append(bytes)
            self = .fixedLengthByteArray(array)
        case .byteArray(var array):
            array.append(bytes)
            self = .byteArray(array)
        }
    }
}

extension ColumnBatch {
    /// The same for the same values, bit for bit: what is not a number equals itself here.
    var fingerprint: [[UInt8]] {
        var plain: [UInt8] = []
        do { try ValueEncoder.encode(values, .plain, appendingTo: &plain) } catch { return [] }
        return [plain, definitionLevels, repetitionLevels, Array("\(count)".utf8)]
    }
}

extension ParquetFile {
    /// All values of all columns, whatever the row groups.
    func readAll() async throws -> [ColumnBatch] {
        var batches = schema.columns.map { ColumnBatch(for: $0) }
        for group in rowGroups.indices {
            for column in schema.columns.indices {
                let batch = try await readColumn(rowGroup: group, column: column)
                try batches[column].append(batch, limits: limits)
            }
        }
        return batches
    }
}
