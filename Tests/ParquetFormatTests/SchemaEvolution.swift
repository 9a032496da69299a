// SPDX-License-Identifier: Apache-2.0

import TestSupport

@testable import ParquetFormat

/// A schema that came about from another by steps that Iceberg allows, and what rows become by it.
struct SchemaEvolution {
    private(set) var fields: [ParquetField] = []
    private(set) var fills: [Int32: ColumnFill] = [:]
    private var nextID: Int32 = 1000
    private var make: ([Cell]) -> [Cell] = { $0 }

    init(of fields: [ParquetField], using random: inout SeededGenerator) throws {
        (self.fields, make) = try evolved(fields, mayReorder: true, &random)
    }

    /// A row of the older schema as a row of the newer.
    func row(_ row: [Cell]) -> [Cell] { make(row) }

    private mutating func evolved(
        _ fields: [ParquetField], mayReorder: Bool, _ random: inout SeededGenerator
    ) throws -> ([ParquetField], ([Cell]) -> [Cell]) {
        var made: [(field: ParquetField, cell: ([Cell]) -> Cell)] = []
        for (index, field) in fields.enumerated() {
            let isDropped = index > 0 && mayReorder && Int.random(in: 0..<5, using: &random) == 0
            guard !isDropped else { continue }
            let (new, change) = try evolved(field, mayRename: mayReorder, &random)
            made.append((new, { change($0[index]) }))
        }
        if mayReorder, Int.random(in: 0..<3, using: &random) == 0 {
            let (new, cell) = try added(&random)
            made.append((new, { _ in cell }))
        }
        if mayReorder { made.shuffle(using: &random) }
        let changes = made.map(\.cell)
        return (made.map(\.field), { cells in changes.map { $0(cells) } })
    }

    private mutating func evolved(
        _ field: ParquetField, mayRename: Bool, _ random: inout SeededGenerator
    ) throws -> (ParquetField, (Cell) -> Cell) {
        var new = field
        if mayRename, Bool.random(using: &random) { new.name = "renamed_" + field.name }
        if field.repetition == .required, field.name != "key", field.id != nil,
            Int.random(in: 0..<3, using: &random) == 0
        {
            new.repetition = .optional
        }
        let change: (Cell) -> Cell
        switch field.content {
        case .values(let type, let length):
            change = widened(&new, type, length, &random)
        case .fields(let children):
            let isStruct = field.logicalType == nil && field.repetition != .repeated
            let (inner, each) = try evolved(children, mayReorder: isStruct, &random)
            new.content = .fields(inner)
            change = { cell in
                if case .group(let cells) = cell { return .group(each(cells)) }
                return cell
            }
        }
        guard field.repetition == .repeated else { return (new, { $0.map(change) }) }
        return (
            new,
            { cell in
                guard case .list(let cells) = cell else { return cell }
                return .list(cells.map(change))
            }
        )
    }

    /// A field that is new: null everywhere, or the same value.
    private mutating func added(
        _ random: inout SeededGenerator
    ) throws -> (ParquetField, Cell) {
        nextID += 50
        var id = nextID
        if Bool.random(using: &random) {
            var field = RandomTable.field("new\(nextID)", depth: 2, &id, &random)
            field.repetition = .optional
            return (field, .null)
        }
        let field = RandomTable.field("new\(nextID)", depth: 0, &id, &random)
        let leaf = try ParquetSchema([field]).columns[0]
        let value = RandomTable.value(leaf, &random)
        fills[nextID + 1] = .constant(value)
        return (field, .value(value))
    }

    private func widened(
        _ field: inout ParquetField, _ type: PhysicalType, _ length: Int32,
        _ random: inout SeededGenerator
    ) -> (Cell) -> Cell {
        guard Bool.random(using: &random) else { return { $0 } }
        switch (type, field.logicalType) {
        case (.int32, nil):
            field.content = .values(.int64, length: 0)
            return Self.change { bytes in
                let value = bytes.withUnsafeBytes { $0.loadUnaligned(as: Int32.self) }
                return withUnsafeBytes(of: Int64(value)) { Array($0) }
            }
        case (.float, nil):
            field.content = .values(.double, length: 0)
            return Self.change { bytes in
                let value = bytes.withUnsafeBytes { $0.loadUnaligned(as: Float.self) }
                return withUnsafeBytes(of: Double(value)) { Array($0) }
            }
        case (.int32, .decimal(_, let scale)):
            field.logicalType = .decimal(precision: 18, scale: scale)
            field.content = .values(.int64, length: 0)
            return Self.change { bytes in
                let value = bytes.withUnsafeBytes { $0.loadUnaligned(as: Int32.self) }
                return withUnsafeBytes(of: Int64(value)) { Array($0) }
            }
        case (.int64, .decimal(_, let scale)):
            field.logicalType = .decimal(precision: 38, scale: scale)
            field.content = .values(.fixedLengthByteArray, length: 16)
            return Self.change { bytes in
                Self.padded(Array(bytes.reversed()), to: 16)
            }
        case (.fixedLengthByteArray, .decimal(_, let scale)):
            field.logicalType = .decimal(precision: 38, scale: scale)
            field.content = .values(.fixedLengthByteArray, length: 16)
            return Self.change { Self.padded($0, to: 16) }
        default: return { $0 }
        }
    }

    private static func padded(_ bytes: [UInt8], to width: Int) -> [UInt8] {
        let fill: UInt8 = bytes[0] >= 0x80 ? 0xFF : 0
        return [UInt8](repeating: fill, count: width - bytes.count) + bytes
    }

    private static func change(_ body: @escaping ([UInt8]) -> [UInt8]) -> (Cell) -> Cell {
        { cell in
            guard case .value(let bytes) = cell else { return cell }
            return .value(body(bytes))
        }
    }
}

extension Cell {
    /// Changes what is there.
    fileprivate func map(_ change: (Cell) -> Cell) -> Cell { self == .null ? .null : change(self) }
}
