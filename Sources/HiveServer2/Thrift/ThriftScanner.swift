// SPDX-License-Identifier: Apache-2.0

/// Finds where a value or a message ends, without reading what is in it.
///
/// TBinaryProtocol over a plain connection announces no length, so the end of a reply is known
/// only by walking it. The walk goes on where it stopped when more bytes have come, takes no
/// recursion, and refuses at the first byte that breaks the format or a limit: garbage is found
/// at once and not when a length of a gigabyte has not arrived.
///
/// Invariant: everything before `position` is accounted for; `position` may lie beyond the bytes
/// at hand, when a value of known length is still arriving.
struct ThriftScanner {
    /// Where the next thing to look at begins; after the end, the number of bytes.
    private(set) var position: Int
    private var open: [Open]
    private var hasHeader: Bool
    private let limits: HiveServer2Limits

    /// What began and has not ended, the innermost last.
    private enum Open {
        case structure
        /// The elements of a list or set that are still to come.
        case values(ThriftType, count: Int)
        case entries(key: ThriftType, value: ThriftType, count: Int)
        /// A single value, which gives way to what it consists of.
        case one(ThriftType)
    }

    /// Walks a whole message from its first byte.
    init(limits: HiveServer2Limits) {
        position = 0
        open = [.structure]
        hasHeader = false
        self.limits = limits
    }

    /// Walks one value that begins at a position.
    init(of type: ThriftType, at position: Int, limits: HiveServer2Limits) {
        self.position = position
        open = [.one(type)]
        hasHeader = true
        self.limits = limits
    }

    /// Walks as far as the bytes reach; whether the end was found.
    ///
    /// The bytes are all that came so far, from the first.
    mutating func reachesEnd(in bytes: [UInt8]) throws(ThriftError) -> Bool {
        if !hasHeader {
            guard try readHeader(bytes) else { return false }
        }
        while let innermost = open.last {
            guard position <= limits.messageBytes else { throw .limitExceeded(.messageBytes) }
            let goesOn =
                switch innermost {
                case .structure: try readField(bytes)
                case .one(let type): try readValue(type, count: 1, bytes)
                case .values(let type, let count): try readValue(type, count: count, bytes)
                case .entries(let key, let value, let count):
                    openEntry(key, value, count: count)
                }
            guard goesOn else { return false }
        }
        guard position <= limits.messageBytes else { throw .limitExceeded(.messageBytes) }
        return position <= bytes.count
    }

    private mutating func readHeader(_ bytes: [UInt8]) throws(ThriftError) -> Bool {
        guard let word = bytes.bigEndian(UInt32.self, at: 0) else { return false }
        guard word & 0xFFFF_0000 == ThriftWriter.version else { throw .notStrict(word) }
        guard let length = bytes.bigEndian(Int32.self, at: 4) else { return false }
        guard length >= 0 else { throw .negativeSize(Int(length)) }
        guard length <= HiveServer2Limits.methodBytes else { throw .wrongMethod }
        position = 12 + Int(length)
        hasHeader = true
        return true
    }

    private mutating func readField(_ bytes: [UInt8]) throws(ThriftError) -> Bool {
        guard position < bytes.count else { return false }
        guard bytes[position] != ThriftType.stop else {
            position += 1
            open.removeLast()
            return true
        }
        let type = try ThriftType(wire: bytes[position])
        position += 3
        open.append(.one(type))
        return true
    }

    private mutating func readValue(
        _ type: ThriftType, count: Int, _ bytes: [UInt8]
    ) throws(ThriftError) -> Bool {
        guard count > 0 else {
            open.removeLast()
            return true
        }
        if let size = type.fixedSize {
            // The count was bounded by the size of a message when it was read.
            position += size * count
            open.removeLast()
            return true
        }
        switch type {
        case .string:
            guard let length = bytes.bigEndian(Int32.self, at: position) else { return false }
            guard length >= 0 else { throw .negativeSize(Int(length)) }
            guard length <= limits.stringBytes else { throw .limitExceeded(.stringBytes) }
            position += 4 + Int(length)
            takeOne()
        case .structure:
            takeOne()
            try enter(.structure)
        case .list, .set:
            guard let elements = bytes.bigEndian(Int32.self, at: position + 1) else { return false }
            let head = bytes[position]
            position += 5
            takeOne()
            if try isNonEmpty(elements) {
                let element = try ThriftType(wire: head)
                try enter(.values(element, count: checked(elements, element.minimumSize)))
            }
        case .map:
            guard let elements = bytes.bigEndian(Int32.self, at: position + 2) else { return false }
            let heads = (bytes[position], bytes[position + 1])
            position += 6
            takeOne()
            if try isNonEmpty(elements) {
                let key = try ThriftType(wire: heads.0)
                let value = try ThriftType(wire: heads.1)
                let count = try checked(elements, key.minimumSize + value.minimumSize)
                try enter(.entries(key: key, value: value, count: count))
            }
        case .bool, .byte, .double, .int16, .int32, .int64:
            // Of fixed size, which was handled above.
            open.removeLast()
        }
        return true
    }

    private mutating func openEntry(_ key: ThriftType, _ value: ThriftType, count: Int) -> Bool {
        open.removeLast()
        guard count > 0 else { return true }
        open.append(.entries(key: key, value: value, count: count - 1))
        open.append(.one(value))
        open.append(.one(key))
        return true
    }

    /// One value of those that are open is taken, or about to be.
    private mutating func takeOne() {
        switch open.popLast() {
        case .values(let type, let count): open.append(.values(type, count: count - 1))
        case .one, .structure, .entries, nil: return
        }
    }

    private mutating func enter(_ next: Open) throws(ThriftError) {
        guard open.count < limits.depth else { throw .limitExceeded(.depth) }
        open.append(next)
    }

    private func isNonEmpty(_ count: Int32) throws(ThriftError) -> Bool {
        guard count >= 0 else { throw .negativeSize(Int(count)) }
        return count > 0
    }

    private func checked(_ count: Int32, _ size: Int) throws(ThriftError) -> Int {
        guard Int(count) * size <= limits.messageBytes - position else {
            throw .impossibleCount(Int(count))
        }
        return Int(count)
    }
}

extension ThriftType {
    /// The type that a byte stands for.
    init(wire byte: UInt8) throws(ThriftError) {
        guard let type = ThriftType(rawValue: byte) else { throw .unknownType(byte) }
        self = type
    }
}

extension [UInt8] {
    /// The number at a position, or nil when not all of its bytes are there.
    func bigEndian<Number: FixedWidthInteger>(_ type: Number.Type, at position: Int) -> Number? {
        let size = Number.bitWidth / 8
        guard position >= 0, position <= count - size else { return nil }
        return withUnsafeBytes {
            Number(bigEndian: $0.loadUnaligned(fromByteOffset: position, as: Number.self))
        }
    }
}
