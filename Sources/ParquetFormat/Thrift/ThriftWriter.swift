// SPDX-License-Identifier: Apache-2.0

/// Writes Thrift's compact protocol.
///
/// Fields are written in the order of the calls; ascending ids give the short form.
struct ThriftWriter {
    private(set) var bytes: [UInt8] = []
    private var last: Int16 = 0

    mutating func unsigned(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func signed(_ value: Int64) {
        unsigned(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    // MARK: Structures

    mutating func structure(_ value: some ThriftStruct) {
        let outer = last
        last = 0
        value.write(to: &self)
        bytes.append(0)
        last = outer
    }

    private mutating func head(_ id: Int16, _ type: UInt8) {
        let delta = Int(id) - Int(last)
        if (1...15).contains(delta) {
            bytes.append(UInt8(delta) << 4 | type)
        } else {
            bytes.append(type)
            signed(Int64(id))
        }
        last = id
    }

    mutating func fields(_ unknown: [ThriftUnknownField]) {
        for field in unknown {
            head(field.id, field.type)
            bytes += field.bytes
        }
    }

    // MARK: Fields

    mutating func field(_ id: Int16, _ value: Bool?) {
        guard let value else { return }
        head(id, (value ? ThriftType.yes : .no).rawValue)
    }

    mutating func field(_ id: Int16, _ value: Int8?) {
        guard let value else { return }
        head(id, ThriftType.byte.rawValue)
        bytes.append(UInt8(bitPattern: value))
    }

    mutating func field(_ id: Int16, _ value: Int16?) {
        guard let value else { return }
        head(id, ThriftType.i16.rawValue)
        signed(Int64(value))
    }

    mutating func field(_ id: Int16, _ value: Int32?) {
        guard let value else { return }
        head(id, ThriftType.i32.rawValue)
        signed(Int64(value))
    }

    mutating func field(_ id: Int16, _ value: Int64?) {
        guard let value else { return }
        head(id, ThriftType.i64.rawValue)
        signed(value)
    }

    mutating func field(_ id: Int16, _ value: [UInt8]?) {
        guard let value else { return }
        head(id, ThriftType.binary.rawValue)
        element(value)
    }

    mutating func field(_ id: Int16, _ value: String?) {
        field(id, value.map { Array($0.utf8) })
    }

    mutating func field<Value: ThriftStruct>(_ id: Int16, _ value: Value?) {
        guard let value else { return }
        head(id, ThriftType.structure.rawValue)
        structure(value)
    }

    // MARK: Lists

    private mutating func listHead(_ id: Int16, _ type: ThriftType, _ count: Int) {
        head(id, ThriftType.list.rawValue)
        if count < 15 {
            bytes.append(UInt8(count) << 4 | type.rawValue)
        } else {
            bytes.append(0xF0 | type.rawValue)
            unsigned(UInt64(count))
        }
    }

    private mutating func element(_ value: [UInt8]) {
        unsigned(UInt64(value.count))
        bytes += value
    }

    mutating func field<Value: ThriftStruct>(_ id: Int16, _ values: [Value]?) {
        guard let values else { return }
        listHead(id, .structure, values.count)
        for value in values { structure(value) }
    }

    mutating func field(_ id: Int16, _ values: [Int32]?) {
        guard let values else { return }
        listHead(id, .i32, values.count)
        for value in values { signed(Int64(value)) }
    }

    mutating func field(_ id: Int16, _ values: [Int64]?) {
        guard let values else { return }
        listHead(id, .i64, values.count)
        for value in values { signed(value) }
    }

    mutating func field(_ id: Int16, _ values: [Bool]?) {
        guard let values else { return }
        listHead(id, .yes, values.count)
        for value in values { bytes.append((value ? ThriftType.yes : .no).rawValue) }
    }

    mutating func field(_ id: Int16, _ values: [[UInt8]]?) {
        guard let values else { return }
        listHead(id, .binary, values.count)
        for value in values { element(value) }
    }

    mutating func field(_ id: Int16, _ values: [String]?) {
        field(id, values.map { $0.map { Array($0.utf8) } })
    }
}

extension ThriftStruct {
    /// The value as bytes.
    var thriftBytes: [UInt8] {
        var writer = ThriftWriter()
        writer.structure(self)
        return writer.bytes
    }
}
