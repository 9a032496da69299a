// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A key and a value, one after the other behind their lengths; how records lie in memory and in
/// runs.
///
/// Four bytes for the key's length, four for the value's, the key, the value.
enum Record {
    static let headerSize = 8
    /// The longest key or value.
    static let longest = 1 << 24

    static func append(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, to bytes: inout [UInt8]
    ) {
        precondition(
            key.count <= longest && value.count <= longest, "a record's parts have a limit")
        withUnsafeBytes(of: UInt32(key.count)) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: UInt32(value.count)) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: key)
        bytes.append(contentsOf: value)
    }

    static func size(at start: Int, in bytes: UnsafeRawBufferPointer) -> Int {
        headerSize + keyCount(at: start, in: bytes) + valueCount(at: start, in: bytes)
    }

    static func key(at start: Int, in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let from = start + headerSize
        return UnsafeRawBufferPointer(rebasing: bytes[from..<from + keyCount(at: start, in: bytes)])
    }

    static func value(at start: Int, in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let from = start + headerSize + keyCount(at: start, in: bytes)
        return UnsafeRawBufferPointer(
            rebasing: bytes[from..<from + valueCount(at: start, in: bytes)])
    }

    private static func keyCount(at start: Int, in bytes: UnsafeRawBufferPointer) -> Int {
        Int(bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
    }

    private static func valueCount(at start: Int, in bytes: UnsafeRawBufferPointer) -> Int {
        Int(bytes.loadUnaligned(fromByteOffset: start + 4, as: UInt32.self))
    }

    /// Orders by key and then by value, as bytes.
    static func isOrdered(
        _ left: Int, in leftBytes: UnsafeRawBufferPointer, before right: Int,
        in rightBytes: UnsafeRawBufferPointer
    ) -> Bool {
        let keys = ByteOrder.compare(key(at: left, in: leftBytes), key(at: right, in: rightBytes))
        guard keys == 0 else { return keys < 0 }
        return ByteOrder.compare(
            value(at: left, in: leftBytes), value(at: right, in: rightBytes)) < 0
    }
}

/// The order of byte strings: byte by byte, the shorter of two that begin alike first.
public enum ByteOrder {
    /// Negative, zero or positive.
    public static func compare(
        _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
    ) -> Int {
        let common = min(left.count, right.count)
        if common > 0, let first = left.baseAddress, let second = right.baseAddress {
            let order = memcmp(first, second, common)
            if order != 0 { return Int(order) }
        }
        return left.count - right.count
    }
}

extension [UInt8] {
    /// The bytes, with errors that keep their type.
    func withRawBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withUnsafeBufferPointer { (buffer) throws(Failure) in
            try body(UnsafeRawBufferPointer(buffer))
        }
    }
}
