// SPDX-License-Identifier: Apache-2.0

extension LogicalType {
    /// The union that the footer carries; nil for what only the older annotation can say.
    var union: RawThriftStruct? {
        switch self {
        case .string: choice(1)
        case .map: choice(2)
        case .list: choice(3)
        case .enumeration: choice(4)
        case .decimal(let precision, let scale):
            choice(5, [number(1, scale), number(2, precision)])
        case .date: choice(6)
        case .time(let unit, let isAdjusted): choice(7, [flag(1, isAdjusted), self.unit(2, unit)])
        case .timestamp(let unit, let isAdjusted):
            choice(8, [flag(1, isAdjusted), self.unit(2, unit)])
        case .integer(let bitWidth, let isSigned):
            choice(10, [byte(1, UInt8(bitPattern: bitWidth)), flag(2, isSigned)])
        case .null: choice(11)
        case .json: choice(12)
        case .bson: choice(13)
        case .uuid: choice(14)
        case .float16: choice(15)
        case .variant(let version):
            choice(16, version.map { [byte(1, UInt8(bitPattern: $0))] } ?? [])
        case .geometry(let crs): choice(17, crs.map { [text(1, $0)] } ?? [])
        case .geography(let crs, let algorithm):
            choice(
                18, (crs.map { [text(1, $0)] } ?? []) + (algorithm.map { [number(2, $0)] } ?? []))
        case .interval, .unknown: nil
        }
    }

    /// The number of the older annotation, for older readers; nil where there is none.
    var converted: Int32? {
        switch self {
        case .string: 0
        case .map: 1
        case .list: 3
        case .enumeration: 4
        case .decimal: 5
        case .date: 6
        case .time(.milliseconds, isAdjustedToUTC: true): 7
        case .time(.microseconds, isAdjustedToUTC: true): 8
        case .timestamp(.milliseconds, isAdjustedToUTC: true): 9
        case .timestamp(.microseconds, isAdjustedToUTC: true): 10
        case .integer(let bitWidth, let isSigned):
            [8: 0, 16: 1, 32: 2, 64: 3][bitWidth].map { $0 + (isSigned ? 15 : 11) }
        case .json: 19
        case .bson: 20
        case .interval: 21
        case .time, .timestamp, .null, .uuid, .float16, .variant, .geometry, .geography, .unknown:
            nil
        }
    }

    private func choice(_ id: Int16, _ fields: [ThriftUnknownField] = []) -> RawThriftStruct {
        RawThriftStruct(fields: [structure(id, fields)])
    }

    private func structure(_ id: Int16, _ fields: [ThriftUnknownField]) -> ThriftUnknownField {
        ThriftUnknownField(
            id: id, type: ThriftType.structure.rawValue,
            bytes: RawThriftStruct(fields: fields).thriftBytes)
    }

    private func number(_ id: Int16, _ value: Int32) -> ThriftUnknownField {
        var writer = ThriftWriter()
        writer.signed(Int64(value))
        return ThriftUnknownField(id: id, type: ThriftType.i32.rawValue, bytes: writer.bytes)
    }

    private func byte(_ id: Int16, _ value: UInt8) -> ThriftUnknownField {
        ThriftUnknownField(id: id, type: ThriftType.byte.rawValue, bytes: [value])
    }

    private func flag(_ id: Int16, _ value: Bool) -> ThriftUnknownField {
        ThriftUnknownField(
            id: id, type: (value ? ThriftType.yes : .no).rawValue, bytes: [])
    }

    private func text(_ id: Int16, _ value: String) -> ThriftUnknownField {
        var writer = ThriftWriter()
        writer.unsigned(UInt64(value.utf8.count))
        return ThriftUnknownField(
            id: id, type: ThriftType.binary.rawValue, bytes: writer.bytes + Array(value.utf8))
    }

    private func unit(_ id: Int16, _ unit: TimeUnit) -> ThriftUnknownField {
        structure(id, [structure(unit.rawValue, [])])
    }
}
