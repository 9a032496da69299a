// SPDX-License-Identifier: Apache-2.0

/// Reads strict TBinaryProtocol out of bytes of any origin.
///
/// Whatever the bytes are, it returns what they say or throws; nothing is allocated for a length
/// or a count before the bytes for it are there.
struct ThriftReader {
    private let bytes: [UInt8]
    private(set) var position = 0
    private var depth = 0
    let limits: HiveServer2Limits

    init(_ bytes: [UInt8], limits: HiveServer2Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// Whether nothing is left.
    var isAtEnd: Bool { position == bytes.count }

    // MARK: Structures

    /// Reads a structure from its first field to its stop.
    mutating func structure<Value: ThriftStructure>(
        _ type: Value.Type = Value.self
    ) throws(ThriftError) -> Value {
        guard depth < limits.depth else { throw .limitExceeded(.depth) }
        depth += 1
        var value = Value()
        while let field = try nextField() { try value.take(field, from: &self) }
        depth -= 1
        return value
    }

    /// Reads a structure that is a field's value.
    mutating func structure<Value: ThriftStructure>(
        _ field: ThriftField, _ type: Value.Type = Value.self
    ) throws(ThriftError) -> Value {
        try field.check(.structure)
        return try structure()
    }

    /// The head of the next field of a structure, or nil at its stop.
    mutating func nextField() throws(ThriftError) -> ThriftField? {
        let byte = try number(UInt8.self)
        guard byte != ThriftType.stop else { return nil }
        return ThriftField(type: try ThriftType(wire: byte), id: try number(Int16.self))
    }

    /// Passes over a field that is of no interest.
    mutating func skip(_ field: ThriftField) throws(ThriftError) {
        var scanner = ThriftScanner(of: field.type, at: position, limits: limits)
        guard try scanner.reachesEnd(in: bytes) else { throw .truncated }
        position = scanner.position
    }

    // MARK: Values of fields

    mutating func bool(_ field: ThriftField) throws(ThriftError) -> Bool {
        try field.check(.bool)
        return try number(UInt8.self) != 0
    }

    mutating func int32(_ field: ThriftField) throws(ThriftError) -> Int32 {
        try field.check(.int32)
        return try number(Int32.self)
    }

    mutating func int64(_ field: ThriftField) throws(ThriftError) -> Int64 {
        try field.check(.int64)
        return try number(Int64.self)
    }

    mutating func double(_ field: ThriftField) throws(ThriftError) -> Double {
        try field.check(.double)
        return try double()
    }

    mutating func binary(_ field: ThriftField) throws(ThriftError) -> [UInt8] {
        try field.check(.string)
        return Array(try blob())
    }

    /// Text on which something may depend: refused when it is not UTF-8.
    mutating func string(_ field: ThriftField) throws(ThriftError) -> String {
        try field.check(.string)
        return try string()
    }

    /// Text for people, which is worth showing even when it is damaged.
    mutating func message(_ field: ThriftField) throws(ThriftError) -> String {
        try field.check(.string)
        return String(decoding: try blob(), as: UTF8.self)
    }

    // MARK: Values as such

    mutating func number<Number: FixedWidthInteger>(
        _ type: Number.Type
    ) throws(ThriftError) -> Number {
        guard let number = bytes.bigEndian(Number.self, at: position) else { throw .truncated }
        position += Number.bitWidth / 8
        return number
    }

    mutating func double() throws(ThriftError) -> Double {
        Double(bitPattern: try number(UInt64.self))
    }

    mutating func string() throws(ThriftError) -> String {
        guard let text = String(validating: try blob(), as: UTF8.self) else { throw .notText }
        return text
    }

    mutating func blob() throws(ThriftError) -> ArraySlice<UInt8> {
        let length = try number(Int32.self)
        guard length >= 0 else { throw .negativeSize(Int(length)) }
        guard length <= limits.stringBytes else { throw .limitExceeded(.stringBytes) }
        guard Int(length) <= bytes.count - position else { throw .truncated }
        defer { position += Int(length) }
        return bytes[position..<(position + Int(length))]
    }

    /// Reads a list that is a field's value, each element by the closure.
    mutating func list<Element>(
        _ field: ThriftField, of type: ThriftType,
        _ element: (inout ThriftReader) throws(ThriftError) -> Element
    ) throws(ThriftError) -> [Element] {
        try field.check(.list)
        return try list(of: type, element)
    }

    /// Reads a list, each element by the closure.
    mutating func list<Element>(
        of type: ThriftType, _ element: (inout ThriftReader) throws(ThriftError) -> Element
    ) throws(ThriftError) -> [Element] {
        let byte = try number(UInt8.self)
        let count = Int(try number(Int32.self))
        guard count >= 0 else { throw .negativeSize(count) }
        // Some writers give an empty list no type.
        guard count > 0 else { return [] }
        let found = try ThriftType(wire: byte)
        guard found == type else { throw .wrongElement(wanted: type, found: found) }
        guard count <= limits.elements else { throw .limitExceeded(.elements) }
        // A structure in memory is many times what an empty one is on the wire.
        guard type != .structure || count <= limits.columns else {
            throw .limitExceeded(.columns)
        }
        guard count <= (bytes.count - position) / type.minimumSize else {
            throw .impossibleCount(count)
        }
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for _ in 0..<count { elements.append(try element(&self)) }
        return elements
    }

    /// Reads a list of texts that is a field's value.
    mutating func strings(_ field: ThriftField) throws(ThriftError) -> [String] {
        try list(field, of: .string) { (reader) throws(ThriftError) in try reader.string() }
    }

    /// Reads a list of structures that is a field's value.
    mutating func structures<Value: ThriftStructure>(
        _ field: ThriftField, _ type: Value.Type = Value.self
    ) throws(ThriftError) -> [Value] {
        try list(field, of: .structure) { (reader) throws(ThriftError) in
            try reader.structure(Value.self)
        }
    }
}

/// The head of a field.
struct ThriftField: Hashable, Sendable {
    let type: ThriftType
    let id: Int16

    /// Refuses a field of another type than the interface says.
    func check(_ wanted: ThriftType) throws(ThriftError) {
        guard type == wanted else { throw .wrongType(field: id, wanted: wanted, found: type) }
    }
}

/// A structure that is read field by field.
protocol ThriftStructure {
    /// Before any field has come.
    init()
    /// Reads the value of a field, or skips it.
    mutating func take(_ field: ThriftField, from reader: inout ThriftReader) throws(ThriftError)
}
