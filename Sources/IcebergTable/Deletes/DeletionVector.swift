// SPDX-License-Identifier: Apache-2.0

import Compression

/// Which rows of one data file are deleted (format version 3).
///
/// Iceberg spec, Deletion Vectors; Puffin spec, `deletion-vector-v1`; the RoaringFormatSpec, with
/// its extension to 64 bits.
public struct DeletionVector: Hashable, Sendable {
    /// The positions of deleted rows, ascending.
    public let positions: [Int64]

    static let magic: [UInt8] = [0xD1, 0xD3, 0x39, 0x64]
    /// What surrounds the bitmap: its length before, and the magic; a checksum behind.
    private static let frame = 12

    /// Bitmaps that begin with it have containers of runs.
    static let runCookie = 12_347
    /// Bitmaps that begin with it have none.
    static let plainCookie = 12_346
    /// Bitmaps with runs and fewer containers have no offsets.
    static let offsetThreshold = 4
    /// Containers with more values are bits.
    static let largestArray = 4096

    init(ascending positions: [Int64]) { self.positions = positions }

    /// Reads the blob that a manifest's offset and size point to.
    ///
    /// - Parameter limit: The most positions that are held.
    /// - Throws: ``DeletionVectorError``.
    public init(blob: [UInt8], limit: Int) throws(DeletionVectorError) {
        guard blob.count >= Self.frame else { throw .malformed("it has \(blob.count) bytes") }
        let length = Self.bigEndian(blob[0..<4])
        guard length == blob.count - 8 else {
            throw .malformed("it says that it has \(length) bytes, and has \(blob.count - 8)")
        }
        guard Array(blob[4..<8]) == Self.magic else { throw .malformed("its magic is another") }
        let end = blob.count - 4
        let checksum = crc32(blob.span.bytes.extracting(4..<end))
        guard Int(checksum) == Self.bigEndian(blob[end...]) else {
            throw .malformed("its checksum is another")
        }
        var reader = RoaringReader(bytes: Array(blob[8..<end]), limit: limit)
        positions = try reader.read()
    }

    private static func bigEndian(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reduce(0) { $0 << 8 | Int($1) }
    }
}

/// Why a deletion vector cannot be used.
public enum DeletionVectorError: Error, Hashable, Sendable {
    /// Its bytes are none of a deletion vector.
    case malformed(String)
    /// It has more positions than are held.
    case tooLarge(limit: Int)
}

extension DeletionVectorError: CustomStringConvertible {
    /// The text form, for logs and messages.
    public var description: String {
        switch self {
        case .malformed(let reason): "the deletion vector is damaged: \(reason)"
        case .tooLarge(let limit): "the deletion vector has more than \(limit) positions"
        }
    }
}

/// Reads a bitmap of 64 bits: bitmaps of 32 bits by their upper halves.
private struct RoaringReader {
    private let bytes: [UInt8]
    private let limit: Int
    private var offset = 0
    private var positions: [Int64] = []

    init(bytes: [UInt8], limit: Int) {
        self.bytes = bytes
        self.limit = limit
    }

    mutating func read() throws(DeletionVectorError) -> [Int64] {
        let count = try integer(8)
        var last = -1
        // Each takes twelve bytes at least, so that a wrong count ends soon.
        for _ in 0..<count {
            let key = try integer(4)
            guard key > last, key <= Int32.max else {
                throw .malformed("its upper halves do not ascend")
            }
            last = key
            try readBitmap(base: Int64(key) << 32)
        }
        guard offset == bytes.count else {
            throw .malformed("\(bytes.count - offset) bytes follow its bitmaps")
        }
        return positions
    }

    private mutating func integer(_ width: Int) throws(DeletionVectorError) -> Int {
        guard bytes.count - offset >= width else { throw .malformed("it ends within a number") }
        var value: UInt64 = 0
        for place in 0..<width { value |= UInt64(bytes[offset + place]) << UInt64(8 * place) }
        offset += width
        guard let number = Int(exactly: value) else { throw .malformed("a count is too large") }
        return number
    }

    private mutating func readBitmap(base: Int64) throws(DeletionVectorError) {
        let cookie = try integer(4)
        var count: Int
        var runs: [UInt8] = []
        if cookie & 0xFFFF == DeletionVector.runCookie {
            count = cookie >> 16 + 1
            for _ in 0..<(count + 7) / 8 { runs.append(UInt8(try integer(1))) }
        } else if cookie == DeletionVector.plainCookie {
            count = try integer(4)
        } else {
            throw .malformed("a bitmap begins with \(cookie)")
        }
        guard count <= 1 << 16 else { throw .malformed("a bitmap has \(count) containers") }
        var headers: [(key: Int, count: Int)] = []
        for _ in 0..<count {
            let key = try integer(2)
            guard key > headers.last?.key ?? -1 else {
                throw .malformed("its containers do not ascend")
            }
            headers.append((key, try integer(2) + 1))
        }
        if runs.isEmpty || count >= DeletionVector.offsetThreshold {
            for _ in 0..<count { _ = try integer(4) }
        }
        for (index, header) in headers.enumerated() {
            let start = base | Int64(header.key) << 16
            let before = positions.count
            if !runs.isEmpty, runs[index / 8] >> UInt8(index % 8) & 1 == 1 {
                try readRuns(start)
            } else if header.count > DeletionVector.largestArray {
                try readBits(start)
            } else {
                for _ in 0..<header.count { try append(start, try integer(2)) }
            }
            guard positions.count - before == header.count else {
                throw .malformed("a container has another number of values than it says")
            }
        }
    }

    private mutating func readRuns(_ start: Int64) throws(DeletionVectorError) {
        for _ in 0..<(try integer(2)) {
            let first = try integer(2)
            let more = try integer(2)
            guard first + more < 1 << 16 else { throw .malformed("a run leaves its container") }
            for value in first...(first + more) { try append(start, value) }
        }
    }

    private mutating func readBits(_ start: Int64) throws(DeletionVectorError) {
        for byte in 0..<8192 {
            let bits = try integer(1)
            for bit in 0..<8 where bits >> bit & 1 == 1 { try append(start, byte * 8 + bit) }
        }
    }

    private mutating func append(_ start: Int64, _ value: Int) throws(DeletionVectorError) {
        let position = start | Int64(value)
        guard position > positions.last ?? -1 else {
            throw .malformed("its positions do not ascend")
        }
        guard positions.count < limit else { throw .tooLarge(limit: limit) }
        positions.append(position)
    }
}
