// SPDX-License-Identifier: Apache-2.0

/// The types of Thrift's compact protocol.
enum ThriftType: UInt8 {
    case yes = 1
    case no = 2
    case byte = 3
    case i16 = 4
    case i32 = 5
    case i64 = 6
    case double = 7
    case binary = 8
    case list = 9
    case set = 10
    case map = 11
    case structure = 12
    case uuid = 13
}

/// A field's head: what follows it is the value.
struct ThriftField {
    let id: Int16
    let type: ThriftType
}

/// A field that we do not know, as it was written, so that it can be written again.
struct ThriftUnknownField: Hashable, Sendable {
    let id: Int16
    let type: UInt8
    let bytes: [UInt8]
}

/// Something that is read from and written as a Thrift structure.
protocol ThriftStruct {
    init(from reader: inout ThriftReader) throws(ParquetError)
    func write(to writer: inout ThriftWriter)
}

/// Reads Thrift's compact protocol, never past the end of its bytes.
///
/// Counts are compared with the bytes that are left before anything is allocated: every element
/// takes at least one byte. Structures nest no deeper than ``ParquetLimits/thriftDepth``.
struct ThriftReader {
    let bytes: [UInt8]
    var position: Int
    let end: Int
    /// Where the bytes come from, for messages.
    let place: ParquetPlace
    private var depth = 0

    init(_ bytes: [UInt8], range: Range<Int>? = nil, place: ParquetPlace) {
        self.bytes = bytes
        let range = range ?? 0..<bytes.count
        position = range.lowerBound
        end = min(range.upperBound, bytes.count)
        self.place = place
    }

    func malformed(_ reason: String) -> ParquetError { .malformed(reason: reason, at: place) }

    mutating func byte() throws(ParquetError) -> UInt8 {
        guard position < end else { throw malformed("it ends within a value") }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func unsigned() throws(ParquetError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            // The tenth byte holds the one bit that is left.
            guard shift < 63 || next <= 1 else { throw malformed("an integer is too long") }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
        }
    }

    mutating func signed() throws(ParquetError) -> Int64 {
        let value = try unsigned()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    // MARK: Structures

    /// Begins a structure; its fields follow through ``nextField(_:)``.
    mutating func beginStruct() throws(ParquetError) -> Int16 {
        depth += 1
        guard depth <= ParquetLimits.thriftDepth else { throw malformed("it nests too deeply") }
        return 0
    }

    /// The next field's head, or nil at the end of the structure.
    mutating func nextField(_ last: inout Int16) throws(ParquetError) -> ThriftField? {
        let head = try byte()
        guard head != 0 else {
            depth -= 1
            return nil
        }
        guard let type = ThriftType(rawValue: head & 0x0F) else {
            throw malformed("a field has the unknown type \(head & 0x0F)")
        }
        let delta = Int16(head >> 4)
        if delta == 0 {
            guard let id = Int16(exactly: try signed()) else {
                throw malformed("a field id is out of range")
            }
            last = id
        } else {
            let (id, overflow) = last.addingReportingOverflow(delta)
            guard !overflow else { throw malformed("a field id is out of range") }
            last = id
        }
        return ThriftField(id: last, type: type)
    }

    private func expect(_ field: ThriftField, _ type: ThriftType) throws(ParquetError) {
        guard field.type == type else {
            throw malformed("field \(field.id) has type \(field.type) instead of \(type)")
        }
    }

    /// Keeps a field that is not known, unread.
    mutating func keep(
        _ field: ThriftField, in unknown: inout [ThriftUnknownField]
    ) throws(ParquetError) {
        let start = position
        try skip(field.type)
        unknown.append(
            ThriftUnknownField(
                id: field.id, type: field.type.rawValue, bytes: Array(bytes[start..<position])))
    }

    // MARK: Values of fields

    mutating func bool(_ field: ThriftField) throws(ParquetError) -> Bool {
        switch field.type {
        case .yes: return true
        case .no: return false
        case .byte, .i16, .i32, .i64, .double, .binary, .list, .set, .map, .structure, .uuid:
            throw malformed("field \(field.id) has type \(field.type) instead of a boolean")
        }
    }

    mutating func i8(_ field: ThriftField) throws(ParquetError) -> Int8 {
        try expect(field, .byte)
        return Int8(bitPattern: try byte())
    }

    mutating func i16(_ field: ThriftField) throws(ParquetError) -> Int16 {
        try expect(field, .i16)
        return try narrow(try signed())
    }

    mutating func i32(_ field: ThriftField) throws(ParquetError) -> Int32 {
        try expect(field, .i32)
        return try narrow(try signed())
    }

    mutating func i64(_ field: ThriftField) throws(ParquetError) -> Int64 {
        try expect(field, .i64)
        return try signed()
    }

    private func narrow<Value: FixedWidthInteger>(_ wide: Int64) throws(ParquetError) -> Value {
        guard let value = Value(exactly: wide) else {
            throw malformed("the integer \(wide) is out of range")
        }
        return value
    }

    mutating func binary(_ field: ThriftField) throws(ParquetError) -> [UInt8] {
        try expect(field, .binary)
        return try binaryElement()
    }

    mutating func string(_ field: ThriftField) throws(ParquetError) -> String {
        try text(binary(field))
    }

    private func text(_ bytes: [UInt8]) throws(ParquetError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw malformed("a name or text is not UTF-8")
        }
        return text
    }

