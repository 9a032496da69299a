// SPDX-License-Identifier: Apache-2.0

import ParquetFormat
import Testing
import WireFormat

/// Writes a leaf's values row by row, as `Tests/Oracles/parquet_values.py` does.
struct CanonicalTexts {
    private let schema: ParquetSchema
    private let column: ParquetColumn
    /// The nodes below the root, down to the leaf.
    private let path: [SchemaNode]

    init(_ schema: ParquetSchema, column: Int) {
        self.schema = schema
        self.column = schema.columns[column]
        var nodes: [SchemaNode] = []
        var next: Int? = self.column.node
        while let index = next, let parent = schema.nodes[index].parent {
            nodes.append(schema.nodes[index])
            next = parent
        }
        path = nodes.reversed()
    }

    private struct Entry {
        let repetition: Int
        let definition: Int
        let value: Int
    }

    /// One text for each row.
    func rows(_ batch: ColumnBatch) -> [String] {
        var entries: [Entry] = []
        var values = 0
        for index in 0..<batch.count {
            let definition =
                batch.definitionLevels.isEmpty ? 0 : Int(batch.definitionLevels[index])
            let repetition =
                batch.repetitionLevels.isEmpty ? 0 : Int(batch.repetitionLevels[index])
            entries.append(
                Entry(repetition: repetition, definition: definition, value: values))
            if definition == column.maximumDefinitionLevel { values += 1 }
        }
        let texts = ValueTexts(column).texts(batch.values)
        return split(entries[...], at: 0).map { text($0, 0, texts) }
    }

    private func split(_ entries: ArraySlice<Entry>, at level: Int) -> [ArraySlice<Entry>] {
        var parts: [ArraySlice<Entry>] = []
        var start = entries.startIndex
        for index in entries.indices.dropFirst() where entries[index].repetition <= level {
            parts.append(entries[start..<index])
            start = index
        }
        return entries.isEmpty ? [] : parts + [entries[start...]]
    }

    private func text(_ entries: ArraySlice<Entry>, _ depth: Int, _ texts: [String]) -> String {
        guard let first = entries.first else { return "" }
        guard depth < path.count else { return texts[first.value] }
        let node = path[depth]
        switch node.repetition {
        case .required: return wrap(depth, text(entries, depth + 1, texts))
        case .optional:
            guard first.definition >= node.definitionLevel else { return "n" }
            return wrap(depth, text(entries, depth + 1, texts))
        case .repeated:
            guard first.definition >= node.definitionLevel else { return "[]" }
            let parts = split(entries, at: node.repetitionLevel)
            return "["
                + parts.map { wrap(depth, text($0, depth + 1, texts)) }.joined(separator: ",") + "]"
        }
    }

    private func wrap(_ depth: Int, _ inner: String) -> String {
        let node = path[depth]
        guard node.column == nil else { return inner }
        if node.repetition != .repeated, isList(node) || isMap(node) { return inner }
        guard node.repetition == .repeated, depth > 0, isList(path[depth - 1]) else {
            // A map without values reads as a list of its keys.
            let isKey =
                depth > 0 && isMap(path[depth - 1]) && node.repetition == .repeated
                && node.children.count == 1
            return isKey ? inner : "{\(inner)}"
        }
        guard !isList(node) else { return inner }
        // The middle of three levels vanishes; in older forms the repeated group is the element.
        let list = path[depth - 1]
        let isElement =
            node.children.count > 1 || node.name == "array" || node.name == "\(list.name)_tuple"
        return isElement ? "{\(inner)}" : inner
    }

    private func isList(_ node: SchemaNode) -> Bool { node.logicalType == .list }
    private func isMap(_ node: SchemaNode) -> Bool { node.logicalType == .map }
}

extension CanonicalTexts {
    /// Expects the texts of all rows of all leaves to be those that the oracle printed.
    static func expect(
        _ found: [[String]], asRead other: JSONValue?, by reader: String, _ comment: String
    ) {
        guard case .array(let leaves) = other else {
            Issue.record("\(comment): \(reader) says \(String(describing: other))")
            return
        }
        #expect(found.count == leaves.count, "\(comment): number of leaves")
        for (index, (mine, leaf)) in zip(found, leaves).enumerated() {
            let theirs = (leaf.arrayValue ?? []).map { $0.stringValue ?? "" }
            guard mine != theirs else { continue }
            let row = zip(mine, theirs).enumerated().first { $0.element.0 != $0.element.1 }
            Issue.record(
                """
                \(comment) leaf \(index): \(mine.count) rows, \(reader) has \(theirs.count); \
                row \(row?.offset ?? -1): \(row?.element.0.prefix(200) ?? ""), \(reader) has \
                \(row?.element.1.prefix(200) ?? "")
                """)
        }
    }
}

/// Writes single values.
struct ValueTexts {
    private let column: ParquetColumn

    init(_ column: ParquetColumn) { self.column = column }

    func texts(_ values: ColumnValues) -> [String] {
        switch values {
        case .boolean(let array): array.map { $0 ? "1" : "0" }
        case .int32(let array): array.map { integer($0) }
        case .int64(let array): array.map { integer($0) }
        case .float(let array): array.map { hexadecimal($0.bitPattern) }
        case .double(let array): array.map { hexadecimal($0.bitPattern) }
        case .int96(let array): (0..<array.count).map { nanoseconds(array[$0]) }
        case .byteArray(let array): (0..<array.count).map { bytes(array[$0]) }
        case .fixedLengthByteArray(let array): (0..<array.count).map { bytes(array[$0]) }
        }
    }

    private func integer<Value: FixedWidthInteger & SignedInteger>(_ value: Value) -> String {
        switch column.logicalType {
        case .decimal: bytes(bigEndian(value)[...])
        case .integer(_, isSigned: false):
            String(UInt64(truncatingIfNeeded: value) & (Value.bitWidth == 32 ? 0xFFFF_FFFF : .max))
        default: String(value)
        }
    }

    private func bigEndian<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        stride(from: Value.bitWidth - 8, through: 0, by: -8).map {
            UInt8(truncatingIfNeeded: value >> Value($0))
        }
    }

    private func hexadecimal<Value: FixedWidthInteger>(_ value: Value) -> String {
        bigEndian(value).map(hexadecimal).joined()
    }

    private func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    private func nanoseconds(_ value: ArraySlice<UInt8>) -> String {
        let number = { (part: ArraySlice<UInt8>) in
            part.reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
        }
        let epoch: Int64 = 2_440_588
        let days = number(value.suffix(4)) - epoch
        return String(days &* 86_400_000_000_000 &+ number(value.prefix(8)))
    }

    private func bytes(_ value: ArraySlice<UInt8>) -> String {
        switch column.logicalType {
        case .decimal:
            var shortest = value
            while let first = shortest.first, let second = shortest.dropFirst().first,
                first == 0 && second < 0x80 || first == 0xFF && second >= 0x80
            {
                shortest = shortest.dropFirst()
            }
            return shortest.map(hexadecimal).joined()
        case .float16: return value.reversed().map(hexadecimal).joined()
        default: return value.map(hexadecimal).joined()
        }
    }
}