    mutating func structure<Value: ThriftStruct>(
        _ field: ThriftField
    ) throws(ParquetError) -> Value {
        try expect(field, .structure)
        return try Value(from: &self)
    }

    // MARK: Lists

    /// The count of a list whose elements have a type; the elements follow.
    mutating func list(_ field: ThriftField, of type: ThriftType) throws(ParquetError) -> Int {
        try expect(field, .list)
        let (found, count) = try listHead()
        let isBoolean = type == .yes && found == .no
        guard count == 0 || found == type || isBoolean else {
            throw malformed("a list holds type \(found) instead of \(type)")
        }
        return count
    }

    private mutating func listHead() throws(ParquetError) -> (ThriftType, Int) {
        let head = try byte()
        let short = Int(head >> 4)
        let count = short < 15 ? UInt64(short) : try unsigned()
        guard count <= UInt64(end - position) else {
            throw malformed("a list of \(count) elements is longer than what is left")
        }
        guard let type = ThriftType(rawValue: head & 0x0F) else {
            // An empty list of no type is what some writers make.
            guard head & 0x0F == 0, count == 0 else {
                throw malformed("a list has the unknown type \(head & 0x0F)")
            }
            return (.structure, 0)
        }
        return (type, Int(count))
    }

    mutating func binaryElement() throws(ParquetError) -> [UInt8] {
        let count = try unsigned()
        guard count <= UInt64(end - position) else {
            throw malformed("a length of \(count) reaches past the end")
        }
        let start = position
        position += Int(count)
        return Array(bytes[start..<position])
    }

    mutating func structures<Value: ThriftStruct>(
        _ field: ThriftField, limit: Int = .max, part: String = "a list"
    ) throws(ParquetError) -> [Value] {
        let count = try list(field, of: .structure)
        guard count <= limit else {
            throw .tooLarge(part: part, size: Int64(count), limit: Int64(limit))
        }
        var values: [Value] = []
        for _ in 0..<count { values.append(try Value(from: &self)) }
        return values
    }

    mutating func i32s(_ field: ThriftField) throws(ParquetError) -> [Int32] {
        let count = try list(field, of: .i32)
        var values: [Int32] = []
        for _ in 0..<count { values.append(try narrow(try signed())) }
        return values
    }

    mutating func i64s(_ field: ThriftField) throws(ParquetError) -> [Int64] {
        let count = try list(field, of: .i64)
        var values: [Int64] = []
        for _ in 0..<count { values.append(try signed()) }
        return values
    }

    mutating func bools(_ field: ThriftField) throws(ParquetError) -> [Bool] {
        let count = try list(field, of: .yes)
        var values: [Bool] = []
        for _ in 0..<count { values.append(try byte() == ThriftType.yes.rawValue) }
        return values
    }

    mutating func binaries(_ field: ThriftField) throws(ParquetError) -> [[UInt8]] {
        let count = try list(field, of: .binary)
        var values: [[UInt8]] = []
        for _ in 0..<count { values.append(try binaryElement()) }
        return values
    }

    mutating func strings(_ field: ThriftField) throws(ParquetError) -> [String] {
        let count = try list(field, of: .binary)
        var values: [String] = []
        for _ in 0..<count { values.append(try text(binaryElement())) }
        return values
    }

    // MARK: Skipping

    mutating func skip(_ type: ThriftType, isElement: Bool = false) throws(ParquetError) {
        switch type {
        case .yes, .no: if isElement { _ = try byte() }
        case .byte: _ = try byte()
        case .i16, .i32, .i64: _ = try unsigned()
        case .double: try advance(8)
        case .uuid: try advance(16)
        case .binary: try advance(try unsigned())
        case .list, .set: try nested { (reader) throws(ParquetError) in try reader.skipList() }
        case .map: try nested { (reader) throws(ParquetError) in try reader.skipMap() }
        case .structure:
            var last = try beginStruct()
            while let field = try nextField(&last) { try skip(field.type) }
        }
    }

    private mutating func advance(_ count: UInt64) throws(ParquetError) {
        guard count <= UInt64(end - position) else { throw malformed("it ends within a value") }
        position += Int(count)
    }

    private mutating func nested(
        _ body: (inout ThriftReader) throws(ParquetError) -> Void
    ) throws(ParquetError) {
        _ = try beginStruct()
        try body(&self)
        depth -= 1
    }

    private mutating func skipList() throws(ParquetError) {
        let (type, count) = try listHead()
        for _ in 0..<count { try skip(type, isElement: true) }
    }

    private mutating func skipMap() throws(ParquetError) {
        let count = try unsigned()
        guard count > 0 else { return }
        guard count <= UInt64(end - position) else {
            throw malformed("a map of \(count) entries is longer than what is left")
        }
        let types = try byte()
        guard let key = ThriftType(rawValue: types >> 4),
            let value = ThriftType(rawValue: types & 0x0F)
        else { throw malformed("a map has an unknown type") }
        for _ in 0..<count {
            try skip(key, isElement: true)
            try skip(value, isElement: true)
        }
    }
}
